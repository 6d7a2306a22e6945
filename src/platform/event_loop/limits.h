#pragma once

#include <cstddef>

namespace onshi {

// More loops than any machine of this design has cores; a larger number is a mistake in a setting.
inline constexpr std::size_t event_loops_max = 256;

}  // namespace onshi
