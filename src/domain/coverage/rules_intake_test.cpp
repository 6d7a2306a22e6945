#include "domain/coverage/rules_intake.h"

#include <gtest/gtest.h>

namespace onshi::coverage {
namespace {

const Date today = Date::of(2026, 11, 23);

InsurerNumber insurer(const char* digits = "06139463") {
    return *InsurerNumber::parse(digits);
}

IntakeRow row(Operation operation, Date acquired_on = Date::of(2026, 4, 1)) {
    IntakeRow made{.operation = operation,
                   .insurer = insurer(),
                   .insured = *InsuredSymbolNumber::parse("12", "3456"),
                   .branch = BranchNumber::from_value(1),
                   .number = {},
                   .person = {"山田　太郎", "ヤマダ　タロウ", "", Date::of(1985, 4, 12), Sex::male},
                   .acquired_on = acquired_on,
                   .lost_on = {},
                   .copay_percent = 30,
                   .limit_category = "A03"};
    return made;
}

Coverage record(Date acquired_on = Date::of(2026, 4, 1)) {
    return {.key = CoverageKey(7),
            .insurer = insurer(),
            .symbol = "１２",  // N-1: the same as 12
            .number = "3456",
            .branch = BranchNumber::from_value(1),
            .acquired_on = acquired_on,
            .copay_percent = 30,
            .limit_category = "A03",
            .file_day = Date::of(2026, 4, 3),
            .known_from = 5};
}

identity::MatchReport clean() {
    return {};
}
identity::MatchReport differing() {
    identity::MatchReport report;
    report.severity = identity::Severity::one_name;
    report.cause = OutcomeCode::cause_match_name;
    return report;
}

IntakeVerdict decide(const IntakeRow& one, const std::vector<Coverage>& records, const identity::MatchReport& match) {
    return decide_intake(one, {.records = records, .match = &match, .file_day = today});
}
IntakeDecision accepted(const IntakeVerdict& verdict) {
    EXPECT_TRUE(std::holds_alternative<IntakeDecision>(verdict));
    return std::get<IntakeDecision>(verdict);
}
ErrorCode refused(const IntakeVerdict& verdict) {
    EXPECT_TRUE(std::holds_alternative<IntakeRefusal>(verdict));
    return std::get<IntakeRefusal>(verdict).code;
}

TEST(intake_addition, is_active_when_all_agrees_and_withheld_when_something_differs) {
    const auto good = accepted(decide(row(Operation::add), {}, clean()));
    EXPECT_EQ(good.result, RowResult::added);
    EXPECT_FALSE(good.index);
    EXPECT_EQ(good.after.state, State::active);
    EXPECT_EQ(good.after.valid_to, Date::open_end);
    EXPECT_EQ(good.after.file_day, today);
    const auto held = accepted(decide(row(Operation::add), {}, differing()));
    EXPECT_EQ(held.result, RowResult::withheld);
    EXPECT_EQ(held.after.state, State::withheld);
}

TEST(intake_addition, of_what_is_on_file_changes_nothing) {
    EXPECT_EQ(accepted(decide(row(Operation::add), {record()}, clean())).result, RowResult::unchanged);
    // The end came later; the addition does not deny it.
    Coverage ended = record();
    ended.valid_to = Date::of(2026, 9, 30);
    ended.loss_reason = LossReason::other_insurance;
    EXPECT_EQ(accepted(decide(row(Operation::add), {ended}, clean())).result, RowResult::unchanged);
    IntakeRow contradicting = row(Operation::add);
    contradicting.copay_percent = 20;
    EXPECT_EQ(refused(decide(contradicting, {record()}, clean())), ErrorCode::intake_exists_differently);
}

TEST(intake_addition, sent_again_never_withholds_what_is_seen_and_releases_what_agrees_now) {
    EXPECT_EQ(accepted(decide(row(Operation::add), {record()}, differing())).result, RowResult::unchanged);
    Coverage held = record();
    held.state = State::withheld;
    const auto released = accepted(decide(row(Operation::add), {held}, clean()));
    EXPECT_EQ(released.result, RowResult::changed);
    EXPECT_EQ(released.after.state, State::active);
}

TEST(intake_addition, of_another_acquisition_is_another_record) {
    const auto again = accepted(decide(row(Operation::add, Date::of(2026, 10, 1)), {record()}, clean()));
    EXPECT_EQ(again.result, RowResult::added);
    EXPECT_FALSE(again.index);
}

TEST(intake_addition, beyond_what_a_person_may_hold_is_refused) {
    for (const auto& [held, ok] : {std::pair{coverages_per_person_max - 1, true}, {coverages_per_person_max, false}}) {
        std::vector<Coverage> records;
        records.reserve(held);
        for (std::size_t i = 0; i < held; ++i)
            records.push_back(record(Date::of(2000, 1, 1).plus_days(static_cast<int>(i))));
        const auto verdict = decide(row(Operation::add), records, clean());
        EXPECT_EQ(std::holds_alternative<IntakeDecision>(verdict), ok) << held;
    }
}

TEST(intake_change, states_the_whole_content_and_is_matched_again) {
    IntakeRow changing = row(Operation::change);
    changing.limit_category = "A02";
    changing.copay_percent = std::nullopt;
    const auto changed = accepted(decide(changing, {record()}, clean()));
    EXPECT_EQ(changed.result, RowResult::changed);
    EXPECT_EQ(changed.after.limit_category, "A02");
    EXPECT_FALSE(changed.after.copay_percent);
    EXPECT_EQ(changed.after.state, State::active);
    const auto held = accepted(decide(changing, {record()}, differing()));
    EXPECT_EQ(held.result, RowResult::withheld);
    // Without a name there is nothing to compare.
    const auto silent = decide_intake(changing, {.records = std::vector{record()}, .file_day = today});
    EXPECT_EQ(accepted(silent).after.state, State::active);
}

TEST(intake_change, of_data_that_were_confirmed_before_does_not_withhold_again) {
    const identity::MatchReport match = differing();
    const std::vector records{record()};
    IntakeRow changing = row(Operation::change);
    changing.limit_category = "A02";
    const auto verdict =
        decide_intake(changing, {.records = records, .match = &match, .confirmed_before = true, .file_day = today});
    EXPECT_EQ(accepted(verdict).after.state, State::active);
}

TEST(intake_loss, takes_effect_on_its_day_and_not_before_the_acquisition) {
    IntakeRow losing = row(Operation::lose);
    losing.acquired_on = std::nullopt;
    losing.lost_on = Date::of(2026, 10, 1);
    losing.loss_reason = LossReason::other_insurance;
    const auto lost = accepted(decide(losing, {record()}, clean()));
    EXPECT_EQ(lost.result, RowResult::ended);
    EXPECT_EQ(lost.after.valid_to, Date::of(2026, 9, 30));
    EXPECT_EQ(lost.after.lost_on(), Date::of(2026, 10, 1));
    EXPECT_EQ(accepted(decide(losing, {lost.after}, clean())).result, RowResult::unchanged);
    // The first day on which a loss is possible is the day after the acquisition.
    for (const auto& [day, ok] :
         {std::pair{Date::of(2026, 3, 31), false}, {Date::of(2026, 4, 1), false}, {Date::of(2026, 4, 2), true}}) {
        losing.lost_on = day;
        EXPECT_EQ(std::holds_alternative<IntakeDecision>(decide(losing, {record()}, clean())), ok) << to_iso(day);
    }
    losing.lost_on = std::nullopt;
    EXPECT_EQ(refused(decide(losing, {record()}, clean())), ErrorCode::intake_required);
}

TEST(intake_loss, can_be_withdrawn_and_corrected) {
    Coverage ended = record();
    ended.valid_to = Date::of(2026, 9, 30);
    ended.loss_reason = LossReason::other;
    const auto open = accepted(decide(row(Operation::reopen), {ended}, clean()));
    EXPECT_EQ(open.result, RowResult::reopened);
    EXPECT_EQ(open.after.valid_to, Date::open_end);
    EXPECT_EQ(open.after.loss_reason, LossReason::none);
    IntakeRow earlier = row(Operation::lose);
    earlier.lost_on = Date::of(2026, 8, 1);
    EXPECT_EQ(accepted(decide(earlier, {ended}, clean())).after.valid_to, Date::of(2026, 7, 31));
}

TEST(intake_cancellation, makes_void_and_nothing_follows_but_a_new_addition) {
    const auto gone = accepted(decide(row(Operation::cancel), {record()}, clean()));
    EXPECT_EQ(gone.result, RowResult::cancelled);
    EXPECT_EQ(gone.after.state, State::void_);
    EXPECT_EQ(accepted(decide(row(Operation::cancel), {gone.after}, clean())).result, RowResult::unchanged);
    IntakeRow losing = row(Operation::lose);
    losing.lost_on = Date::of(2026, 10, 1);
    EXPECT_EQ(refused(decide(losing, {gone.after}, clean())), ErrorCode::intake_cancelled);
    EXPECT_EQ(accepted(decide(row(Operation::add), {gone.after}, clean())).result, RowResult::added);
}

TEST(intake_row, that_contradicts_itself_is_refused) {
    IntakeRow unborn = row(Operation::add, Date::of(1985, 4, 11));
    EXPECT_EQ(refused(decide(unborn, {}, clean())), ErrorCode::intake_acquired_before_birth);
    unborn.acquired_on = Date::of(1985, 4, 12);
    EXPECT_EQ(accepted(decide(unborn, {}, clean())).result, RowResult::added);
    IntakeRow nameless = row(Operation::add);
    nameless.person.name.clear();
    nameless.person.kana.clear();
    EXPECT_EQ(refused(decide(nameless, {}, clean())), ErrorCode::intake_required);
    IntakeRow backwards = row(Operation::add);
    backwards.lost_on = Date::of(2026, 4, 1);
    EXPECT_EQ(refused(decide(backwards, {}, clean())), ErrorCode::intake_loss_before_acquisition);
    EXPECT_EQ(refused(decide(row(Operation::cancel), {}, clean())), ErrorCode::intake_unknown_coverage);
}

TEST(intake_record, is_found_by_its_branch_or_where_there_is_only_one) {
    IntakeRow any = row(Operation::cancel);
    any.acquired_on = std::nullopt;
    any.branch = std::nullopt;
    EXPECT_EQ(find_record(any, std::vector{record()}), 0U);
    Coverage other = record();
    other.branch = BranchNumber::from_value(2);
    EXPECT_FALSE(find_record(any, std::vector{record(), other})) << "no guess between two branches";
    any.branch = BranchNumber::from_value(2);
    EXPECT_EQ(find_record(any, std::vector{record(), other}), 1U);
    // Of several times of one number the newest; a void one only when there is no other.
    Coverage later = record(Date::of(2026, 8, 1));
    any.branch = BranchNumber::from_value(1);
    EXPECT_EQ(find_record(any, std::vector{later, record()}), 0U);
    later.state = State::void_;
    EXPECT_EQ(find_record(any, std::vector{later, record()}), 1U);
    EXPECT_EQ(find_record(any, std::vector{later}), 0U);
    Coverage elsewhere = record();
    elsewhere.insurer = insurer("01130012");
    EXPECT_FALSE(find_record(any, std::vector{elsewhere}));
}

TEST(overlap, counts_records_of_other_insurers_that_were_real) {
    Coverage mine = record();
    Coverage other = record(Date::of(2020, 1, 1));
    other.insurer = insurer("138057");
    other.valid_to = Date::of(2026, 3, 31);
    EXPECT_FALSE(overlaps_another_insurer(mine, std::vector{mine, other}));
    other.valid_to = Date::of(2026, 4, 1);
    EXPECT_TRUE(overlaps_another_insurer(mine, std::vector{mine, other}));
    other.state = State::void_;
    EXPECT_FALSE(overlaps_another_insurer(mine, std::vector{mine, other}));
}

TEST(dependants, leave_with_their_insured_in_employees_schemes) {
    EXPECT_TRUE(dependants_end_with_insured(insurer("01130012")));
    EXPECT_FALSE(dependants_end_with_insured(insurer("138057"))) << "国保: everybody in their own right";
    EXPECT_FALSE(dependants_end_with_insured(insurer("39130000")));
    Coverage insured = record();
    insured.valid_to = Date::of(2026, 9, 30);
    Coverage child = record();
    child.relation = Relation::dependant;
    EXPECT_EQ(end_with_insured(child, insured)->valid_to, insured.valid_to);
    child.valid_to = Date::of(2026, 9, 30);
    EXPECT_FALSE(end_with_insured(child, insured)) << "ended by then";
    child.valid_to = Date::open_end;
    child.relation = Relation::insured;
    EXPECT_FALSE(end_with_insured(child, insured));
}

TEST(unusual_share, is_more_than_a_fifth_and_at_least_twenty_rows) {
    for (const auto& [rows, members, unusual] : {std::tuple{19, 0, false},
                                                 {20, 0, true},
                                                 {20, 99, true},
                                                 {20, 100, false},
                                                 {21, 100, true},
                                                 {200, 1000, false},
                                                 {201, 1000, true}}) {
        EXPECT_EQ(is_unusual_share(rows, members), unusual) << rows << " of " << members;
    }
}

identity::MatchReport of_severity(identity::Severity severity) {
    identity::MatchReport report = differing();
    report.severity = severity;
    return report;
}

// REQ: hold_scope (domain-rules §2.5). Each severity has its own policy; the official rule closes the record.
TEST(hold_scope, closes_the_record_or_only_its_health_data) {
    using identity::HoldScope;
    using identity::Severity;
    for (const Severity severity : {Severity::another_person, Severity::one_name, Severity::address}) {
        const identity::MatchReport match = of_severity(severity);
        for (int bits = 0; bits < 8; ++bits) {
            const auto scope = [bits](int bit) {
                return (bits & bit) != 0 ? HoldScope::health_data_only : HoldScope::all;
            };
            const identity::MatchPolicy policy{scope(1), scope(2), scope(4)};
            const IntakeFacts facts{.records = {}, .match = &match, .policy = policy, .file_day = today};
            const auto decision = accepted(decide_intake(row(Operation::add), facts));
            const bool open = policy.scope_of(severity) == HoldScope::health_data_only;
            EXPECT_EQ(decision.after.state, open ? State::active : State::withheld);
            EXPECT_EQ(decision.after.health_data_held, open);
            EXPECT_EQ(decision.result, open ? RowResult::added : RowResult::withheld);
            EXPECT_TRUE(is_held(decision.after));
        }
    }
}

TEST(hold_scope, ends_with_data_that_agree_or_a_confirmation) {
    const identity::MatchReport match = differing();
    identity::MatchPolicy policy;
    policy.one_name = identity::HoldScope::health_data_only;
    Coverage held = record();
    held.health_data_held = true;
    const std::vector records{held};
    const identity::MatchReport agrees = clean();
    const auto corrected = accepted(decide_intake(
        row(Operation::change), {.records = records, .match = &agrees, .policy = policy, .file_day = today}));
    EXPECT_FALSE(is_held(corrected.after));
    EXPECT_EQ(corrected.result, RowResult::changed);
    const auto confirmed = accepted(decide_intake(
        row(Operation::change),
        {.records = records, .match = &match, .confirmed_before = true, .policy = policy, .file_day = today}));
    EXPECT_FALSE(is_held(confirmed.after));
    const auto again = accepted(
        decide_intake(row(Operation::add), {.records = records, .match = &match, .policy = policy, .file_day = today}));
    EXPECT_EQ(again.result, RowResult::unchanged) << "the same row changes nothing";
    // The flag is of the stored form too.
    EXPECT_TRUE(unpack(pack(held))->health_data_held);
    EXPECT_EQ(unpack(pack(held))->state, State::active);
    EXPECT_FALSE(unpack(pack(record()))->health_data_held);
}

}  // namespace
}  // namespace onshi::coverage
