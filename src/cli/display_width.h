#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace onshi::cli {

// Columns that a text takes in a terminal: 2 for wide and full-width characters (UAX #11), 0 for combining marks,
// variation selectors and control characters, else 1; ambiguous ones count 1. Bytes that are not UTF-8 count 1 each.
[[nodiscard]] std::size_t display_width(std::string_view text);
// With spaces behind it until it takes `width` columns; longer text stays as it is.
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);
// Two texts in one line: the second begins at `column`, or `gap_min` columns behind the first when that is longer.
[[nodiscard]] std::string beside(std::string_view left, std::string_view right, std::size_t column);
// The beginning of a text that takes at most `width` columns, with `…` when something was cut.
[[nodiscard]] std::string cut_to_width(std::string_view text, std::size_t width);

inline constexpr std::size_t gap_min = 3;

}  // namespace onshi::cli
