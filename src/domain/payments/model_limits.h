#pragma once

#include <cstddef>
#include <cstdint>

namespace onshi::payments {

// Parts of one claim: insurance alone and each set of public payers beside it.
inline constexpr std::size_t claim_parts_max = 8;
// A claim file has room for four public payers (UKE, KO records).
inline constexpr std::size_t payers_per_part_max = 4;
// Provider-months of one household.
inline constexpr std::size_t household_items_max = 32;
// Steps of one explanation; what a claim or household of the greatest size can have, and some.
inline constexpr std::size_t explanation_steps_max = 96;
// Largest cost of one part or item, in yen: far above the dearest treatment of a month, and no sum of them overflows.
inline constexpr std::int64_t cost_yen_max = 100'000'000'000;

}  // namespace onshi::payments
