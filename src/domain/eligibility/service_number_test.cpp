// Look-ups by number: who stands behind a number that many share, and people whose key has changed.
#include "domain/eligibility/check_fixture.h"

namespace onshi::eligibility {
namespace {

const sql::Statement insert_alias("test.insert_alias", Store::registry, sql::ShardKey::person,
                                  "INSERT INTO person_alias (person_key, current_key) VALUES ($1, $2)");
const sql::Statement move_now("test.move_now", Store::registry, sql::ShardKey::person,
                              "UPDATE person_now SET person_key = $2 WHERE person_key = $1");
const sql::Statement remove_now("test.remove_now", Store::registry, sql::ShardKey::person,
                                "DELETE FROM person_now WHERE person_key = $1");

class NumberTest : public CheckTest {
  protected:
    Result<GivenAnswer> look_up(const NumberCheck& terms) {
        return run_to_end(service_->check_by_number(terminal_, terms, soon()));
    }
    NumberCheck with_branch(int branch) {
        auto terms = by_number();
        terms.branch = BranchNumber::from_value(branch);
        return terms;
    }
    // Rows of the index only, as an insurer's file leaves them.
    static void add_numbers(sql::WriteSet& set, std::string_view symbol, std::int64_t person, std::int64_t first,
                            std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            set.change(coverage::insert_coverage_number, InsurerNumber::parse("06010391")->to_key(), "3456", symbol, 1,
                       person, first + static_cast<std::int64_t>(i));
        }
    }
    static Coverage with(std::int64_t key, int branch, Date from, Date to = Date::open_end) {
        Coverage c = coverage_of(key, State::active, from, to);
        c.branch = BranchNumber::from_value(branch);
        return c;
    }
};

// 協会けんぽ numbers people from 1 upwards in every workplace, so that one number stands under many symbols.
TEST_F(NumberTest, a_number_that_many_workplaces_use_finds_the_one_with_the_symbol) {
    sql::WriteSet others(Store::registry);
    for (int workplace = 0; workplace < 200; ++workplace) {
        add_numbers(others, std::to_string(1000 + workplace), 1000 + workplace, 1000 + workplace, 1);
    }
    write(std::move(others));
    add_person(7, {}, insured());
    const auto given = look_up(by_number());
    ASSERT_TRUE(given) << error_name(given.error().code);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(given->answer.person->key, PersonKey(7));
}

TEST_F(NumberTest, a_number_with_more_records_than_a_household_has_is_an_error_and_no_answer) {
    add_person(7, {}, insured());
    sql::WriteSet more(Store::registry);
    add_numbers(more, "12", 7, 100, coverage::same_number_max - 1);
    write(std::move(more));
    EXPECT_EQ(look_up(by_number())->answer.verdict.result, ResultCode::valid) << "at the limit";
    sql::WriteSet last(Store::registry);
    add_numbers(last, "12", 7, 500, 1);
    write(std::move(last));
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(look_up(by_number()).error().code, ErrorCode::store_corrupt) << "and it costs nothing of the budget";
    }
    EXPECT_EQ(records(), 1U);
}

TEST_F(NumberTest, a_merged_person_is_found_under_the_current_key) {
    add_person(7, {}, insured());
    sql::WriteSet merge(Store::registry);
    merge.change(insert_alias, 7, 70);
    merge.change(move_now, 7, 70);
    write(std::move(merge));
    const auto given = look_up(by_number());
    ASSERT_TRUE(given) << error_name(given.error().code);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(given->answer.person->key, PersonKey(70));
}

TEST_F(NumberTest, two_who_were_merged_are_one_person) {
    const auto first = with(1, 1, Date::of(2020, 4, 1), Date::of(2024, 3, 31));
    const auto second = with(2, 1, Date::of(2024, 4, 1));
    add_person(7, {}, {first});
    add_person(8, {.serial = 0x01000002, .protection = {}}, {second});
    sql::WriteSet merge(Store::registry);
    merge.change(insert_alias, 7, 8);
    merge.change(remove_now, 7);
    identity::put_section(merge, PersonKey(8), identity::Section::coverage, coverage::pack_all({first, second}));
    write(std::move(merge));
    const auto given = look_up(by_number());
    ASSERT_TRUE(given) << error_name(given.error().code);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(given->answer.verdict.coverage->key, CoverageKey(2));
    auto earlier = by_number();
    earlier.care_day = Date::of(2023, 6, 1);
    EXPECT_EQ(look_up(earlier)->answer.verdict.coverage->key, CoverageKey(1)) << "what stands under the old key counts";
}

TEST_F(NumberTest, a_number_that_leads_to_nobody_keeps_nobody_else_from_an_answer) {
    add_person(7, {}, insured());
    add_person(8, {.serial = 0x01000002, .protection = {}}, {with(2, 2, Date::of(2024, 4, 1))});
    sql::WriteSet loss(Store::registry);
    loss.change(remove_now, 8);
    write(std::move(loss));
    const auto given = look_up(by_number());
    ASSERT_TRUE(given) << error_name(given.error().code);
    EXPECT_EQ(given->answer.person->key, PersonKey(7));
    EXPECT_EQ(service_->lost_holders(), 1U);

    auto other_birth = by_number();
    other_birth.birth = Date::of(1985, 4, 13);
    EXPECT_EQ(look_up(other_birth).error().code, ErrorCode::store_corrupt) << "it may be the one whose row is lost";
    sql::WriteSet back(Store::registry);
    identity::put_section(back, PersonKey(8), identity::Section::identity,
                          identity::pack({.key = PersonKey(8),
                                          .name = {},
                                          .kana = {},
                                          .birth = Date::of(1990, 1, 1),
                                          .sex = Sex::male,
                                          .address = {},
                                          .protection = {}}));
    write(std::move(back));
    EXPECT_EQ(look_up(other_birth)->answer.verdict.cause, OutcomeCode::cause_no_match);
    EXPECT_EQ(service_->lost_holders(), 2U);
}

TEST_F(NumberTest, an_alias_to_nobody_is_followed_once_and_left_out) {
    add_person(7, {}, insured());
    add_person(8, {.serial = 0x01000002, .protection = {}}, {with(2, 2, Date::of(2024, 4, 1))});
    sql::WriteSet loss(Store::registry);
    loss.change(insert_alias, 8, 80);
    loss.change(remove_now, 8);
    write(std::move(loss));
    EXPECT_EQ(look_up(by_number())->answer.person->key, PersonKey(7));
    EXPECT_EQ(service_->lost_holders(), 1U);
}

// N-4, for a person who was given another branch within the same number.
TEST_F(NumberTest, an_old_branch_of_the_same_person_is_corrected_and_said) {
    add_person(7, {}, {with(1, 1, Date::of(2020, 4, 1), Date::of(2026, 3, 31)), with(2, 2, Date::of(2026, 4, 1))});
    const auto given = look_up(with_branch(1));
    ASSERT_TRUE(given);
    EXPECT_EQ(given->answer.verdict.result, ResultCode::valid);
    EXPECT_EQ(given->answer.verdict.coverage->branch, BranchNumber::from_value(2));
    ASSERT_EQ(given->answer.verdict.notes.size(), 1U);
    EXPECT_EQ(given->answer.verdict.notes.front().code, OutcomeCode::note_branch_corrected);
    EXPECT_TRUE(look_up(with_branch(2))->answer.verdict.notes.empty());
    EXPECT_TRUE(look_up(by_number())->answer.verdict.notes.empty()) << "no branch was given";
}

}  // namespace
}  // namespace onshi::eligibility
