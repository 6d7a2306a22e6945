#include "domain/coverage/rules_intake.h"

namespace onshi::coverage {

namespace {

bool same_comparison(std::string_view raw, std::string_view stored, std::string_view comparison) {
    if (raw == stored) return true;
    const auto normal = normalise_insured_text(stored);
    return normal && *normal == comparison;
}

// What the match says of the record: seen, not seen, or seen without health data.
void judge_link(const IntakeFacts& facts, Coverage& record) {
    if (facts.match == nullptr) return;
    const bool doubted = facts.match->withheld() && !facts.confirmed_before;
    const bool closes = doubted && facts.policy.scope_of(facts.match->severity) == identity::HoldScope::all;
    record.state = closes ? State::withheld : State::active;
    record.health_data_held = doubted && !closes;
}

void tell_content(const IntakeRow& row, Coverage& record) {
    record.relation = row.relation;
    record.copay_percent = row.copay_percent;
    record.limit_category = row.limit_category;
    record.kind = row.kind;
}

void tell_end(const IntakeRow& row, Coverage& record) {
    record.valid_to = row.lost_on->plus_days(-1);
    record.loss_reason = row.loss_reason == LossReason::none ? LossReason::other : row.loss_reason;
}

// Equal in what a row can tell; when it became known, and by which file, is not the row's matter.
bool same_content(const Coverage& a, const Coverage& b) {
    return a.relation == b.relation && a.acquired_on == b.acquired_on && a.valid_to == b.valid_to &&
           a.loss_reason == b.loss_reason && a.state == b.state && a.health_data_held == b.health_data_held &&
           a.copay_percent == b.copay_percent && a.limit_category == b.limit_category && a.kind == b.kind;
}

IntakeVerdict changed(const IntakeRow& row, const IntakeFacts& facts, std::size_t index, Coverage after,
                      RowResult result) {
    const Coverage& before = facts.records[index];
    if (same_content(before, after)) return IntakeDecision{RowResult::unchanged, index, before};
    after.file_day = facts.file_day;
    const bool closed = after.state == State::withheld && row.tells_name();
    return IntakeDecision{closed ? RowResult::withheld : result, index, std::move(after)};
}

IntakeVerdict add_new(const IntakeRow& row, const IntakeFacts& facts) {
    if (facts.records.size() >= coverages_per_person_max) return IntakeRefusal{ErrorCode::intake_too_many_records, {}};
    Coverage record{.key = CoverageKey(0),
                    .insurer = row.insurer,
                    .symbol = row.insured.symbol.raw(),
                    .number = row.insured.number.raw(),
                    .branch = row.branch,
                    .acquired_on = *row.acquired_on,
                    .copay_percent = {},
                    .limit_category = {},
                    .file_day = facts.file_day};
    tell_content(row, record);
    if (row.lost_on) tell_end(row, record);
    record.state = State::withheld;
    judge_link(facts, record);
    const RowResult result = record.state == State::withheld ? RowResult::withheld : RowResult::added;
    return IntakeDecision{result, std::nullopt, std::move(record)};
}

// The same acquisition again. What it does not tell (an end that came later) it does not deny.
IntakeVerdict add_again(const IntakeRow& row, const IntakeFacts& facts, std::size_t index) {
    const Coverage& before = facts.records[index];
    Coverage after = before;
    tell_content(row, after);
    if (row.lost_on) tell_end(row, after);
    if (!same_content(before, after)) return IntakeRefusal{ErrorCode::intake_exists_differently, {}};
    // A withheld record whose data now agree is released; one that is seen is not withheld by sending it again.
    if (is_held(before)) judge_link(facts, after);
    return changed(row, facts, index, std::move(after), RowResult::changed);
}

IntakeVerdict add(const IntakeRow& row, const IntakeFacts& facts) {
    const auto index = find_record(row, facts.records);
    const bool same =
        index && facts.records[*index].acquired_on == *row.acquired_on && facts.records[*index].state != State::void_;
    return same ? add_again(row, facts, *index) : add_new(row, facts);
}

IntakeVerdict change(const IntakeRow& row, const IntakeFacts& facts, std::size_t index) {
    Coverage after = facts.records[index];
    tell_content(row, after);
    judge_link(facts, after);
    return changed(row, facts, index, std::move(after), RowResult::changed);
}

IntakeVerdict lose(const IntakeRow& row, const IntakeFacts& facts, std::size_t index) {
    Coverage after = facts.records[index];
    if (*row.lost_on <= after.acquired_on) return IntakeRefusal{ErrorCode::intake_loss_before_acquisition, "lost_on"};
    tell_end(row, after);
    return changed(row, facts, index, std::move(after), RowResult::ended);
}

IntakeVerdict reopen(const IntakeRow& row, const IntakeFacts& facts, std::size_t index) {
    Coverage after = facts.records[index];
    after.valid_to = Date::open_end;
    after.loss_reason = LossReason::none;
    return changed(row, facts, index, std::move(after), RowResult::reopened);
}

IntakeVerdict cancel(const IntakeRow& row, const IntakeFacts& facts, std::size_t index) {
    Coverage after = facts.records[index];
    after.state = State::void_;
    return changed(row, facts, index, std::move(after), RowResult::cancelled);
}

}  // namespace

bool same_insured(const IntakeRow& row, const Coverage& record) {
    return record.insurer == row.insurer &&
           same_comparison(row.insured.number.raw(), record.number, row.insured.number.comparison()) &&
           same_comparison(row.insured.symbol.raw(), record.symbol, row.insured.symbol.comparison());
}

std::optional<IntakeRefusal> check_row(const IntakeRow& row) {
    const bool needs_day = row.operation == Operation::add;
    if (needs_day && !row.acquired_on) return IntakeRefusal{ErrorCode::intake_required, "acquired_on"};
    if (row.operation == Operation::lose && !row.lost_on) return IntakeRefusal{ErrorCode::intake_required, "lost_on"};
    if (row.operation == Operation::add && !row.tells_name()) return IntakeRefusal{ErrorCode::intake_required, "name"};
    if (row.acquired_on && *row.acquired_on < row.person.birth) {
        return IntakeRefusal{ErrorCode::intake_acquired_before_birth, "acquired_on"};
    }
    if (row.acquired_on && row.lost_on && *row.lost_on <= *row.acquired_on) {
        return IntakeRefusal{ErrorCode::intake_loss_before_acquisition, "lost_on"};
    }
    return std::nullopt;
}

std::optional<std::size_t> find_record(const IntakeRow& row, std::span<const Coverage> records) {
    std::optional<std::size_t> found;
    bool several_branches = false;
    for (std::size_t i = 0; i < records.size(); ++i) {
        const Coverage& record = records[i];
        if (!same_insured(row, record)) continue;
        if (row.branch && record.branch != row.branch) continue;
        if (row.acquired_on && record.acquired_on != *row.acquired_on) continue;
        if (found && records[*found].branch != record.branch) several_branches = true;
        const bool is_void = record.state == State::void_;
        const bool found_void = found && records[*found].state == State::void_;
        const bool better = !found || (found_void && !is_void) ||
                            (found_void == is_void && records[*found].acquired_on <= record.acquired_on);
        if (better) found = i;
    }
    // No guess between two branches (N-3).
    if (several_branches) return std::nullopt;
    return found;
}

IntakeVerdict decide_intake(const IntakeRow& row, const IntakeFacts& facts) {
    if (const auto wrong = check_row(row)) return *wrong;
    if (row.operation == Operation::add) return add(row, facts);
    const auto index = find_record(row, facts.records);
    if (!index) return IntakeRefusal{ErrorCode::intake_unknown_coverage, {}};
    if (facts.records[*index].state == State::void_) {
        // Cancelled twice is cancelled; nothing else can happen to what never was.
        if (row.operation == Operation::cancel) {
            return IntakeDecision{RowResult::unchanged, index, facts.records[*index]};
        }
        return IntakeRefusal{ErrorCode::intake_cancelled, {}};
    }
    switch (row.operation) {
        case Operation::change: return change(row, facts, *index);
        case Operation::lose: return lose(row, facts, *index);
        case Operation::reopen: return reopen(row, facts, *index);
        case Operation::cancel: return cancel(row, facts, *index);
        case Operation::add: break;
    }
    return IntakeRefusal{ErrorCode::intake_operation, "operation"};
}

bool overlaps_another_insurer(const Coverage& record, std::span<const Coverage> records) {
    if (record.state == State::void_) return false;
    const DateRange valid{record.acquired_on, record.valid_to};
    for (const Coverage& other : records) {
        const bool counts = other.state != State::void_ && other.insurer != record.insurer;
        if (counts && valid.overlaps({other.acquired_on, other.valid_to})) return true;
    }
    return false;
}

bool dependants_end_with_insured(InsurerNumber insurer) {
    return insurer.has_law_code() && insurer.scheme() != InsurerScheme::late_elderly &&
           insurer.scheme() != InsurerScheme::retired_national_health;
}

std::optional<Coverage> end_with_insured(const Coverage& dependant, const Coverage& insured) {
    const bool goes_on = dependant.relation == Relation::dependant && dependant.state != State::void_ &&
                         dependant.valid_to > insured.valid_to && dependant.acquired_on <= insured.valid_to;
    if (!goes_on) return std::nullopt;
    Coverage after = dependant;
    after.valid_to = insured.valid_to;
    after.loss_reason = LossReason::other;
    after.file_day = insured.file_day;
    return after;
}

bool is_unusual_share(std::int64_t rows_that_end_or_blank, std::int64_t members) {
    return rows_that_end_or_blank >= unusual_rows_min && rows_that_end_or_blank * 100 > members * unusual_share_percent;
}

}  // namespace onshi::coverage
