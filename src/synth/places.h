#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace onshi::synth {

inline constexpr int prefecture_count = 47;

// Prefectures are real, everything inside them is invented.
struct Prefecture {
    std::string_view name;          // 東京都
    std::string_view short_name;    // 東京
    std::uint32_t population;       // thousands, 2024, from general knowledge
    std::uint16_t municipalities;   // as many as there are: 1,741 in all
    std::uint16_t trade_societies;  // 国保組合: 160 in all, spread by population
};

[[nodiscard]] std::span<const Prefecture> prefectures();
// Of all prefectures, in thousands.
[[nodiscard]] std::uint32_t national_population();
// 16 first and 16 second characters: 256 names that end in 市, 町, ….
[[nodiscard]] std::span<const std::string_view> place_name_beginnings();
[[nodiscard]] std::span<const std::string_view> place_name_endings();
// 町名 of the addresses, all of them speaking of samples and dreams.
[[nodiscard]] std::span<const std::string_view> town_names();
[[nodiscard]] std::span<const std::string_view> building_names();

}  // namespace onshi::synth
