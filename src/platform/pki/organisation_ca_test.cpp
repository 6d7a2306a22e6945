#include "platform/pki/organisation_ca.h"

#include <gtest/gtest.h>

#include "platform/pki/limits.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::pki::organisation_ca_test {

constexpr Validity ten_years{fixture_now, fixture_now + std::chrono::days(3652)};
constexpr Validity one_year{fixture_now, fixture_now + std::chrono::days(365)};
const TerminalSubject subject{"1310000001", "T-01"};

SystemRandom& random_source() {
    static SystemRandom instance;
    return instance;
}

IssuingCa make_ca(IssuingCa::Kind kind) {
    return *IssuingCa::create(kind, "TEST onshi", ten_years, random_source());
}

EcPrivateKey p256() {
    return EcPrivateKey::generate(EcPrivateKey::Curve::p256);
}

template <class T>
std::string code_name(const Result<T>& result) {
    return result ? "made" : std::string(error_name(result.error().code));
}

// A request as a terminal would not make it.
std::string forge_request(EVP_PKEY* key, const char* common_name) {
    const X509ReqHandle request(X509_REQ_new());
    X509_REQ_set_version(request.get(), X509_REQ_VERSION_1);
    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()), "CN", MBSTRING_UTF8,
                               as_bytes(common_name).data(), -1, -1, 0);
    X509_REQ_set_pubkey(request.get(), key);
    ENSURE(X509_REQ_sign(request.get(), key, EVP_sha256()) > 0);
    return encode_der(i2d_X509_REQ, request.get());
}

TEST(OrganisationCa, certifies_a_terminal_for_clients_under_the_name_that_the_issuer_gives) {
    const auto ca = make_ca(IssuingCa::Kind::organisation);
    const auto key = p256();
    const auto der = ca.issue_terminal(as_bytes(*make_terminal_request(key)), subject, one_year, random_source());
    ASSERT_TRUE(der);
    const auto certificate = verify_organisation_certificate(as_bytes(*der), ca.store(), fixture_now);
    ASSERT_TRUE(certificate) << certificate.error().detail;
    EXPECT_EQ(terminal_subject(*certificate), subject);
    EXPECT_EQ(certificate->subject.text(), "C=JP,O=1310000001,CN=T-01");
    EXPECT_EQ(certificate->key_name, "P-256");
    EXPECT_EQ(as_text(key.subject_public_key_info()), certificate->subject_public_key_info);
    EXPECT_EQ(certificate->serial.size(), 16U);
    EXPECT_EQ(certificate->fingerprint(), sha256(as_bytes(*der)));
}

TEST(OrganisationCa, does_not_read_what_a_request_says_about_itself) {
    const auto ca = make_ca(IssuingCa::Kind::organisation);
    const auto request = forge_request(p256().handle().key.get(), "hub administrator");
    const auto der = ca.issue_terminal(as_bytes(request), subject, one_year, random_source());
    ASSERT_TRUE(der);
    EXPECT_EQ(terminal_subject(*parse_certificate(as_bytes(*der))), subject);
    EXPECT_EQ(der->find("administrator"), std::string::npos);
}

TEST(OrganisationCa, refuses_requests_that_it_cannot_rely_on) {
    const auto ca = make_ca(IssuingCa::Kind::organisation);
    const auto good = *make_terminal_request(p256());
    auto changed = good;
    changed.back() = static_cast<char>(changed.back() ^ 1);
    const PkeyHandle explicit_curve = [] {
        OpenSslHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
        EVP_PKEY* key = nullptr;
        ENSURE(EVP_PKEY_keygen_init(context.get()) == 1 &&
               EVP_PKEY_CTX_set_group_name(context.get(), "secp256k1") == 1 &&
               EVP_PKEY_generate(context.get(), &key) == 1);
        return PkeyHandle(key);
    }();
    const std::pair<const char*, std::string> rows[] = {
        {"nothing", ""},
        {"trailing byte", good + "x"},
        {"a changed signature", changed},
        {"P-384", forge_request(EcPrivateKey::generate(EcPrivateKey::Curve::p384).handle().key.get(), "x")},
        {"another curve of 256 bits", forge_request(explicit_curve.get(), "x")},
        {"RSA", forge_request(fixture_keys().key(6).handle().key.get(), "x")},
        {"a certificate", ca.certificate().der},
        {"larger than the limit", std::string(certificate_request_bytes_max + 1, '\x30')},
    };
    for (const auto& [what, der] : rows) {
        EXPECT_EQ(code_name(ca.issue_terminal(as_bytes(der), subject, one_year, random_source())),
                  "certificate.request")
            << what;
    }
}

TEST(OrganisationCa, a_request_with_one_flipped_bit_gets_no_certificate) {
    const auto ca = make_ca(IssuingCa::Kind::organisation);
    const auto good = *make_terminal_request(p256());
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto der = good;
        der[bit / 8] = static_cast<char>(der[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(ca.issue_terminal(as_bytes(der), subject, one_year, random_source()))
            << "byte " << bit / 8 << " of " << good.size() << ", bit " << bit % 8;
    }
}

TEST(OrganisationCa, names_have_1_to_64_printable_characters) {
    const auto ca = make_ca(IssuingCa::Kind::organisation);
    const auto request = *make_terminal_request(p256());
    const std::pair<TerminalSubject, const char*> rows[] = {
        {{std::string(64, 'x'), std::string(64, 'y')}, "made"},
        {{std::string(63, 'x'), "y"}, "made"},
        {{std::string(65, 'x'), "y"}, "certificate.malformed"},
        {{"x", std::string(65, 'y')}, "certificate.malformed"},
        {{"", "y"}, "certificate.malformed"},
        {{"x", ""}, "certificate.malformed"},
        {{"x\n", "y"}, "certificate.malformed"},
        {{"医院", "y"}, "certificate.malformed"},
    };
    for (const auto& [given, expected] : rows) {
        EXPECT_EQ(code_name(ca.issue_terminal(as_bytes(request), given, one_year, random_source())), expected)
            << given.organisation.size();
    }
    const Validity backwards{one_year.not_after, one_year.not_before};
    EXPECT_EQ(code_name(ca.issue_terminal(as_bytes(request), subject, backwards, random_source())),
              "certificate.malformed");
}

TEST(OrganisationCertificate, is_judged_with_the_codes_of_certificates) {
    const auto ca = make_ca(IssuingCa::Kind::organisation);
    const auto other = make_ca(IssuingCa::Kind::organisation);
    const auto store = ca.store();
    const auto good = *ca.issue_terminal(as_bytes(*make_terminal_request(p256())), subject, one_year, random_source());
    const auto foreign =
        *other.issue_terminal(as_bytes(*make_terminal_request(p256())), subject, one_year, random_source());
    const auto code = [&](const std::string& der, Instant at) {
        return code_name(verify_organisation_certificate(as_bytes(der), store, at));
    };
    const auto second = std::chrono::seconds(1);
    EXPECT_EQ(code(good, one_year.not_before), "made");
    EXPECT_EQ(code(good, one_year.not_after), "made");
    EXPECT_EQ(code(good, one_year.not_after + second), "certificate.expired");
    EXPECT_EQ(code(good, one_year.not_before - second), "certificate.not_yet_valid");
    EXPECT_EQ(code(foreign, fixture_now), "certificate.untrusted");
    EXPECT_EQ(code(good + "x", fixture_now), "certificate.malformed");
    EXPECT_EQ(code(ca.certificate().der, fixture_now), "certificate.kind");
    const CardCertificateOrder order{
        0x01000001, "ABCDEFGHIJ0123456789KLM", fixture_now, one_year.not_after, "Tokyo", "Chiyoda-ku", {}};
    EXPECT_EQ(code(*fixture_jpki().auth_ca(3).issue(order, fixture_keys().public_key(6)), fixture_now),
              "certificate.key");
    const auto server_ca = make_ca(IssuingCa::Kind::server);
    EXPECT_EQ(code(*server_ca.issue_server({{"hub.example"}, {}}, p256(), one_year, random_source()), fixture_now),
              "certificate.kind");
}

TEST(ServerCa, certifies_a_hub_for_the_names_it_is_reached_by) {
    const auto ca = make_ca(IssuingCa::Kind::server);
    const auto key = p256();
    const auto der =
        ca.issue_server({{"hub.example", "hub-2.example"}, {"127.0.0.1", "::1"}}, key, one_year, random_source());
    ASSERT_TRUE(der);
    const auto certificate = *parse_certificate(as_bytes(*der));
    EXPECT_EQ(certificate.dns_names, (std::vector<std::string>{"hub.example", "hub-2.example"}));
    EXPECT_EQ(certificate.ip_addresses, (std::vector<std::string>{"127.0.0.1", "::1"}));
    EXPECT_EQ(certificate.extended_key_usages, std::vector<std::string>{"1.3.6.1.5.5.7.3.1"});
    EXPECT_FALSE(certificate.is_ca);
    EXPECT_EQ(ca.store().purpose(), TrustPurpose::server);
}

TEST(ServerCa, refuses_names_that_are_none) {
    const auto ca = make_ca(IssuingCa::Kind::server);
    const auto key = p256();
    const std::vector<std::string> many(server_names_max, "hub.example");
    const std::pair<ServerNames, const char*> rows[] = {
        {{many, {}}, "made"},
        {{{many.begin() + 1, many.end()}, {"127.0.0.1"}}, "made"},
        {{many, {"127.0.0.1"}}, "certificate.malformed"},
        {{}, "certificate.malformed"},
        {{{"hub.example,DNS:bank.example"}, {}}, "certificate.malformed"},
        {{{"HUB.example"}, {}}, "certificate.malformed"},
        {{{".example"}, {}}, "certificate.malformed"},
        {{{std::string(254, 'x')}, {}}, "certificate.malformed"},
        {{{}, {"127.0.0.256"}}, "certificate.malformed"},
        {{{}, {"hub.example"}}, "certificate.malformed"},
    };
    int row = 0;
    for (const auto& [names, expected] : rows) {
        EXPECT_EQ(code_name(ca.issue_server(names, key, one_year, random_source())), expected) << row++;
    }
    const auto p384 = EcPrivateKey::generate(EcPrivateKey::Curve::p384);
    EXPECT_EQ(code_name(ca.issue_server({{"hub.example"}, {}}, p384, one_year, random_source())), "key.malformed");
    EXPECT_EQ(code_name(make_terminal_request(p384)), "key.malformed");
}

TEST(IssuingCa, is_saved_and_loads_again_with_its_own_key_only) {
    const TemporaryFolder folder;
    const auto ca = make_ca(IssuingCa::Kind::organisation);
    const auto other = make_ca(IssuingCa::Kind::organisation);
    ASSERT_TRUE(ca.save(folder.path() / "ca.crt", folder.path() / "ca.key"));
    ASSERT_TRUE(other.save(folder.path() / "other.crt", folder.path() / "other.key"));
    const auto loaded =
        IssuingCa::load(IssuingCa::Kind::organisation, folder.path() / "ca.crt", folder.path() / "ca.key");
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->certificate().der, ca.certificate().der);
    EXPECT_EQ(code_name(IssuingCa::load(IssuingCa::Kind::organisation, folder.path() / "other.crt",
                                        folder.path() / "ca.key")),
              "key.malformed");
    EXPECT_EQ(
        code_name(IssuingCa::load(IssuingCa::Kind::organisation, folder.path() / "no.crt", folder.path() / "ca.key")),
        "secret.missing");
    EXPECT_EQ(code_name(ca.save(folder.path() / "ca.crt", folder.path() / "ca.key")), "secret.exists");
    EXPECT_TRUE(loaded->store().contains_test_ca());
}

TEST(IssuingCa, has_a_plain_name_and_ends_after_it_begins) {
    const auto create = [](const std::string& name, Validity validity) {
        return code_name(IssuingCa::create(IssuingCa::Kind::server, name, validity, random_source()));
    };
    EXPECT_EQ(create(std::string(64, 'x'), ten_years), "made");
    EXPECT_EQ(create(std::string(65, 'x'), ten_years), "certificate.malformed");
    EXPECT_EQ(create("", ten_years), "certificate.malformed");
    EXPECT_EQ(create("x", {fixture_now, fixture_now}), "certificate.malformed");
    EXPECT_EQ(create("x", {fixture_now + std::chrono::microseconds(1), ten_years.not_after}), "certificate.malformed");
}

}  // namespace onshi::pki::organisation_ca_test
