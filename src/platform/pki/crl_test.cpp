#include <algorithm>
#include <functional>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/pki/certificate_builder.h"
#include "platform/pki/limits.h"
#include "platform/pki/revocation.h"
#include "platform/pki/test_fixtures.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki::crl_test {

using std::chrono::hours;
using std::chrono::seconds;

const TrustStore& store() {
    static const TrustStore instance = fixture_jpki().auth_store();
    return instance;
}

const TestCa& ca() {
    return fixture_jpki().auth_ca(3);
}

std::string serial(std::uint32_t number) {
    std::string bytes;
    ByteWriter(bytes).u32(number);
    return bytes;
}

Result<Crl> read(const std::string& der, Instant at = fixture_now) {
    return Crl::read(as_bytes(der), store(), {}, at);
}

std::string code_name(const Result<Crl>& result) {
    return result ? "read" : std::string(error_name(result.error().code));
}

std::string list(std::vector<RevokedEntry> entries, Instant from = fixture_now - hours(1),
                 Instant to = fixture_now + hours(23)) {
    return ca().make_crl(entries, 7, from, to);
}

// A list that our CA would never make, signed with its key all the same.
std::string forge(const std::function<void(X509_CRL*)>& change, const TestCa& signer = ca(),
                  const EVP_MD* digest = EVP_sha256()) {
    const X509CrlHandle crl(X509_CRL_new());
    const auto issuer = decode_certificate(as_bytes(ca().certificate().der));
    X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.get()));
    X509_CRL_set1_lastUpdate(crl.get(), make_time(fixture_now - hours(1)).get());
    X509_CRL_set1_nextUpdate(crl.get(), make_time(fixture_now + hours(23)).get());
    change(crl.get());
    ENSURE(X509_CRL_sign(crl.get(), signer.key().handle().key.get(), digest) > 0);
    return encode_der(i2d_X509_CRL, crl.get());
}

void revoke(X509_CRL* crl, std::string_view number, std::optional<long> reason = std::nullopt) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, make_integer(as_bytes(number)).get());
    X509_REVOKED_set_revocationDate(entry, make_time(fixture_now - hours(2)).get());
    if (reason) {
        const OpenSslHandle<ASN1_ENUMERATED, ASN1_ENUMERATED_free> value(ASN1_ENUMERATED_new());
        ASN1_ENUMERATED_set(value.get(), *reason);
        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, value.get(), 0, 0);
    }
    ENSURE(X509_CRL_add0_revoked(crl, entry) == 1);
}

void add_critical_unknown(X509_CRL* crl) {
    const OpenSslHandle<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> octets(ASN1_OCTET_STRING_new());
    ASN1_OCTET_STRING_set(octets.get(), as_bytes("\x05\x05").data(), 2);
    const Asn1ObjectHandle object(OBJ_txt2obj("1.2.3.4.5.6", 1));
    const X509ExtensionHandle extension(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 1, octets.get()));
    ENSURE(X509_CRL_add_ext(crl, extension.get(), -1) == 1);
}

void make_partial(X509_CRL* crl) {
    const OpenSslHandle<ISSUING_DIST_POINT, ISSUING_DIST_POINT_free> scope(ISSUING_DIST_POINT_new());
    scope->onlyuser = 0xFF;
    ENSURE(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, scope.get(), 0, 0) == 1);
}

void make_delta(X509_CRL* crl) {
    const auto base = make_integer(as_bytes("\x01"));
    ENSURE(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base.get(), 0, 0) == 1);
}

TEST(Crl, tells_every_state_that_a_list_can_tell) {
    const Instant since = fixture_now - hours(48);
    struct Row {
        RevocationReason reason;
        RevocationState state;
    };
    const Row rows[] = {{RevocationReason::unspecified, RevocationState::revoked},
                        {RevocationReason::key_compromise, RevocationState::revoked},
                        {RevocationReason::ca_compromise, RevocationState::revoked},
                        {RevocationReason::affiliation_changed, RevocationState::revoked},
                        {RevocationReason::superseded, RevocationState::revoked},
                        {RevocationReason::cessation_of_operation, RevocationState::revoked},
                        {RevocationReason::certificate_hold, RevocationState::suspended},
                        {RevocationReason::privilege_withdrawn, RevocationState::revoked},
                        {RevocationReason::aa_compromise, RevocationState::revoked}};
    std::vector<RevokedEntry> entries;
    for (const auto& row : rows)
        entries.push_back({serial(0x01000100 + static_cast<std::uint32_t>(row.reason)), row.reason, since});
    const auto crl = read(list(entries));
    ASSERT_EQ(code_name(crl), "read");
    for (const auto& row : rows) {
        const auto status = crl->status(ca().id(), serial(0x01000100 + static_cast<std::uint32_t>(row.reason)));
        EXPECT_EQ(status.state, row.state) << to_string(row.reason);
        EXPECT_EQ(status.reason, row.reason);
        EXPECT_EQ(status.since, since);
        EXPECT_EQ(status.as_of, fixture_now - hours(1));
    }
    EXPECT_EQ(crl->status(ca().id(), serial(0x01000001)).state, RevocationState::good);
    EXPECT_EQ(crl->status(fixture_jpki().auth_ca(2).id(), serial(0x01000100)).state, RevocationState::unknown);
    EXPECT_EQ(to_hex(as_bytes(crl->number())), "07");
    EXPECT_EQ(crl->entries().size(), std::size(rows));
}

TEST(Crl, of_each_generation_is_known_by_its_key) {
    for (int generation = 1; generation <= 3; ++generation) {
        const auto& issuer = fixture_jpki().auth_ca(generation);
        const auto crl = read(issuer.make_crl({}, 1, fixture_now, fixture_now + hours(24)));
        ASSERT_EQ(code_name(crl), "read");
        EXPECT_EQ(crl->ca(), issuer.id());
    }
}

TEST(Crl, that_cannot_be_relied_on_is_refused_with_its_own_code) {
    const auto good = list({});
    const auto nothing = [](X509_CRL*) {};
    const std::pair<std::string, const char*> rows[] = {
        {good, "read"},
        {forge(nothing), "read"},
        {forge([](X509_CRL* crl) { revoke(crl, "\x05", 6); }), "read"},
        {"", "revocation.malformed"},
        {good + "x", "revocation.malformed"},
        {good.substr(0, good.size() - 1), "revocation.malformed"},
        {ca().certificate().der, "revocation.malformed"},
        {forge([](X509_CRL* crl) { X509_CRL_set_version(crl, 0); }), "revocation.malformed"},
        {forge(add_critical_unknown), "revocation.malformed"},
        {forge(make_partial), "revocation.malformed"},
        {forge(make_delta), "revocation.malformed"},
        {forge([](X509_CRL* crl) {
             revoke(crl, "\x05");
             revoke(crl, "\x05");
         }),
         "revocation.malformed"},
        {forge([](X509_CRL* crl) { revoke(crl, "\x05", 8); }), "revocation.malformed"},   // removeFromCRL
        {forge([](X509_CRL* crl) { revoke(crl, "\x05", 7); }), "revocation.malformed"},   // not used
        {forge([](X509_CRL* crl) { revoke(crl, "\x05", 11); }), "revocation.malformed"},  // beyond the list
        {forge([](X509_CRL* crl) { revoke(crl, std::string(21, '\x05')); }), "revocation.malformed"},
        {forge([](X509_CRL* crl) { X509_CRL_set1_nextUpdate(crl, make_time(fixture_now - hours(2)).get()); }),
         "revocation.malformed"},
        {forge(nothing, fixture_jpki().sign_ca(3)), "revocation.untrusted"},
        {forge(nothing, ca(), EVP_sha1()), "revocation.untrusted"},
        {fixture_jpki().sign_ca(3).make_crl({}, 1, fixture_now, fixture_now + hours(24)), "revocation.untrusted"},
    };
    int row = 0;
    for (const auto& [der, code] : rows) EXPECT_EQ(code_name(read(der)), code) << "row " << row++;
}

TEST(Crl, larger_than_the_limit_is_not_read) {
    const std::string padded = list({}) + std::string(crl_bytes_max, '\0');
    EXPECT_EQ(code_name(read(padded)), "revocation.malformed");
    std::vector<RevokedEntry> entries;
    for (std::uint32_t i = 0; i < 20'000; ++i) {
        entries.push_back({serial(0x01000000 + i), RevocationReason::superseded, fixture_now - hours(2)});
    }
    const auto crl = read(list(entries));
    ASSERT_EQ(code_name(crl), "read");
    EXPECT_EQ(crl->entries().size(), entries.size());
}

TEST(Crl, counts_from_this_update_to_next_update_with_the_slack_of_the_rules) {
    const auto der = list({});
    const Instant from = fixture_now - hours(1);
    const Instant to = fixture_now + hours(23);
    const FreshnessRules rules{.clock_skew_max = seconds(60), .overdue_max = seconds(120), .age_max = seconds(1)};
    struct Row {
        Instant at;
        const char* code;
    };
    const Row rows[] = {{from - seconds(61), "revocation.stale"},
                        {from - seconds(60), "read"},
                        {from, "read"},
                        {to, "read"},
                        {to + seconds(120), "read"},
                        {to + seconds(121), "revocation.stale"}};
    for (const auto& row : rows)
        EXPECT_EQ(code_name(Crl::read(as_bytes(der), store(), rules, row.at)), row.code) << (row.at - from).count();
}

TEST(Crl, finds_each_serial_among_many_of_any_length) {
    EXPECT_TRUE(rc::check("lookup", [] {
        const auto numbers = *rc::gen::unique<std::vector<std::uint64_t>>(
            rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t n) { return (n >> (n % 60U)) | 1U; }));
        std::vector<RevokedEntry> entries;
        const auto encoded = [](std::uint64_t number) {
            std::string bytes;
            ByteWriter(bytes).u64(number);
            return bytes.substr(bytes.find_first_not_of('\0'));
        };
        for (std::size_t i = 0; i < numbers.size(); i += 2) {
            entries.push_back({encoded(numbers[i]), RevocationReason::superseded, fixture_now - hours(2)});
        }
        const auto crl = read(list(entries));
        RC_ASSERT(crl.has_value());
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            const auto expected = i % 2 == 0 ? RevocationState::revoked : RevocationState::good;
            RC_ASSERT(crl->status(ca().id(), encoded(numbers[i])).state == expected);
        }
    }));
}

TEST(Crl, with_one_flipped_bit_is_never_believed) {
    const auto good = list({{serial(0x01000005), RevocationReason::certificate_hold, fixture_now - hours(2)}});
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto der = good;
        der[bit / 8] = static_cast<char>(der[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(read(der)) << "byte " << bit / 8 << " of " << good.size() << ", bit " << bit % 8;
    }
}

}  // namespace onshi::pki::crl_test
