#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace onshi::settings {

// The name that differs least from what was typed (insertions, deletions, replacements and swaps of neighbours), or
// nullopt when none is within nearest_distance_max edits and a third of its length. Names longer than name_bytes_max
// are not near.
[[nodiscard]] std::optional<std::string_view> nearest_name(std::string_view typed,
                                                           std::span<const std::string_view> names);

}  // namespace onshi::settings
