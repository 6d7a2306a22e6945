#include "domain/coverage/rules_merge.h"

#include <gtest/gtest.h>

namespace onshi::coverage {
namespace {

using identity::Severity;

const Date today = Date::of(2026, 11, 23);

identity::Person person(std::string name = "山田　太郎", std::string kana = "ヤマダ　タロウ",
                        std::string address = "東京都架空区１番") {
    return {.key = PersonKey(1),
            .name = std::move(name),
            .kana = std::move(kana),
            .birth = Date::of(1985, 4, 12),
            .sex = Sex::male,
            .address = std::move(address),
            .protection = {}};
}

Coverage record(std::int64_t key, const char* symbol = "12", State state = State::active,
                Date acquired_on = Date::of(2026, 4, 1)) {
    return {.key = CoverageKey(key),
            .insurer = *InsurerNumber::parse("06139463"),
            .symbol = symbol,
            .number = "3456",
            .branch = BranchNumber::from_value(1),
            .acquired_on = acquired_on,
            .state = state,
            .copay_percent = {},
            .limit_category = {},
            .file_day = acquired_on};
}

TEST(merge_severity, grows_with_what_differs) {
    const auto one = person();
    EXPECT_EQ(merge_severity(one, person(), false), Severity::none);
    EXPECT_EQ(merge_severity(one, person("山田　太郎", "ﾔﾏﾀﾞ ﾀﾛｳ"), false), Severity::none) << "folded";
    EXPECT_EQ(merge_severity(one, person("山田　太郎", "ヤマダ　タロウ", "大阪府架空市９番"), false),
              Severity::address);
    EXPECT_EQ(merge_severity(one, person("佐藤　太郎"), false), Severity::one_name) << "a name that changed";
    EXPECT_EQ(merge_severity(one, person("佐藤　太郎", "サトウ　タロウ"), false), Severity::another_person);
    auto other = person();
    other.birth = Date::of(1985, 4, 13);
    EXPECT_EQ(merge_severity(one, other, false), Severity::another_person);
    other = person();
    other.sex = Sex::female;
    EXPECT_EQ(merge_severity(one, other, false), Severity::another_person);
    EXPECT_EQ(merge_severity(one, person(), true), Severity::another_person) << "each has a number of its own";
}

TEST(merged_protection, is_the_stricter_in_every_combination) {
    for (int bits = 0; bits < 16; ++bits) {
        const identity::Protection one{(bits & 1) != 0, (bits & 2) != 0};
        const identity::Protection other{(bits & 4) != 0, (bits & 8) != 0};
        const auto both = stricter(one, other);
        EXPECT_EQ(both.exchange_history_hidden, (bits & 5) != 0);
        EXPECT_EQ(both.self_information_blocked, (bits & 10) != 0);
    }
}

TEST(merged_records, are_all_kept_and_different_ones_unchanged) {
    const std::vector mine{record(1), record(2, "99")};
    const std::vector theirs{record(3, "77"), record(4, "12", State::active, Date::of(2020, 4, 1))};
    const auto merged = merge_records(mine, theirs, today);
    ASSERT_EQ(merged.size(), 4U);
    for (std::size_t i = 0; i < merged.size(); ++i) {
        EXPECT_EQ(merged[i].record.key.value(), static_cast<std::int64_t>(i + 1));
        EXPECT_EQ(merged[i].from, i < 2 ? MergedFrom::survivor : MergedFrom::other);
        EXPECT_FALSE(merged[i].changed);
        EXPECT_EQ(merged[i].record.state, State::active);
    }
}

// Every pair of states of the same acquisition: which of the two is not void afterwards.
TEST(merged_records, that_are_the_same_coverage_count_once) {
    Coverage held = record(0);
    held.health_data_held = true;
    const struct {
        Coverage mine;
        Coverage theirs;
        bool mine_stays;
    } cases[]{
        {record(1), record(2, "１２"), true},  // N-1: one number, written in two ways
        {record(1), record(2, "12", State::withheld), true},
        {record(1, "12", State::withheld), record(2), false},
        {record(1, "12", State::withheld), record(2, "12", State::withheld), true},
        {held, record(2), false},
        {record(1), held, true},
        {record(1, "12", State::withheld), held, false},
    };
    for (const auto& one : cases) {
        const auto merged = merge_records(std::vector{one.mine}, std::vector{one.theirs}, today);
        ASSERT_EQ(merged.size(), 2U);
        EXPECT_EQ(merged[0].record.state == State::void_, !one.mine_stays);
        EXPECT_EQ(merged[1].record.state == State::void_, one.mine_stays);
        EXPECT_EQ(merged[0].changed, !one.mine_stays);
        EXPECT_EQ(merged[1].changed, one.mine_stays);
        EXPECT_EQ(merged[one.mine_stays ? 1 : 0].record.file_day, today);
    }
}

TEST(merged_records, that_are_void_stay_void_and_disturb_nobody) {
    const auto merged = merge_records(std::vector{record(1, "12", State::void_)}, std::vector{record(2)}, today);
    EXPECT_EQ(merged[0].record.state, State::void_);
    EXPECT_EQ(merged[1].record.state, State::active);
    EXPECT_FALSE(merged[0].changed || merged[1].changed);
    const auto reversed = merge_records(std::vector{record(1)}, std::vector{record(2, "12", State::void_)}, today);
    EXPECT_FALSE(reversed[0].changed || reversed[1].changed);
}

TEST(merged_records, take_over_an_end_that_was_told_of_one_of_them) {
    Coverage ended = record(2);
    ended.valid_to = Date::of(2026, 10, 31);
    ended.loss_reason = LossReason::other_insurance;
    const auto merged = merge_records(std::vector{record(1)}, std::vector{ended}, today);
    EXPECT_EQ(merged[0].record.valid_to, ended.valid_to);
    EXPECT_EQ(merged[0].record.loss_reason, LossReason::other_insurance);
    EXPECT_TRUE(merged[0].changed);
    EXPECT_EQ(merged[1].record.state, State::void_);
    // The other way round nothing is reopened.
    const auto reversed = merge_records(std::vector{ended}, std::vector{record(1)}, today);
    EXPECT_EQ(reversed[0].record.valid_to, ended.valid_to);
    EXPECT_FALSE(reversed[0].changed);
}

TEST(same_coverage, is_one_acquisition_of_one_insured_number) {
    EXPECT_TRUE(same_coverage(record(1), record(2, "１２")));
    EXPECT_FALSE(same_coverage(record(1), record(2, "13")));
    EXPECT_FALSE(same_coverage(record(1), record(2, "12", State::active, Date::of(2026, 4, 2))));
    Coverage other = record(2);
    other.branch = BranchNumber::from_value(2);
    EXPECT_FALSE(same_coverage(record(1), other));
    other = record(2);
    other.insurer = *InsurerNumber::parse("01130012");
    EXPECT_FALSE(same_coverage(record(1), other));
}

}  // namespace
}  // namespace onshi::coverage
