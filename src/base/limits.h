#pragma once

#include <cstddef>

namespace onshi {

// Longest text that is folded for comparison, turned to kana or compared: names and addresses are far shorter.
inline constexpr std::size_t comparison_bytes_max = 4096;
// Longest 記号 or 番号 (oqs §2.3).
inline constexpr std::size_t insured_text_characters_max = 20;
// Longest reading of a name.
inline constexpr std::size_t kana_name_characters_max = 100;
// Largest text that is converted from or to CP932 in one piece; a claim or intake file is converted in such pieces.
inline constexpr std::size_t cp932_bytes_max = std::size_t{64} << 20U;
// Substitutions listed one by one; further ones are counted.
inline constexpr std::size_t cp932_substitutions_listed_max = 1000;
// Separators between two groups of an individual number in free text.
inline constexpr std::size_t individual_number_separators_max = 3;

}  // namespace onshi
