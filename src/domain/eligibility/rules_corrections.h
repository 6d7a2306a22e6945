#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "domain/eligibility/model.h"

namespace onshi::eligibility {

// What a facility was told last about one care day of one person.
struct Told {
    Date care_day;
    Source source = Source::card;
    ResultCode result = ResultCode::none;
    std::optional<CoverageKey> coverage;  // the one it rested on
};

// What a correction means for a claim that was, or will be, made (domain-rules EL-3, §7.3).
enum class ClaimHint : std::uint8_t {
    transfer = 1,   // 振替: another insurer's coverage counts for the day
    ask_again = 2,  // 返戻 is to be expected: nothing covers the day any more
    covered = 3,    // the day is covered after all
};
[[nodiscard]] std::string_view to_string(ClaimHint hint);

struct Correction {
    ResultCode result = ResultCode::none;
    std::optional<CoverageKey> coverage;
    ClaimHint hint = ClaimHint::ask_again;
    bool operator==(const Correction&) const = default;
};

// Whether an answer is one that can turn out otherwise. Not what a card that is no insurance card was answered,
// whatever its holder's records say: a correction would disclose what that answer did not (design §9.10).
[[nodiscard]] bool is_correctable(const Answer& answer);

// What is to be told now; nullopt while what was told stands. A coverage that was told stays right while it is valid on
// the day, whatever others overlap it (EL-1).
[[nodiscard]] std::optional<Correction> correct(const Told& told, std::span<const coverage::Coverage> records);

}  // namespace onshi::eligibility
