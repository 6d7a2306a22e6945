#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/outcome_codes.gen.h"
#include "domain/coverage/model.h"
#include "domain/identity/model_match.h"
#include "domain/identity/model_number.h"
#include "domain/identity/rules_match.h"

namespace onshi::coverage {

// 異動区分: what an insurer's row tells (domain-rules §2.1-2.3).
enum class Operation : std::uint8_t {
    add = 1,     // 資格取得
    change = 2,  // 変更: the row states the record's whole content; with a name it is matched again
    lose = 3,    // 資格喪失
    reopen = 4,  // 喪失取消
    cancel = 5,  // 資格取消: never existed
};
[[nodiscard]] std::optional<Operation> parse_operation(std::string_view word);
[[nodiscard]] std::string_view to_string(Operation operation);

// One row of an insurer's file, in strong types. Holds personal data and a secret: never log it.
struct IntakeRow {
    Operation operation = Operation::add;
    InsurerNumber insurer;
    InsuredSymbolNumber insured;
    std::optional<BranchNumber> branch;
    std::optional<identity::IndividualNumber> number;  // absent: AC-5, the insurer has to ask for it
    identity::SentIdentity person;                     // birth always; name and reading may be empty but in an addition
    Relation relation = Relation::insured;
    std::optional<Date> acquired_on;  // always in an addition; elsewhere it says which of several records is meant
    std::optional<Date> lost_on;      // always in a loss; in an addition of what has ended already
    LossReason loss_reason = LossReason::none;
    std::optional<int> copay_percent;
    std::string limit_category;
    CertificateKind kind = CertificateKind::general;
    std::optional<Date> notified_on = std::nullopt;  // 届出日: when the insurer heard of it

    [[nodiscard]] bool tells_name() const { return !person.name.empty() || !person.kana.empty(); }
};

// What became of a row. Words of the result file; the numbers are counted in.
enum class RowResult : std::uint8_t {
    refused = 0,
    unchanged = 1,
    added = 2,
    changed = 3,
    ended = 4,
    reopened = 5,
    cancelled = 6,
    moved = 7,     // to the person whose individual number it now carries
    withheld = 8,  // added or changed, and not to be seen before the insurer has confirmed it
};
inline constexpr std::size_t row_results = 9;
[[nodiscard]] std::string_view to_string(RowResult result);

inline constexpr std::size_t row_notes_max = 4;

struct RowOutcome {
    RowResult result = RowResult::refused;
    ErrorCode refusal = ErrorCode::internal_unexpected;  // counts when refused
    std::string_view column;                             // static: which field is wrong; empty: the row as a whole
    std::array<OutcomeCode, row_notes_max> notes{};
    std::uint8_t note_count = 0;

    [[nodiscard]] static RowOutcome refuse(ErrorCode code, std::string_view column = {}) {
        RowOutcome outcome;
        outcome.refusal = code;
        outcome.column = column;
        return outcome;
    }
    void note(OutcomeCode code) {
        if (note_count < row_notes_max) notes[note_count++] = code;
    }
    bool operator==(const RowOutcome&) const = default;
};

// ---- Limits of the intake -------------------------------------------------------------------------------------------

// Rows that become one commit. Fewer make checks beside an intake smoother, more write each page less often.
inline constexpr std::size_t intake_chunk_rows_max = 16'384;
// Rows of one insured number stay in one chunk, up to so many more.
inline constexpr std::size_t intake_chunk_overhang_max = 256;
inline constexpr int intake_conflicts_max = 16;
// How far ahead an acquisition may be told.
inline constexpr int acquisition_ahead_days_max = 366;
// A file that would end, cancel or blank more than this share of an insurer's members, and at least so many of them,
// waits for a second person.
inline constexpr std::int64_t unusual_share_percent = 20;
inline constexpr std::int64_t unusual_rows_min = 20;

// ---- Withheld records (登録保留)
// -------------------------------------------------------------------------------------

enum class WithheldState : std::uint8_t {
    open = 1,
    waiting = 2,    // confirmed by one person; severity 1 needs another
    confirmed = 3,  // same person in spite of the difference
    corrected = 4,  // new data agreed, or the record went to its right person
};

// One record that waits for its insurer (domain-rules §2.5), or how its waiting ended.
struct WithheldCase {
    PersonKey person{0};
    CoverageKey coverage{0};
    InsurerNumber insurer;
    identity::Severity severity = identity::Severity::another_person;
    WithheldState state = WithheldState::open;
    Instant opened_at;
    std::int64_t version = 0;
    std::string cause;         // name of an outcome code
    std::uint16_t fields = 0;  // MatchReport::packed_fields
    identity::SentIdentity sent;
    std::optional<Date> notified_on = std::nullopt;  // when the insurer heard of what it registered
    std::uint8_t reason = 0;                         // ConfirmReason once confirmed
    std::string evidence;                            // a reference to a document, no personal data
    std::string confirmed_by;
    std::string approved_by;
};
[[nodiscard]] std::string pack_details(const WithheldCase& withheld);
[[nodiscard]] bool unpack_details(std::string_view bytes, WithheldCase& into);

}  // namespace onshi::coverage
