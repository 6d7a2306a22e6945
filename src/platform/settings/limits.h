#pragma once

#include <cstddef>

namespace onshi::settings {

inline constexpr std::size_t settings_file_bytes_max = 256 * 1024;
inline constexpr std::size_t setting_text_bytes_max = 4096;
inline constexpr std::size_t setting_list_max = 64;
// A name further away than this is not offered as "did you mean".
inline constexpr std::size_t nearest_distance_max = 3;
inline constexpr std::size_t name_bytes_max = 64;

}  // namespace onshi::settings
