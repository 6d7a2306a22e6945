#pragma once

#include <cstddef>

namespace onshi {

// One line of the log; a longer one is cut at a field boundary and marked `"cut":true`.
inline constexpr std::size_t log_line_bytes_max = 4096;
// One text value; the rest is cut.
inline constexpr std::size_t log_text_bytes_max = 512;
// Rotating log file.
inline constexpr std::size_t log_file_bytes_min = 4096;
inline constexpr std::size_t log_files_max = 100;
// Different label combinations of one metric; further ones are counted together under `other`.
inline constexpr std::size_t metric_series_max = 2000;
// Length of one label value; a longer one is cut.
inline constexpr std::size_t metric_label_bytes_max = 128;

}  // namespace onshi
