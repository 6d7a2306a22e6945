#include "domain/eligibility/rules_corrections.h"

#include <gtest/gtest.h>

namespace onshi::eligibility {
namespace {

using coverage::State;

const Date day = Date::of(2026, 6, 10);
constexpr CoverageKey first{1};
constexpr CoverageKey second{2};

coverage::Coverage record(CoverageKey key, Date from, Date to = Date::open_end, State state = State::active) {
    return {.key = key,
            .insurer = *InsurerNumber::parse("06139463"),
            .symbol = {},
            .number = "1",
            .branch = {},
            .acquired_on = from,
            .valid_to = to,
            .state = state,
            .copay_percent = {},
            .limit_category = {},
            .file_day = from};
}
const auto whole = [] { return record(first, Date::of(2026, 4, 1)); };

Told told(ResultCode result, std::optional<CoverageKey> key, Source source = Source::card) {
    return {day, source, result, key};
}

TEST(correction, of_a_valid_answer_comes_with_the_loss_the_cancellation_and_the_withholding) {
    EXPECT_FALSE(correct(told(ResultCode::valid, first), std::vector{whole()}));
    // The last covered day still counts.
    EXPECT_FALSE(correct(told(ResultCode::valid, first), std::vector{record(first, Date::of(2026, 4, 1), day)}));
    const Correction lost{ResultCode::invalid, first, ClaimHint::ask_again};
    EXPECT_EQ(
        correct(told(ResultCode::valid, first), std::vector{record(first, Date::of(2026, 4, 1), day.plus_days(-1))}),
        lost);
    for (const State state : {State::void_, State::withheld}) {
        EXPECT_EQ(correct(told(ResultCode::valid, first),
                          std::vector{record(first, Date::of(2026, 4, 1), Date::open_end, state)}),
                  lost);
    }
    // Moved to the right person: nothing of it is left.
    EXPECT_EQ(correct(told(ResultCode::valid, first), {}), (Correction{ResultCode::none, first, ClaimHint::ask_again}));
}

// Two persons were merged, and the coverage that was told under one key stands under the other.
TEST(correction, is_not_due_where_the_same_coverage_stands_in_another_record) {
    const auto gone = record(first, Date::of(2026, 4, 1), Date::open_end, State::void_);
    const auto same = record(second, Date::of(2026, 4, 1));
    EXPECT_FALSE(correct(told(ResultCode::valid, first), std::vector{gone, same}));
    auto ended = same;
    ended.valid_to = day.plus_days(-1);
    EXPECT_EQ(correct(told(ResultCode::valid, first), std::vector{gone, ended}),
              (Correction{ResultCode::invalid, first, ClaimHint::ask_again}));
    auto another = same;
    another.number = "2";
    EXPECT_EQ(correct(told(ResultCode::valid, first), std::vector{gone, another}),
              (Correction{ResultCode::valid, second, ClaimHint::transfer}));
}

TEST(correction, names_a_transfer_where_another_coverage_counts) {
    const std::vector records{record(first, Date::of(2026, 4, 1), Date::of(2026, 5, 31)),
                              record(second, Date::of(2026, 6, 1))};
    EXPECT_EQ(correct(told(ResultCode::valid, first), records),
              (Correction{ResultCode::valid, second, ClaimHint::transfer}));
    EXPECT_EQ(correct(told(ResultCode::valid, first, Source::number), records),
              (Correction{ResultCode::invalid_newer, first, ClaimHint::transfer}));
    // An overlap takes nothing back (EL-1).
    EXPECT_FALSE(correct(told(ResultCode::valid, first), std::vector{whole(), record(second, Date::of(2026, 6, 1))}));
}

TEST(correction, tells_that_a_day_is_covered_after_all) {
    for (const ResultCode result : {ResultCode::none, ResultCode::invalid}) {
        EXPECT_EQ(correct(told(result, std::nullopt), std::vector{whole()}),
                  (Correction{ResultCode::valid, first, ClaimHint::covered}));
        EXPECT_FALSE(correct(told(result, std::nullopt), std::vector{record(first, day.plus_days(1))}));
        EXPECT_EQ(correct(told(result, first), std::vector{whole()}),
                  (Correction{ResultCode::valid, first, ClaimHint::covered}));
    }
    EXPECT_EQ(correct(told(ResultCode::invalid, second, Source::number), std::vector{whole()}),
              (Correction{ResultCode::invalid_newer, second, ClaimHint::covered}));
    EXPECT_FALSE(correct(told(ResultCode::invalid_newer, second, Source::number), std::vector{whole()}));
    EXPECT_EQ(correct(told(ResultCode::invalid_newer, second, Source::number), {}),
              (Correction{ResultCode::invalid, second, ClaimHint::ask_again}));
}

// Whatever was told and whatever is known: once corrected, it stands.
TEST(correction, is_made_once) {
    std::vector<std::vector<coverage::Coverage>> all{{}};
    for (const State state : {State::active, State::withheld, State::void_}) {
        for (const Date to : {day.plus_days(-1), day, Date::open_end}) {
            const auto one = record(first, Date::of(2026, 4, 1), to, state);
            all.push_back({one});
            for (const State other : {State::active, State::void_}) {
                all.push_back({one, record(second, Date::of(2026, 6, 1), Date::open_end, other)});
            }
        }
    }
    for (const auto& records : all) {
        for (const ResultCode result :
             {ResultCode::valid, ResultCode::invalid, ResultCode::invalid_newer, ResultCode::none}) {
            for (const auto key : {std::optional<CoverageKey>(), std::optional(first), std::optional(second)}) {
                for (const Source source : {Source::card, Source::number}) {
                    const auto correction = correct(told(result, key, source), records);
                    if (!correction) continue;
                    const Told after{day, source, correction->result, correction->coverage};
                    EXPECT_FALSE(correct(after, records)) << to_string(result) << " " << to_string(correction->result);
                }
            }
        }
    }
}

TEST(correction, is_never_made_of_an_answer_that_disclosed_nothing) {
    Answer answer;
    EXPECT_FALSE(is_correctable(answer)) << "nobody was found";
    answer.person.emplace();
    answer.verdict.result = ResultCode::none;
    for (const auto& [cause, expected] : {std::pair{OutcomeCode::cause_card_not_registered, false},
                                          {OutcomeCode::cause_card_unknown, false},
                                          {OutcomeCode::cause_no_match, false},
                                          {OutcomeCode::cause_unregistered, true},
                                          {OutcomeCode::cause_withheld, true}}) {
        answer.verdict.cause = cause;
        EXPECT_EQ(is_correctable(answer), expected) << to_string(cause);
    }
    answer.verdict.result = ResultCode::several;
    EXPECT_FALSE(is_correctable(answer));
    answer.verdict.result = ResultCode::valid;
    EXPECT_TRUE(is_correctable(answer));
}

}  // namespace
}  // namespace onshi::eligibility
