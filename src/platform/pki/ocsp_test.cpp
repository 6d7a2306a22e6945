#include <functional>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "platform/pki/certificate_builder.h"
#include "platform/pki/limits.h"
#include "platform/pki/revocation.h"
#include "platform/pki/test_fixtures.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki::ocsp_test {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const std::string serial("\x01\x00\x00\x2A", 4);

const TrustStore& store() {
    static const TrustStore instance = fixture_jpki().auth_store();
    return instance;
}

const TestCa& ca() {
    return fixture_jpki().auth_ca(3);
}

OcspQuestion ask() {
    SystemRandom random;
    return *make_ocsp_question(ca().id(), serial, store(), random);
}

enum class Nonce : std::uint8_t { same, other, absent };

// What a responder says. Without changes: good, signed by the CA itself, of now.
struct Answer {
    int state = V_OCSP_CERTSTATUS_GOOD;
    int reason = OCSP_REVOKED_STATUS_NOSTATUS;
    Instant revoked_at = fixture_now - hours(5);
    Instant this_update = fixture_now - minutes(1);
    std::optional<Instant> next_update = fixture_now + hours(1);
    Nonce nonce = Nonce::same;
    std::string about = serial;
    const TestCa* about_ca = &ca();
    int times = 1;
    const RsaPrivateKey* key = &ca().key();
    std::string signer = ca().certificate().der;
    const EVP_MD* digest = EVP_sha256();
    int outcome = OCSP_RESPONSE_STATUS_SUCCESSFUL;
};

std::string respond(const OcspQuestion& question, const Answer& answer) {
    const auto* at = as_bytes(question.request_der).data();
    const OpenSslHandle<OCSP_REQUEST, OCSP_REQUEST_free> request(
        d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(question.request_der.size())));
    const OpenSslHandle<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(OCSP_BASICRESP_new());
    const auto issuer = decode_certificate(as_bytes(answer.about_ca->certificate().der));
    for (int i = 0; i < answer.times; ++i) {
        const OpenSslHandle<OCSP_CERTID, OCSP_CERTID_free> id(
            OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(issuer.get()), X509_get0_pubkey_bitstr(issuer.get()),
                             make_integer(as_bytes(answer.about)).get()));
        const auto next = answer.next_update ? make_time(*answer.next_update) : nullptr;
        ENSURE(OCSP_basic_add1_status(basic.get(), id.get(), answer.state, answer.reason,
                                      make_time(answer.revoked_at).get(), make_time(answer.this_update).get(),
                                      next.get()) != nullptr);
    }
    if (answer.nonce == Nonce::same) OCSP_copy_nonce(basic.get(), request.get());
    if (answer.nonce == Nonce::other) OCSP_basic_add1_nonce(basic.get(), nullptr, 32);
    const auto signer = decode_certificate(as_bytes(answer.signer));
    ENSURE(OCSP_basic_sign(basic.get(), signer.get(), answer.key->handle().key.get(), answer.digest, nullptr, 0) == 1);
    const OpenSslHandle<OCSP_RESPONSE, OCSP_RESPONSE_free> response(OCSP_response_create(answer.outcome, basic.get()));
    return encode_der(i2d_OCSP_RESPONSE, response.get());
}

Result<CertificateStatus> read(const OcspQuestion& question, const std::string& der, Instant at = fixture_now) {
    return read_ocsp_response(as_bytes(der), question, store(), {}, at);
}

std::string name(const Result<CertificateStatus>& result) {
    return std::string(result ? to_string(result->state) : error_name(result.error().code));
}

std::string delegated(const TestCa& issuer, Instant not_before, Instant not_after) {
    return issuer.issue_ocsp_responder(fixture_keys().public_key(7), not_before, not_after);
}

TEST(Ocsp, tells_every_state) {
    struct Row {
        int state;
        int reason;
        RevocationState expected;
        RevocationReason expected_reason;
    };
    const Row rows[] = {
        {V_OCSP_CERTSTATUS_GOOD, -1, RevocationState::good, RevocationReason::unspecified},
        {V_OCSP_CERTSTATUS_UNKNOWN, -1, RevocationState::unknown, RevocationReason::unspecified},
        {V_OCSP_CERTSTATUS_REVOKED, -1, RevocationState::revoked, RevocationReason::unspecified},
        {V_OCSP_CERTSTATUS_REVOKED, 0, RevocationState::revoked, RevocationReason::unspecified},
        {V_OCSP_CERTSTATUS_REVOKED, 1, RevocationState::revoked, RevocationReason::key_compromise},
        {V_OCSP_CERTSTATUS_REVOKED, 3, RevocationState::revoked, RevocationReason::affiliation_changed},
        {V_OCSP_CERTSTATUS_REVOKED, 4, RevocationState::revoked, RevocationReason::superseded},
        {V_OCSP_CERTSTATUS_REVOKED, 5, RevocationState::revoked, RevocationReason::cessation_of_operation},
        {V_OCSP_CERTSTATUS_REVOKED, 6, RevocationState::suspended, RevocationReason::certificate_hold},
    };
    for (const auto& row : rows) {
        const auto question = ask();
        Answer answer;
        answer.state = row.state;
        answer.reason = row.reason;
        const auto status = read(question, respond(question, answer));
        ASSERT_TRUE(status) << name(status);
        EXPECT_EQ(status->state, row.expected) << row.reason;
        EXPECT_EQ(status->reason, row.expected_reason) << row.reason;
        EXPECT_EQ(status->as_of, answer.this_update);
        if (row.state == V_OCSP_CERTSTATUS_REVOKED) EXPECT_EQ(status->since, answer.revoked_at);
    }
}

TEST(Ocsp, an_answer_counts_only_from_the_ca_or_from_a_responder_that_it_made_for_this) {
    const auto& keys = fixture_keys();
    const Instant before = fixture_now - hours(24);
    const Instant after = fixture_now + hours(24);
    struct Row {
        const char* what;
        std::string signer;
        const RsaPrivateKey* key;
        const EVP_MD* digest;
        const char* expected;
    };
    const CardCertificateOrder order{0x01000007, "ABCDEFGHIJ0123456789KLM", before, after, "Tokyo", "Chiyoda-ku", {}};
    const Row rows[] = {
        {"the CA", ca().certificate().der, &ca().key(), EVP_sha256(), "good"},
        {"its responder", delegated(ca(), before, after), &keys.key(7), EVP_sha256(), "good"},
        {"its responder with SHA-384", delegated(ca(), before, after), &keys.key(7), EVP_sha384(), "good"},
        {"its responder, expired", delegated(ca(), before, fixture_now - hours(1)), &keys.key(7), EVP_sha256(),
         "revocation.untrusted"},
        {"its responder of tomorrow", delegated(ca(), fixture_now + hours(1), after), &keys.key(7), EVP_sha256(),
         "revocation.untrusted"},
        {"its responder with SHA-1", delegated(ca(), before, after), &keys.key(7), EVP_sha1(), "revocation.untrusted"},
        {"the CA with SHA-1", ca().certificate().der, &ca().key(), EVP_sha1(), "revocation.untrusted"},
        {"a responder of the CA's earlier generation", delegated(fixture_jpki().auth_ca(2), before, after),
         &keys.key(7), EVP_sha256(), "revocation.untrusted"},
        {"the earlier generation itself", fixture_jpki().auth_ca(2).certificate().der, &fixture_jpki().auth_ca(2).key(),
         EVP_sha256(), "revocation.untrusted"},
        {"the signature CA", fixture_jpki().sign_ca(3).certificate().der, &fixture_jpki().sign_ca(3).key(),
         EVP_sha256(), "revocation.untrusted"},
        {"a card of this CA", *ca().issue(order, keys.public_key(7)), &keys.key(7), EVP_sha256(),
         "revocation.untrusted"},
    };
    for (const auto& row : rows) {
        const auto question = ask();
        Answer answer;
        answer.signer = row.signer;
        answer.key = row.key;
        answer.digest = row.digest;
        EXPECT_EQ(name(read(question, respond(question, answer))), row.expected) << row.what;
    }
}

TEST(Ocsp, an_answer_to_another_question_is_a_mismatch) {
    const auto question = ask();
    Answer other_nonce, no_nonce, other_serial, other_ca, twice, none;
    other_nonce.nonce = Nonce::other;
    no_nonce.nonce = Nonce::absent;
    other_serial.about = std::string("\x01\x00\x00\x2B", 4);
    other_ca.about_ca = &fixture_jpki().auth_ca(2);
    twice.times = 2;
    none.times = 0;
    struct Row {
        const char* what;
        Answer answer;
        const char* code;
    };
    const Row rows[] = {{"another nonce", other_nonce, "revocation.mismatch"},
                        {"no nonce", no_nonce, "revocation.mismatch"},
                        {"another serial", other_serial, "revocation.mismatch"},
                        {"two answers", twice, "revocation.mismatch"},
                        // Who may speak for a CA shows in the answers only: with none, or for another CA, nobody may.
                        {"another CA of the same name", other_ca, "revocation.untrusted"},
                        {"no answer at all", none, "revocation.untrusted"}};
    for (const auto& row : rows) EXPECT_EQ(name(read(question, respond(question, row.answer))), row.code) << row.what;
    EXPECT_EQ(name(read(ask(), respond(question, {}))), "revocation.mismatch") << "a replay";
}

TEST(Ocsp, an_answer_counts_for_its_time_only) {
    const auto question = ask();
    const auto at = [&](Answer answer, Instant now) { return name(read(question, respond(question, answer), now)); };
    const FreshnessRules rules;
    Answer usual, open_ended, backwards;
    open_ended.next_update.reset();
    backwards.next_update = backwards.this_update - seconds(1);
    EXPECT_EQ(at(usual, usual.this_update - rules.clock_skew_max), "good");
    EXPECT_EQ(at(usual, usual.this_update - rules.clock_skew_max - seconds(1)), "revocation.stale");
    EXPECT_EQ(at(usual, *usual.next_update + rules.overdue_max), "good");
    EXPECT_EQ(at(usual, *usual.next_update + rules.overdue_max + seconds(1)), "revocation.stale");
    EXPECT_EQ(at(open_ended, open_ended.this_update + rules.age_max), "good");
    EXPECT_EQ(at(open_ended, open_ended.this_update + rules.age_max + seconds(1)), "revocation.stale");
    EXPECT_EQ(at(backwards, fixture_now), "revocation.malformed");
}

TEST(Ocsp, a_responder_in_trouble_is_unavailable) {
    for (const int outcome :
         {OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, OCSP_RESPONSE_STATUS_INTERNALERROR, OCSP_RESPONSE_STATUS_TRYLATER,
          OCSP_RESPONSE_STATUS_SIGREQUIRED, OCSP_RESPONSE_STATUS_UNAUTHORIZED}) {
        const OpenSslHandle<OCSP_RESPONSE, OCSP_RESPONSE_free> response(OCSP_response_create(outcome, nullptr));
        EXPECT_EQ(name(read(ask(), encode_der(i2d_OCSP_RESPONSE, response.get()))), "revocation.unavailable")
            << outcome;
    }
}

TEST(Ocsp, bytes_that_are_no_answer_are_malformed) {
    const auto question = ask();
    const auto good = respond(question, {});
    Answer removed;
    removed.state = V_OCSP_CERTSTATUS_REVOKED;
    removed.reason = 8;
    const std::string rows[] = {"",
                                "<html>",
                                good + "x",
                                good.substr(0, good.size() - 1),
                                question.request_der,
                                std::string(ocsp_response_bytes_max + 1, '\x30'),
                                respond(question, removed)};
    for (const auto& der : rows) EXPECT_EQ(name(read(question, der)), "revocation.malformed") << der.size();
}

TEST(Ocsp, an_answer_with_one_flipped_bit_is_never_believed) {
    const auto question = ask();
    const auto good = respond(question, {});
    const auto signer_begins = good.find(ca().certificate().der.substr(0, 64));
    ASSERT_NE(signer_begins, std::string::npos);
    // The responder's own certificate behind the signature is a hint: the CA's key is known without it.
    for (std::size_t bit = 0; bit < signer_begins * 8; ++bit) {
        auto der = good;
        der[bit / 8] = static_cast<char>(der[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(read(question, der)) << "byte " << bit / 8 << " of " << signer_begins << ", bit " << bit % 8;
    }
}

TEST(OcspQuestion, is_about_a_ca_of_the_store_and_a_canonical_serial) {
    SystemRandom random;
    const auto code = [&](const CaId& id, std::string_view number) {
        const auto question = make_ocsp_question(id, number, store(), random);
        return question ? std::string("made") : std::string(error_name(question.error().code));
    };
    EXPECT_EQ(code(fixture_jpki().sign_ca(1).id(), serial), "certificate.untrusted");
    EXPECT_EQ(code(ca().id(), ""), "certificate.malformed");
    EXPECT_EQ(code(ca().id(), std::string("\0\x01", 2)), "certificate.malformed");
    EXPECT_EQ(code(ca().id(), std::string(21, 'x')), "certificate.malformed");
    EXPECT_EQ(code(ca().id(), std::string(20, 'x')), "made");
    EXPECT_NE(ask().nonce, ask().nonce);
}

// Runs a task to its end on a loop of its own.
Result<CertificateStatus> run(Task<Result<CertificateStatus>> task) {
    boost::asio::io_context loop;
    std::optional<Result<CertificateStatus>> out;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr error, Result<CertificateStatus> result) {
        ENSURE(!error);
        out = std::move(result);
    });
    loop.run();
    return *std::move(out);
}

TEST(AskOcsp, sends_the_question_and_reads_the_answer) {
    const auto question = ask();
    const ManualClock clock(fixture_now);
    std::string sent_to;
    const OcspTransport transport = [&](std::string url, std::string request, Deadline) -> Task<Result<std::string>> {
        sent_to = url;
        EXPECT_EQ(request, question.request_der);
        co_return respond(question, {});
    };
    EXPECT_EQ(name(run(ask_ocsp(question, "http://ocsp/", transport, store(), {}, clock, Deadline::in(seconds(1))))),
              "good");
    EXPECT_EQ(sent_to, "http://ocsp/");
}

TEST(AskOcsp, a_transport_that_fails_is_an_unavailable_responder) {
    const auto question = ask();
    const ManualClock clock(fixture_now);
    const OcspTransport transport = [](std::string, std::string, Deadline) -> Task<Result<std::string>> {
        co_return fail(ErrorCode::deadline_passed, "secret");
    };
    const auto result =
        run(ask_ocsp(question, "http://ocsp/", transport, store(), {}, clock, Deadline::in(seconds(1))));
    EXPECT_EQ(name(result), "revocation.unavailable");
    EXPECT_EQ(result.error().detail, "deadline.passed");
}

}  // namespace onshi::pki::ocsp_test
