#include "platform/pki/trust_store.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "platform/pki/forgery.h"
#include "platform/pki/limits.h"
#include "platform/pki/organisation_ca.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::pki::trust_store_test {

using std::chrono::microseconds;

const TrustStore& auth_store() {
    static const TrustStore store = fixture_jpki().auth_store();
    return store;
}

// Another TEST JPKI: the same names, other keys.
const TestJpki& foreign_jpki() {
    static const TestJpki jpki = [] {
        std::string pem;
        for (std::uint64_t i = 10; i < 16; ++i) pem += as_text(fixture_keys().key(i).to_pem().bytes());
        return TestJpki::create(fixture_now, *KeyPool::from_pem(pem));
    }();
    return jpki;
}

std::vector<AcceptedPolicy> card_policies() {
    return {{std::string(policy_card_authentication), ExpiryGrace::three_months}};
}

Result<VerifiedCardCertificate> verify(const std::string& der, Instant at = fixture_now) {
    return verify_card_certificate(as_bytes(der), auth_store(), card_policies(), at);
}

std::string code_name(const Result<VerifiedCardCertificate>& result) {
    return result ? "verified" : std::string(error_name(result.error().code));
}

CardCertificateOrder order(Instant not_before, Instant not_after) {
    return {0x01000001, "ABCDEFGHIJ0123456789KLM", not_before, not_after, "Tokyo", "Chiyoda-ku", {}};
}

const Instant issued_recently = start_of_japan_day(Date::of(2026, 10, 1));

std::string weak_rsa_key_info() {
    const PkeyHandle key(EVP_RSA_gen(1024));
    return encode_der(i2d_PUBKEY, key.get());
}

std::string ed25519_key_info() {
    const PkeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    return encode_der(i2d_PUBKEY, key.get());
}

struct BadCertificate {
    const char* what;
    std::string der;
    const char* code;
};

std::vector<BadCertificate> bad_by_kind() {
    Forgery no_usage, encipherment, ca, cert_sign, no_extended, server, code_signing;
    no_usage.key_usage.clear();
    encipherment.key_usage = "critical,keyEncipherment";
    ca.basic_constraints = "critical,CA:TRUE";
    cert_sign.key_usage = "critical,digitalSignature,keyCertSign";
    no_extended.extended_key_usage.clear();
    server.extended_key_usage = "serverAuth";
    code_signing.extended_key_usage = "codeSigning";
    return {
        {"no keyUsage", forge(no_usage), "certificate.kind"},
        {"keyUsage without digitalSignature", forge(encipherment), "certificate.kind"},
        {"a CA", forge(ca), "certificate.kind"},
        {"may sign certificates", forge(cert_sign), "certificate.kind"},
        {"the root itself", fixture_jpki().auth_ca(3).certificate().der, "certificate.kind"},
        {"no extKeyUsage", forge(no_extended), "certificate.kind"},
        {"for servers", forge(server), "certificate.kind"},
        {"for code", forge(code_signing), "certificate.kind"},
    };
}

std::vector<BadCertificate> bad_by_policy_or_key() {
    Forgery none, other, any, near, weak, three, p256, ed25519;
    none.policies.clear();
    other.policies = {std::string(policy_card_signature)};
    any.policies = {"2.5.29.32.0"};
    near.policies = {"1.2.392.200149.8.5.1.3.3", "1.2.392.200149.8.5.1.3.30.1"};
    weak.public_key_info = weak_rsa_key_info();
    three.public_key_info = rsa_key_info(fixture_keys().public_key(6).modulus(), as_bytes("\x03"));
    p256.public_key_info = as_text(EcPrivateKey::generate(EcPrivateKey::Curve::p256).subject_public_key_info());
    ed25519.public_key_info = ed25519_key_info();
    auto signature = order(issued_recently, issued_recently + std::chrono::days(1000));
    signature.holder = SignatureSubject{"髙橋　美咲", '2', "319850412", "東京都千代田区"};
    return {
        {"a signature certificate", *fixture_jpki().sign_ca(3).issue(signature, fixture_keys().public_key(6)),
         "certificate.policy"},
        {"no policy", forge(none), "certificate.policy"},
        {"the policy of signatures", forge(other), "certificate.policy"},
        {"any policy", forge(any), "certificate.policy"},
        {"policies with nearly this number", forge(near), "certificate.policy"},
        {"RSA-1024", forge(weak), "certificate.key"},
        {"e = 3", forge(three), "certificate.key"},
        {"P-256", forge(p256), "certificate.key"},
        {"Ed25519", forge(ed25519), "certificate.key"},
    };
}

std::vector<BadCertificate> bad_by_trust() {
    Forgery foreign, sign_root, no_authority, no_authority_first, wrong_authority, sha1, unknown_critical;
    foreign.issuer = &foreign_jpki().auth_ca(3);
    sign_root.issuer = &fixture_jpki().sign_ca(3);
    no_authority.authority_key_id = AuthorityKeyId::absent;
    no_authority_first = no_authority;
    no_authority_first.issuer = &fixture_jpki().auth_ca(1);
    wrong_authority.authority_key_id = AuthorityKeyId::of_another_generation;
    sha1.digest = EVP_sha1();
    unknown_critical.change = [](X509* x509) { add_unknown_critical_extension(x509); };
    Forgery foreign_expired = foreign;
    foreign_expired.not_before = start_of_japan_day(Date::of(2020, 1, 1));
    foreign_expired.not_after = start_of_japan_day(Date::of(2021, 1, 1));
    Forgery foreign_future = foreign;
    foreign_future.not_before = start_of_japan_day(Date::of(2029, 1, 1));
    return {
        {"a CA of the same name", forge(foreign), "certificate.untrusted"},
        {"that CA's expired certificate", forge(foreign_expired), "certificate.untrusted"},
        {"that CA's certificate of the future", forge(foreign_future), "certificate.untrusted"},
        {"made by the signature CA with the policy of authentication", forge(sign_root), "certificate.untrusted"},
        {"no authorityKeyIdentifier, issued by the third root", forge(no_authority), "certificate.untrusted"},
        {"no authorityKeyIdentifier, issued by the first root", forge(no_authority_first), "certificate.untrusted"},
        {"authorityKeyIdentifier of another generation", forge(wrong_authority), "certificate.untrusted"},
        {"signed with SHA-1", forge(sha1), "certificate.untrusted"},
        {"an unknown critical extension", forge(unknown_critical), "certificate.untrusted"},
    };
}

std::vector<BadCertificate> bad_by_date() {
    Forgery future, expired;
    future.not_before = start_of_japan_day(Date::of(2026, 11, 24));
    expired.not_before = start_of_japan_day(Date::of(2022, 1, 1));
    expired.not_after = start_of_japan_day(Date::of(2026, 8, 1)) - one_second;  // 2026-07-31, grace to 2026-10-31
    expired.issuer = &fixture_jpki().auth_ca(2);
    return {{"not valid yet", forge(future), "certificate.not_yet_valid"},
            {"expired, and the grace too", forge(expired), "certificate.expired"}};
}

TEST(VerifyCardCertificate, every_bad_certificate_is_refused_with_its_own_code) {
    const auto good = forge({});
    ASSERT_EQ(code_name(verify(good)), "verified");
    Forgery no_serial;
    no_serial.serial = std::string(1, '\0');
    std::vector<BadCertificate> rows = {{"serial 0", forge(no_serial), "certificate.malformed"},
                                        {"trailing byte", good + "x", "certificate.malformed"},
                                        {"cut short", good.substr(0, good.size() - 2), "certificate.malformed"}};
    for (const auto& more : {bad_by_kind(), bad_by_policy_or_key(), bad_by_trust(), bad_by_date()}) {
        rows.insert(rows.end(), more.begin(), more.end());
    }
    for (const auto& row : rows) {
        const auto result = verify(row.der);
        EXPECT_EQ(code_name(result), row.code) << row.what;
        if (!result) EXPECT_TRUE(result.error().detail.starts_with("step ")) << row.what;
    }
}

TEST(VerifyCardCertificate, three_roots_of_one_name_all_verify_in_any_order) {
    std::vector<Certificate> roots;
    for (int generation = 1; generation <= 3; ++generation)
        roots.push_back(fixture_jpki().auth_ca(generation).certificate());
    std::ranges::sort(roots, {}, [](const Certificate& root) { return root.serial; });
    do {
        const auto store = TrustStore::create(TrustPurpose::card_authentication, roots);
        ASSERT_TRUE(store);
        for (int generation = 1; generation <= 3; ++generation) {
            Forgery forgery;
            forgery.issuer = &fixture_jpki().auth_ca(generation);
            const auto result = verify_card_certificate(as_bytes(forge(forgery)), *store, card_policies(), fixture_now);
            ASSERT_EQ(code_name(result), "verified") << generation;
            EXPECT_EQ(result->ca, fixture_jpki().auth_ca(generation).id());
            EXPECT_EQ(result->key, fixture_keys().public_key(6));
            EXPECT_FALSE(result->in_grace);
        }
    } while (std::ranges::next_permutation(roots, {}, [](const Certificate& root) { return root.serial; }).found);
}

TEST(VerifyCardCertificate, what_the_test_ca_issues_verifies_for_both_kinds_of_keys) {
    const auto ec = EcPrivateKey::generate(EcPrivateKey::Curve::p384);
    const auto point = ec.public_point();
    const auto p384 = *CardPublicKey::ec_p384(Bytes(point).first(48), Bytes(point).last(48));
    for (const auto& key : {fixture_keys().public_key(6), p384}) {
        const auto der =
            fixture_jpki().auth_ca(3).issue(order(issued_recently, issued_recently + std::chrono::days(1000)), key);
        const auto result = verify(*der);
        ASSERT_EQ(code_name(result), "verified");
        EXPECT_EQ(result->key, key);
    }
}

TEST(VerifyCardCertificate, dates_count_to_the_last_second_and_the_grace_to_the_end_of_the_third_month) {
    Forgery forgery;
    forgery.issuer = &fixture_jpki().auth_ca(2);
    forgery.not_before = start_of_japan_day(Date::of(2022, 4, 1));
    forgery.not_after = start_of_japan_day(Date::of(2026, 8, 16)) - one_second;  // 2026-08-15 23:59:59 in Japan
    const auto der = forge(forgery);
    const Instant expiry = forgery.not_after;
    const Instant grace = start_of_japan_day(Date::of(2026, 12, 1));  // usable to 2026-11-30
    struct Row {
        const char* what;
        Instant at;
        const char* code;
        bool in_grace;
    };
    const Row rows[] = {
        {"before it begins", forgery.not_before - microseconds(1), "certificate.not_yet_valid", false},
        {"its first moment", forgery.not_before, "verified", false},
        {"its last second", expiry, "verified", false},
        {"the end of its last second", expiry + microseconds(999'999), "verified", false},
        {"the first moment after", expiry + microseconds(1'000'000), "verified", true},
        {"the last moment of grace", grace - microseconds(1), "verified", true},
        {"after the grace", grace, "certificate.expired", false},
    };
    for (const auto& row : rows) {
        const auto result = verify(der, row.at);
        EXPECT_EQ(code_name(result), row.code) << row.what;
        if (result) EXPECT_EQ(result->in_grace, row.in_grace) << row.what;
    }
}

TEST(VerifyCardCertificate, the_grace_ends_with_the_third_month_after_the_month_of_expiry) {
    const std::tuple<Date, Date> rows[] = {
        {Date::of(2026, 8, 15), Date::of(2026, 11, 30)},  // domain-rules §6.9
        {Date::of(2026, 11, 30), Date::of(2027, 2, 28)},  // domain-rules §6.9
        {Date::of(2027, 11, 1), Date::of(2028, 2, 29)},
        {Date::of(2026, 12, 31), Date::of(2027, 3, 31)},
    };
    for (const auto& [expiry, last] : rows) {
        const Instant not_after = start_of_japan_day(expiry.plus_days(1)) - one_second;
        EXPECT_EQ(grace_end(not_after), start_of_japan_day(last.plus_days(1))) << to_iso(expiry);
    }
}

TEST(VerifyCardCertificate, a_policy_without_grace_ends_with_the_certificate) {
    Forgery forgery;
    forgery.policies = {"1.2.3.4.5"};
    const auto der = forge(forgery);
    const AcceptedPolicy phone[] = {{std::string(policy_card_authentication), ExpiryGrace::three_months},
                                    {"1.2.3.4.5", ExpiryGrace::none}};
    const auto at = [&](Instant when) {
        return code_name(verify_card_certificate(as_bytes(der), auth_store(), phone, when));
    };
    EXPECT_EQ(at(forgery.not_after), "verified");
    EXPECT_EQ(at(forgery.not_after + one_second), "certificate.expired");
}

TEST(VerifyCardCertificate, a_setting_that_is_no_oid_accepts_nothing) {
    const AcceptedPolicy wrong[] = {
        {"", ExpiryGrace::none}, {"not an oid", ExpiryGrace::none}, {"unknown", ExpiryGrace::none}};
    EXPECT_EQ(code_name(verify_card_certificate(as_bytes(forge({})), auth_store(), wrong, fixture_now)),
              "certificate.policy");
}

TEST(VerifyCardCertificate, nothing_verifies_after_its_root_ended) {
    Forgery forgery;
    forgery.issuer = &fixture_jpki().auth_ca(1);
    const auto der = forge(forgery);
    const Instant end = forgery.issuer->certificate().not_after;
    ASSERT_LT(end, forgery.not_after);
    EXPECT_EQ(code_name(verify(der, end - one_second)), "verified");
    EXPECT_EQ(code_name(verify(der, end + one_second)), "certificate.untrusted");
}

TEST(VerifyCardCertificate, one_flipped_bit_anywhere_breaks_it) {
    const auto good = forge({});
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        auto der = good;
        der[bit / 8] = static_cast<char>(der[bit / 8] ^ (1 << (bit % 8)));
        EXPECT_FALSE(verify(der)) << "byte " << bit / 8 << " of " << good.size() << ", bit " << bit % 8;
    }
}

TEST(VerifyCardCertificate, many_threads_share_one_store) {
    const auto good = forge({});
    Forgery foreign;
    foreign.issuer = &foreign_jpki().auth_ca(3);
    const auto bad = forge(foreign);
    std::atomic<int> wrong = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&] {
                for (int k = 0; k < 20; ++k) {
                    if (!verify(good) || verify(bad)) ++wrong;
                }
            });
        }
    }
    EXPECT_EQ(wrong, 0);
}

TEST(VerifyCardCertificate, leaves_no_error_behind_for_the_next_user_of_openssl) {
    ERR_clear_error();
    for (const auto& row : bad_by_trust()) static_cast<void>(verify(row.der));
    static_cast<void>(verify("garbage"));
    EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(TrustStore, takes_self_signed_authorities_with_an_identifier_and_nothing_else) {
    const auto root = fixture_jpki().auth_ca(3).certificate();
    const auto leaf = *parse_certificate(as_bytes(forge({})));
    Forgery issued_ca;
    issued_ca.basic_constraints = "critical,CA:TRUE";
    issued_ca.key_usage = "critical,keyCertSign";
    const auto create = [](std::vector<Certificate> roots) {
        const auto store = TrustStore::create(TrustPurpose::card_authentication, roots);
        return store ? std::string("made") : std::string(error_name(store.error().code));
    };
    EXPECT_EQ(create({root}), "made");
    EXPECT_EQ(create({}), "certificate.untrusted");
    EXPECT_EQ(create({root, root}), "certificate.untrusted");
    EXPECT_EQ(create({leaf}), "certificate.kind");
    EXPECT_EQ(create({*parse_certificate(as_bytes(forge(issued_ca)))}), "certificate.untrusted");
    EXPECT_EQ(create(std::vector<Certificate>(trust_roots_max + 1, root)), "certificate.untrusted");
}

TEST(TrustStore, holds_as_many_roots_as_its_limit) {
    std::vector<Certificate> roots;
    SystemRandom random;
    const Validity validity{issued_recently, issued_recently + std::chrono::days(365)};
    for (std::size_t i = 0; i <= trust_roots_max; ++i) {
        roots.push_back(IssuingCa::create(IssuingCa::Kind::organisation, "TEST", validity, random)->certificate());
    }
    EXPECT_FALSE(TrustStore::create(TrustPurpose::organisation, roots));
    roots.pop_back();
    const auto store = TrustStore::create(TrustPurpose::organisation, roots);
    ASSERT_TRUE(store);
    EXPECT_EQ(store->roots().size(), trust_roots_max);
    roots.pop_back();
    EXPECT_TRUE(TrustStore::create(TrustPurpose::organisation, roots));
}

TEST(TrustStore, knows_its_roots_by_key_and_says_that_they_are_for_tests) {
    const auto& store = auth_store();
    EXPECT_TRUE(store.contains_test_ca());
    for (int generation = 1; generation <= 3; ++generation) {
        const auto* root = store.find(fixture_jpki().auth_ca(generation).id());
        ASSERT_NE(root, nullptr);
        EXPECT_EQ(root->certificate.der, fixture_jpki().auth_ca(generation).certificate().der);
    }
    EXPECT_EQ(store.find(fixture_jpki().sign_ca(1).id()), nullptr);
    EXPECT_TRUE(are_disjoint(store, fixture_jpki().sign_store()));
    EXPECT_FALSE(are_disjoint(store, fixture_jpki().auth_store()));
    SystemRandom random;
    const Validity validity{issued_recently, issued_recently + std::chrono::days(365)};
    EXPECT_FALSE(IssuingCa::create(IssuingCa::Kind::server, "Ministry", validity, random)->store().contains_test_ca());
}

TEST(TrustStore, reads_a_bundle_of_roots) {
    std::string pem;
    for (int generation = 1; generation <= 3; ++generation) {
        pem += to_pem(as_bytes(fixture_jpki().auth_ca(generation).certificate().der));
    }
    const auto store = TrustStore::from_pem(TrustPurpose::card_authentication, pem);
    ASSERT_TRUE(store);
    EXPECT_EQ(store->roots().size(), 3U);
    EXPECT_FALSE(TrustStore::from_pem(TrustPurpose::card_authentication, "nothing"));
}

}  // namespace onshi::pki::trust_store_test
