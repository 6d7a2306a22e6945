#pragma once

#include <array>
#include <span>
#include <string_view>

#include "base/texts.h"

namespace onshi {

// One row of the generated table, sorted by (key, audience); sentences in the order of `Language`.
struct TextEntry {
    std::string_view key;
    Audience audience;
    std::array<std::string_view, 2> sentences;
};

[[nodiscard]] std::span<const TextEntry> text_table() noexcept;

}  // namespace onshi
