#include "platform/pki/test_ca.h"

#include <set>
#include <sys/stat.h>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/pki/limits.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::pki::test_ca_test {

CardCertificateOrder good_order() {
    return {0x01000001,  "ABCDEFGHIJ0123456789KLM",
            fixture_now, card_certificate_not_after(Date::of(2026, 11, 23), Date::of(1985, 4, 12)),
            "Tokyo",     "Chiyoda-ku",
            {}};
}

TEST(TestJpki, has_three_generations_of_one_name_with_keys_of_their_own) {
    const auto& jpki = fixture_jpki();
    std::set<CaId> keys;
    for (int generation = 1; generation <= 3; ++generation) {
        for (const auto* ca : {&jpki.auth_ca(generation), &jpki.sign_ca(generation)}) {
            const auto& root = ca->certificate();
            EXPECT_EQ(root.subject, root.issuer);
            EXPECT_TRUE(root.is_ca);
            EXPECT_EQ(root.key_usage, KeyUsage::key_cert_sign | KeyUsage::crl_sign);
            EXPECT_EQ(root.subject_key_id.size(), 20U);
            EXPECT_TRUE(root.authority_key_id.empty());
            EXPECT_TRUE(root.policies.empty());
            EXPECT_EQ(root.key_name, "RSA 2048");
            EXPECT_EQ(root.subject.organization(), "TEST JPKI");
            keys.insert(ca->id());
        }
        EXPECT_EQ(jpki.auth_ca(generation).certificate().subject, jpki.auth_ca(1).certificate().subject);
        EXPECT_EQ(jpki.sign_ca(generation).certificate().subject, jpki.sign_ca(1).certificate().subject);
    }
    EXPECT_NE(jpki.auth_ca(1).certificate().subject, jpki.sign_ca(1).certificate().subject);
    EXPECT_EQ(keys.size(), 6U);
}

TEST(TestJpki, every_certificate_of_five_years_ends_before_the_root_of_its_time) {
    const auto& jpki = fixture_jpki();
    for (int month = -48; month <= 35; ++month) {
        const Date issued = japan_day(fixture_now).plus_months_clamped(month);
        const int generation = jpki.generation_at(start_of_japan_day(issued));
        const auto& root = jpki.auth_ca(generation).certificate();
        EXPECT_GE(start_of_japan_day(issued), root.not_before) << to_iso(issued);
        EXPECT_LE(card_certificate_not_after(issued, issued), root.not_after) << to_iso(issued);
    }
    EXPECT_EQ(jpki.generation_at(fixture_now), 3);
    EXPECT_EQ(jpki.generation_at(Instant{0}), 1);
}

TEST(TestJpki, is_written_once_and_loads_again) {
    const TemporaryFolder folder;
    const auto path = folder.path() / "jpki";
    std::filesystem::create_directory(path);
    ASSERT_TRUE(fixture_jpki().save(path));
    struct stat status{};
    ASSERT_EQ(::stat((path / "auth_ca_1.key").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    const auto loaded = TestJpki::load(path);
    ASSERT_TRUE(loaded);
    for (int generation = 1; generation <= 3; ++generation) {
        EXPECT_EQ(loaded->auth_ca(generation).certificate().der, fixture_jpki().auth_ca(generation).certificate().der);
        EXPECT_EQ(loaded->sign_ca(generation).id(), fixture_jpki().sign_ca(generation).id());
    }
    EXPECT_EQ(fixture_jpki().save(path).error().code, ErrorCode::secret_exists);
    EXPECT_EQ(write_test_jpki(path, fixture_now).error().code, ErrorCode::secret_exists);
    EXPECT_EQ(TestJpki::load(folder.path()).error().code, ErrorCode::secret_missing);
    std::filesystem::copy_file(path / "auth_ca_2.crt", path / "auth_ca_1.crt",
                               std::filesystem::copy_options::overwrite_existing);
    EXPECT_EQ(TestJpki::load(path).error().code, ErrorCode::key_malformed);
}

TEST(TestCa, refuses_orders_outside_the_profile) {
    const auto refuses = [](const char* what, auto change, int authority = 0) {
        auto order = good_order();
        change(order);
        const auto& ca = authority == 0 ? fixture_jpki().auth_ca(3) : fixture_jpki().sign_ca(3);
        const auto issued = ca.issue(order, fixture_keys().public_key(6));
        EXPECT_TRUE(!issued && issued.error().code == ErrorCode::certificate_malformed) << what;
    };
    using Order = CardCertificateOrder;
    refuses("a serial of three bytes", [](Order& o) { o.serial = 0x00FFFFFF; });
    refuses("a negative serial", [](Order& o) { o.serial = 0x80000000; });
    refuses("a name of 22 characters", [](Order& o) { o.subject_name.pop_back(); });
    refuses("a name of 24 characters", [](Order& o) { o.subject_name += 'A'; });
    refuses("small letters", [](Order& o) { o.subject_name[0] = 'a'; });
    refuses("a fraction of a second", [](Order& o) { o.not_before.us += 1; });
    refuses("an end before the beginning", [](Order& o) { o.not_after = o.not_before - std::chrono::seconds(1); });
    refuses("no prefecture", [](Order& o) { o.prefecture.clear(); });
    refuses("a place of 57 bytes", [](Order& o) { o.municipality = std::string(57, 'x'); });
    refuses("a holder's name in an authentication certificate",
            [](Order& o) { o.holder = SignatureSubject{"氏名", '1', "319850412", ""}; });
    refuses("no holder in a signature certificate", [](Order&) {}, 1);
    refuses("sex 4", [](Order& o) { o.holder = SignatureSubject{"氏名", '4', "319850412", ""}; }, 1);
    for (const auto serial : {0x01000000U, 0x7FFFFFFFU}) {
        auto order = good_order();
        order.serial = serial;
        order.municipality = std::string(56, 'x');
        const auto der = fixture_jpki().auth_ca(3).issue(order, fixture_keys().public_key(6));
        ASSERT_TRUE(der);
        EXPECT_EQ(parse_certificate(as_bytes(*der))->serial.size(), 4U);
    }
}

TEST(TestCa, signature_certificates_carry_their_holder_and_no_extended_usage) {
    auto order = good_order();
    order.holder = SignatureSubject{"髙橋　美咲", '2', "319850412", "東京都千代田区"};
    const auto der = *fixture_jpki().sign_ca(3).issue(order, fixture_keys().public_key(6));
    const auto certificate = *parse_certificate(as_bytes(der));
    EXPECT_EQ(certificate.key_usage, KeyUsage::digital_signature | KeyUsage::non_repudiation);
    EXPECT_TRUE(certificate.extended_key_usages.empty());
    EXPECT_EQ(certificate.policies, std::vector<std::string>{std::string(policy_card_signature)});
    for (const std::string text : {"髙橋　美咲", "319850412", "東京都千代田区"})
        EXPECT_NE(der.find(text), std::string::npos) << text;
}

TEST(CardCertificate, ends_with_the_fifth_birthday_after_its_issue) {
    struct Row {
        Date issued;
        Date birth;
        Date last;
    };
    const Row rows[] = {
        {Date::of(2024, 12, 2), Date::of(1985, 4, 12), Date::of(2029, 4, 12)},
        {Date::of(2024, 4, 11), Date::of(1985, 4, 12), Date::of(2028, 4, 12)},
        {Date::of(2024, 4, 12), Date::of(1985, 4, 12), Date::of(2029, 4, 12)},  // on the birthday: five more
        {Date::of(2024, 4, 13), Date::of(1985, 4, 12), Date::of(2029, 4, 12)},
        {Date::of(2024, 2, 28), Date::of(2000, 2, 29), Date::of(2028, 2, 29)},
        {Date::of(2024, 3, 1), Date::of(2000, 2, 29), Date::of(2029, 3, 1)},  // no 29 February in 2029
        {Date::of(2026, 11, 23), Date::of(2026, 11, 1), Date::of(2031, 11, 1)},
        {Date::of(2026, 11, 23), Date::of(2026, 11, 23), Date::of(2031, 11, 23)},
    };
    for (const auto& row : rows) {
        const Instant end = card_certificate_not_after(row.issued, row.birth);
        EXPECT_EQ(japan_day(end), row.last) << to_iso(row.issued) << " " << to_iso(row.birth);
        EXPECT_EQ(end + std::chrono::seconds(1), start_of_japan_day(row.last.plus_days(1)));
    }
}

TEST(CardCertificate, is_valid_for_more_than_four_and_at_most_five_years) {
    EXPECT_TRUE(rc::check("four to five years", [] {
        const auto birth = *Date::from_days(*rc::gen::inRange<std::int64_t>(-20000, 20000));
        const auto issued = birth.plus_days(*rc::gen::inRange<std::int64_t>(0, 40000));
        const auto last = japan_day(card_certificate_not_after(issued, birth));
        RC_ASSERT(last > issued.plus_days(4 * 365));
        RC_ASSERT(last <= issued.plus_days(5 * 366));
    }));
}

TEST(OpensslIndex, has_a_line_for_each_certificate) {
    const auto certificate =
        *parse_certificate(as_bytes(*fixture_jpki().auth_ca(3).issue(good_order(), fixture_keys().public_key(6))));
    const Instant since = start_of_japan_day(Date::of(2026, 11, 1));
    const IssuedCertificate issued[] = {
        {certificate, std::nullopt},
        {certificate, RevokedEntry{certificate.serial, RevocationReason::certificate_hold, since}}};
    EXPECT_EQ(openssl_index(issued),
              "V\t310412145959Z\t\t01000001\tunknown\t/C=JP/CN=ABCDEFGHIJ0123456789KLM\n"
              "R\t310412145959Z\t261031150000Z,certificateHold\t01000001\tunknown\t/C=JP/CN=ABCDEFGHIJ0123456789KLM\n");
}

TEST(KeyPool, keeps_its_keys_in_a_folder_and_makes_only_those_that_are_missing) {
    const TemporaryFolder folder;
    ASSERT_TRUE(fixture_keys().key(3).save(folder.path() / "card_key_0000.pem"));
    const auto pool = KeyPool::open(folder.path(), 2);
    ASSERT_TRUE(pool);
    EXPECT_EQ(pool->size(), 2U);
    EXPECT_EQ(pool->public_key(0), fixture_keys().public_key(3));
    EXPECT_EQ(pool->public_key(2), pool->public_key(0));
    EXPECT_EQ(pool->key(1).public_key(), pool->public_key(1));
    const auto again = KeyPool::open(folder.path(), 2);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->public_key(1), pool->public_key(1));
}

TEST(KeyPool, has_1_to_1024_keys) {
    const TemporaryFolder folder;
    EXPECT_EQ(KeyPool::open(folder.path(), 0).error().code, ErrorCode::key_malformed);
    EXPECT_EQ(KeyPool::open(folder.path(), key_pool_size_max + 1).error().code, ErrorCode::key_malformed);
    EXPECT_EQ(KeyPool::generate(0).error().code, ErrorCode::key_malformed);
    EXPECT_EQ(KeyPool::from_pem("").error().code, ErrorCode::key_malformed);
    const auto pem = fixture_keys().key(3).to_pem();
    const std::string text(as_text(pem.bytes()));
    EXPECT_EQ(KeyPool::from_pem(text + text)->size(), 2U);
    EXPECT_EQ(KeyPool::from_pem(text + "rest").error().code, ErrorCode::key_malformed);
    EXPECT_EQ(KeyPool::open(folder.path() / "absent", 1).error().code, ErrorCode::secret_missing);
}

}  // namespace onshi::pki::test_ca_test
