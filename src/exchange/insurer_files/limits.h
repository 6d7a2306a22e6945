#pragma once

#include <cstddef>
#include <cstdint>

namespace onshi::insurer_files {

// A line of a members' file; real ones have about 400 bytes. A longer one is a row error and is skipped.
inline constexpr std::size_t line_bytes_max = 16 * 1024;
inline constexpr std::size_t columns_max = 64;
inline constexpr std::size_t field_bytes_max = 2048;
// What is read from the disk at once.
inline constexpr std::size_t read_buffer_bytes = std::size_t{1} << 20U;
// Insurers counted for the unusual-share threshold; there are about 3,500 numbers.
inline constexpr std::size_t insurers_counted_max = 10'000;

}  // namespace onshi::insurer_files
