#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <variant>

#include "domain/coverage/model_intake.h"
#include "domain/identity/rules_match.h"

namespace onshi::coverage {

// What a row does to one person's records. `index` is the record it changes, nullopt for a new one (whose key the
// caller gives); `after` is the record as it is then. `unchanged`: nothing is to be written.
struct IntakeDecision {
    RowResult result = RowResult::unchanged;
    std::optional<std::size_t> index;
    Coverage after;
};
struct IntakeRefusal {
    ErrorCode code;
    std::string_view column;
};
using IntakeVerdict = std::variant<IntakeRefusal, IntakeDecision>;

struct IntakeFacts {
    std::span<const Coverage> records;             // of the person, void ones too
    const identity::MatchReport* match = nullptr;  // nullptr: the row tells no name to compare
    // The difference was confirmed for just these data before: it no longer withholds (MT-3).
    bool confirmed_before = false;
    identity::MatchPolicy policy = {};
    Date file_day;
};

// What can be wrong with a row by itself: days that contradict each other.
[[nodiscard]] std::optional<IntakeRefusal> check_row(const IntakeRow& row);

// The record a row means: same insurer, symbol and number (N-1), same branch, and acquired on that day where the row
// names one; otherwise the newest. Void records are passed over, unless there is no other. A row without a branch finds
// one where only one branch comes into question (N-4).
[[nodiscard]] std::optional<std::size_t> find_record(const IntakeRow& row, std::span<const Coverage> records);

// Additions, changes, losses, withdrawn losses and cancellations of one person's records. The same row a second time
// changes nothing. A difference to the register withholds the record and never refuses it (domain-rules §2.5).
[[nodiscard]] IntakeVerdict decide_intake(const IntakeRow& row, const IntakeFacts& facts);

// EL-1: whether a record of another insurer covers a day of this one. Void records cover nothing.
[[nodiscard]] bool overlaps_another_insurer(const Coverage& record, std::span<const Coverage> records);

// Whether the end of an insured's coverage ends those of dependants under the same number (§2.3): employees' schemes
// only. In National Health Insurance everybody is insured in their own right, and late-elderly have no dependants.
[[nodiscard]] bool dependants_end_with_insured(InsurerNumber insurer);
// The dependant's record when the insured's ends; nullopt when it has ended by then.
[[nodiscard]] std::optional<Coverage> end_with_insured(const Coverage& dependant, const Coverage& insured);

// Whether the rows of a file reach the threshold that stops it for a second person.
[[nodiscard]] bool is_unusual_share(std::int64_t rows_that_end_or_blank, std::int64_t members);

// Whether a doubt about the record's link waits for its insurer, whatever it holds back.
[[nodiscard]] inline bool is_held(const Coverage& record) {
    return record.state == State::withheld || (record.state == State::active && record.health_data_held);
}

// Counts towards an insurer's members: not void, without a known end.
[[nodiscard]] inline bool is_open_member(const Coverage& record) {
    return record.state != State::void_ && record.valid_to == Date::open_end;
}

// Same insured number in comparison form (N-1).
[[nodiscard]] bool same_insured(const IntakeRow& row, const Coverage& record);

}  // namespace onshi::coverage
