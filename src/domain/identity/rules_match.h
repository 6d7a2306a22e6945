#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/japanese_text.h"
#include "base/outcome_codes.gen.h"
#include "domain/identity/model_match.h"

namespace onshi::identity {

// How likely it is that the record is another person's (domain-rules §2.5). `none`: the record becomes ACTIVE.
enum class Severity : std::uint8_t { none = 0, another_person = 1, one_name = 2, address = 3 };

// What a withheld record's viewing is stopped for; policy, the official rule is `all`.
enum class HoldScope : std::uint8_t { all, health_data_only };
struct MatchPolicy {
    HoldScope another_person = HoldScope::all;
    HoldScope one_name = HoldScope::all;
    HoldScope address = HoldScope::all;
    [[nodiscard]] HoldScope scope_of(Severity severity) const;
};
[[nodiscard]] std::optional<HoldScope> parse_hold_scope(std::string_view word);
[[nodiscard]] std::string_view to_string(HoldScope scope);

// The five results side by side (MT-2). FOLDED counts as agreement; MISSING says nothing, neither way.
struct MatchReport {
    FieldMatch name = FieldMatch::missing;
    FieldMatch kana = FieldMatch::missing;
    FieldMatch birth = FieldMatch::missing;
    FieldMatch sex = FieldMatch::missing;
    FieldMatch address = FieldMatch::missing;
    std::uint32_t unknown_characters = 0;  // 〓 and ● that stood for any one character
    Severity severity = Severity::none;
    std::optional<OutcomeCode> cause;  // of a withheld record

    [[nodiscard]] bool withheld() const { return severity != Severity::none; }
    // Two bits a field, for the stores.
    [[nodiscard]] std::uint16_t packed_fields() const;
};

// Compares what an insurer sent with the holder of the individual number it wrote on the record. `resident`: nullopt
// when the register does not know the number. `acquired_on`: a holder who had died by then is not the insured.
// Texts that cannot be compared (too long, broken UTF-8) count as different. Pure; thread-safe.
[[nodiscard]] MatchReport match_with_register(const SentIdentity& sent, const std::optional<Resident>& resident,
                                              Date acquired_on);
// A record without an individual number: never matched on fewer data (AC-5).
[[nodiscard]] MatchReport unmatched_for_want_of_number();

// Reason codes of confirm-with-reason (MT-3).
enum class ConfirmReason : std::uint8_t {
    alias = 1,
    variant_character = 2,
    recent_move = 3,
    typing_of_register = 4,
    other = 9
};
[[nodiscard]] std::optional<ConfirmReason> parse_confirm_reason(std::string_view word);
[[nodiscard]] std::string_view to_string(ConfirmReason reason);

// Whether a confirmation needs a second person (MT-3).
[[nodiscard]] constexpr bool needs_four_eyes(Severity severity) {
    return severity == Severity::another_person;
}

}  // namespace onshi::identity
