// Flags of somebody in danger: one person sets them, two take them back.
#include "domain/coverage/service_protection.h"

#include <optional>

#include <gtest/gtest.h>

#include "domain/audit/chain.h"
#include "domain/audit/store.h"
#include "domain/cards/store.h"
#include "domain/coverage/store.h"
#include "domain/identity/store.h"
#include "domain/identity/store_numbers.h"
#include "domain/organisations/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::coverage {
namespace {

constexpr auto hide = ProtectionFlag::hide_history;
constexpr auto block = ProtectionFlag::block_self_information;

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto part : {sql::CommitCounter::migrations(), audit::migrations(), organisations::migrations(),
                            identity::migrations(), cards::migrations(), migrations()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

class ProtectionTest : public testing::Test {
  protected:
    ProtectionTest() {
        EXPECT_TRUE(sql::migrate(stores_.options(), steps()));
        auto opened = sql::open_database(stores_.options(), steps(), counter_, chain_);
        EXPECT_TRUE(opened) << opened.error().detail;
        database_ = std::move(*opened);
        Coverage record{.key = CoverageKey(1),
                        .insurer = member_.insurer,
                        .symbol = "12",
                        .number = "3456",
                        .branch = std::nullopt,
                        .acquired_on = Date::of(2024, 4, 1),
                        .valid_to = Date::open_end,
                        .state = State::active,
                        .copay_percent = 30,
                        .limit_category = "A03",
                        .file_day = Date::of(2026, 11, 22)};
        identity::Person person{.key = PersonKey(7),
                                .name = "山田　花子",
                                .kana = "ヤマダ　ハナコ",
                                .birth = member_.birth,
                                .sex = Sex::female,
                                .address = "東京都架空区１番１号",
                                .protection = {}};
        sql::WriteSet set(sql::Store::registry);
        identity::add_person(set, person);
        identity::put_section(set, person.key, identity::Section::coverage, pack_all(std::vector{record}));
        set.change(insert_coverage_number, member_.insurer.to_key(), member_.insured.number.comparison(),
                   member_.insured.symbol.comparison(), -1, person.key.value(), record.key.value());
        EXPECT_TRUE(run_to_end(database_->commit(std::move(set), soon())));
    }
    ~ProtectionTest() override {
        database_->close();
        database_.reset();
    }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    Result<ProtectionStanding> apply(ProtectionFlag flag, ProtectionWish wish, const std::string& who) {
        clock_.advance(std::chrono::seconds(1));
        ProtectionService service(*database_, clock_, random_);
        const audit::Actor actor{.reference = who};
        return run_to_end(service.apply(member_, flag, wish, actor, soon()));
    }
    identity::Protection held() {
        sql::ReadBatch batch;
        const auto now = identity::load_now(batch, PersonKey(7));
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return identity::person_of(PersonKey(7), now)->protection;
    }

    MemberName member_{*InsurerNumber::parse("06139463"), *InsuredSymbolNumber::parse("12", "3456"), std::nullopt,
                       Date::of(1987, 7, 7)};
    sql::TestStores stores_;
    ManualClock clock_{start_of_japan_day(Date::of(2026, 11, 23))};
    SeededRandom random_{42};
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_{0, "hub-test"};
    std::unique_ptr<sql::Database> database_;
};

TEST_F(ProtectionTest, one_person_sets_a_flag_and_the_same_again_changes_nothing) {
    for (int i = 0; i < 2; ++i) {
        const auto done = apply(block, ProtectionWish::set, "sato");
        ASSERT_TRUE(done) << done.error().detail;
        EXPECT_EQ(done->flags, (identity::Protection{false, true}));
        EXPECT_EQ(done->waiting, identity::Protection());
        EXPECT_EQ(held(), done->flags);
    }
}

TEST_F(ProtectionTest, two_persons_clear_a_flag) {
    ASSERT_TRUE(apply(block, ProtectionWish::set, "sato"));
    const auto asked = apply(block, ProtectionWish::clear, "sato");
    ASSERT_TRUE(asked) << asked.error().detail;
    EXPECT_EQ(asked->flags, (identity::Protection{false, true})) << "it protects until somebody else says so too";
    EXPECT_EQ(asked->waiting, (identity::Protection{false, true}));
    EXPECT_EQ(held(), asked->flags);
    EXPECT_EQ(apply(block, ProtectionWish::clear, "sato").error().code, ErrorCode::intake_second_person);
    EXPECT_EQ(apply(block, ProtectionWish::clear, "").error().code, ErrorCode::intake_required) << "nobody";
    EXPECT_EQ(held(), (identity::Protection{false, true}));
    const auto done = apply(block, ProtectionWish::clear, "suzuki");
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_EQ(done->flags, identity::Protection());
    EXPECT_EQ(done->waiting, identity::Protection());
    EXPECT_EQ(held(), identity::Protection());
    const auto nothing = apply(block, ProtectionWish::clear, "sato");
    ASSERT_TRUE(nothing);
    EXPECT_EQ(nothing->waiting, identity::Protection()) << "what is not set is not asked for";
}

TEST_F(ProtectionTest, a_wish_is_for_its_own_flag) {
    ASSERT_TRUE(apply(block, ProtectionWish::set, "sato"));
    ASSERT_TRUE(apply(hide, ProtectionWish::set, "sato"));
    ASSERT_TRUE(apply(block, ProtectionWish::clear, "sato"));
    const auto other = apply(hide, ProtectionWish::clear, "suzuki");
    ASSERT_TRUE(other);
    EXPECT_EQ(other->flags, (identity::Protection{true, true}));
    EXPECT_EQ(other->waiting, (identity::Protection{true, true}));
    const auto both = apply(hide, ProtectionWish::clear, "sato");
    EXPECT_EQ(both->flags, (identity::Protection{false, true}));
    EXPECT_EQ(both->waiting, (identity::Protection{false, true}));
}

TEST_F(ProtectionTest, setting_a_flag_again_ends_the_wish_to_clear_it) {
    ASSERT_TRUE(apply(hide, ProtectionWish::set, "sato"));
    ASSERT_TRUE(apply(hide, ProtectionWish::clear, "sato"));
    const auto again = apply(hide, ProtectionWish::set, "sato");
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->waiting, identity::Protection());
    const auto asked = apply(hide, ProtectionWish::clear, "suzuki");
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->flags, (identity::Protection{true, false})) << "suzuki is the first now";
    EXPECT_EQ(apply(hide, ProtectionWish::clear, "sato")->flags, identity::Protection());
}

TEST_F(ProtectionTest, a_flag_that_was_cleared_and_set_anew_needs_two_again) {
    ASSERT_TRUE(apply(hide, ProtectionWish::set, "sato"));
    ASSERT_TRUE(apply(hide, ProtectionWish::clear, "sato"));
    ASSERT_TRUE(apply(hide, ProtectionWish::clear, "suzuki"));
    ASSERT_TRUE(apply(hide, ProtectionWish::set, "sato"));
    EXPECT_EQ(apply(hide, ProtectionWish::clear, "suzuki")->flags, (identity::Protection{true, false}));
}

TEST_F(ProtectionTest, a_wish_that_nobody_seconded_in_time_counts_no_more) {
    ASSERT_TRUE(apply(hide, ProtectionWish::set, "sato"));
    ASSERT_TRUE(apply(hide, ProtectionWish::clear, "sato"));
    clock_.advance(void_wish_life - std::chrono::seconds(1));
    // One second passes with the call: the last moment in which it counts.
    ASSERT_EQ(apply(hide, ProtectionWish::clear, "suzuki")->flags, identity::Protection());
    ASSERT_TRUE(apply(hide, ProtectionWish::set, "sato"));
    ASSERT_TRUE(apply(hide, ProtectionWish::clear, "sato"));
    clock_.advance(void_wish_life);
    const auto late = apply(hide, ProtectionWish::clear, "suzuki");
    ASSERT_TRUE(late);
    EXPECT_EQ(late->flags, (identity::Protection{true, false})) << "a wish of suzuki's now";
    EXPECT_EQ(apply(hide, ProtectionWish::clear, "sato")->flags, identity::Protection());
}

}  // namespace
}  // namespace onshi::coverage
