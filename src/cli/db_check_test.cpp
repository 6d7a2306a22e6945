#include "cli/db_check.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "cli/stores.h"
#include "cli/test_surroundings.h"
#include "domain/coverage/store.h"
#include "domain/identity/store.h"
#include "domain/payments/store.h"
#include "hub/migrations.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::cli {
namespace {

namespace fs = std::filesystem;

// What a test damages.
enum class Damage : std::uint8_t { none, identity_bytes, coverage_bytes, certificate_bytes, no_section, no_history };

class DbCheck : public testing::Test {
  protected:
    DbCheck() { EXPECT_TRUE(sql::migrate(stores_.options(), hub::all_migrations())); }

    template <class... P>
    static void insert(sql::BulkWriter& writer, const sql::Statement& statement, const P&... parameters) {
        sql::ParameterBuffer buffer;
        (buffer.add(parameters), ...);
        ASSERT_TRUE(writer.execute(statement, buffer));
    }
    static identity::Person person(std::int64_t key) {
        identity::Person made{.key = PersonKey(key),
                              .name = "見本　花子",
                              .kana = {},
                              .birth = Date::of(1985, 4, 12),
                              .sex = Sex::female,
                              .address = {},
                              .protection = {}};
        return made;
    }
    static coverage::Coverage record(std::int64_t key, std::int64_t known_from) {
        coverage::Coverage made{.key = CoverageKey(key),
                                .insurer = *InsurerNumber::from_key(600138057),
                                .symbol = "1",
                                .number = "2",
                                .branch = {},
                                .acquired_on = Date::of(2024, 4, 1),
                                .copay_percent = 30,
                                .limit_category = {},
                                .file_day = Date::of(2024, 4, 2),
                                .known_from = known_from};
        return made;
    }
    static payments::SpecificDiseaseCertificate certificate(std::int64_t key) {
        return {payments::CertificateKey(key),
                payments::CertificateState::active,
                *InsurerNumber::from_key(600138057),
                payments::SpecificDisease::renal_failure,
                Date::of(2024, 4, 1),
                {Date::of(2024, 4, 1), Date::open_end},
                payments::Yen(10'000)};
    }
    // `count` persons, every second with a certificate; person 20 is the damaged one.
    void fill(std::int64_t count, Damage damage) {
        auto writer = sql::BulkWriter::open(stores_.options(), sql::Store::registry);
        ASSERT_TRUE(writer);
        for (std::int64_t key = 1; key <= count; ++key) {
            const Damage here = key == 20 ? damage : Damage::none;
            const std::string packed = identity::pack(person(key));
            const std::string other = identity::pack(person(key)) + "x";
            if (here != Damage::no_history)
                insert(**writer, identity::insert_person, key, 1, identity::known_open, sql::Blob{packed});
            if (here != Damage::no_section) {
                insert(**writer, identity::insert_now_section, key, identity::Section::identity, 1,
                       sql::Blob{here == Damage::identity_bytes ? other : packed});
            }
            // An old version that was corrected at commit 5, and what is known since.
            const auto old_version = coverage::pack(record(key * 16, 2));
            const auto now_version = coverage::pack(record(key * 16, 5));
            insert(**writer, coverage::insert_coverage, key, key * 16, 2, 5, sql::Blob{old_version});
            insert(**writer, coverage::insert_coverage, key, key * 16, 5, identity::known_open, sql::Blob{now_version});
            const auto section = coverage::pack_all({record(key * 16, here == Damage::coverage_bytes ? 2 : 5)});
            insert(**writer, identity::insert_now_section, key, identity::Section::coverage, 5, sql::Blob{section});
            if (key % 2 != 0 && here == Damage::none) continue;
            const std::string held = payments::pack(certificate(key));
            insert(**writer, payments::insert_certificate, key, key, 3, identity::known_open, sql::Blob{held});
            payments::Holdings holdings{{}, {certificate(key)}, {}};
            if (here == Damage::certificate_bytes) holdings.diseases[0].monthly_cap = payments::Yen(1);
            insert(**writer, identity::insert_now_section, key, identity::Section::payments, 3,
                   sql::Blob{payments::pack_all(holdings)});
        }
        ASSERT_TRUE((*writer)->commit());
    }
    [[nodiscard]] StoreCheckReport check(std::optional<std::uint64_t> sample = std::nullopt) {
        auto stores = Stores::open(stores_.setting());
        EXPECT_TRUE(stores);
        StoreCheckOptions options;
        options.sample = sample;
        SeededRandom random(7);
        auto report = run_to_end(check_person_now((*stores)->database(), options, random));
        EXPECT_TRUE(report);
        return *report;
    }
    sql::TestStores stores_;
};

TEST_F(DbCheck, what_follows_from_the_history_is_found_right) {
    fill(static_cast<std::int64_t>(persons_per_check) * 2 + 1, Damage::none);
    const auto report = check();
    EXPECT_FALSE(report.finding);
    EXPECT_EQ(report.persons, persons_per_check * 2 + 1);
    EXPECT_EQ(report.coverages, persons_per_check * 2 + 1);
    EXPECT_EQ(check(5).persons, 5U);
}

TEST_F(DbCheck, an_empty_registry_is_right) {
    EXPECT_FALSE(check().finding);
    EXPECT_EQ(check(5).persons, 0U);
}

struct DamageCase {
    Damage damage;
    std::string_view finding;
};

class DamagedStore : public DbCheck, public testing::WithParamInterface<DamageCase> {};

TEST_P(DamagedStore, is_found_and_the_person_named_by_key_only) {
    fill(40, GetParam().damage);
    const auto report = check();
    ASSERT_TRUE(report.finding);
    EXPECT_EQ(*report.finding, "person key 20: " + std::string(GetParam().finding));
}

INSTANTIATE_TEST_SUITE_P(
    kinds, DamagedStore,
    testing::Values(DamageCase{Damage::identity_bytes, "the identity section differs from its history"},
                    DamageCase{Damage::coverage_bytes, "the coverage section differs from its history"},
                    DamageCase{Damage::certificate_bytes, "the payments section differs from its history"},
                    DamageCase{Damage::no_section, "no identity section"},
                    DamageCase{Damage::no_history, "no open row of history"}));

TEST_F(DbCheck, the_command_says_so_by_its_code_and_ends_as_failed) {
    fill(40, Damage::coverage_bytes);
    TestSurroundings s;
    EXPECT_EQ(s.run({"db", "check", "--store", stores_.setting()}), 1);
    EXPECT_NE(s.err.str().find("store.inconsistent"), std::string::npos) << s.err.str();
}

TEST(StoresForLooking, are_not_made_by_looking) {
    std::string pattern = (fs::temp_directory_path() / "onshi-stores-XXXXXX").string();
    const fs::path folder = ::mkdtemp(pattern.data());
    EXPECT_EQ(Stores::open(folder).error().code, ErrorCode::store_unavailable);
    EXPECT_TRUE(fs::is_empty(folder));
    EXPECT_EQ(Stores::open("").error().code, ErrorCode::config_missing);
    fs::remove_all(folder);
}

}  // namespace
}  // namespace onshi::cli
