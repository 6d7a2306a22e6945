#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace onshi {

// One row of contracts/variant_characters.toml: a form and the first form of its group. Sorted by `form`.
struct VariantCharacter {
    char32_t form;
    char32_t first;
};

// One row of contracts/cp932_substitutes.toml. Sorted by `from`; `to` is UTF-8 that CP932 has.
struct Cp932Substitute {
    char32_t from;
    std::string_view to;
};

// The last resorts of contracts/cp932_substitutes.toml, in the order given there.
enum class Cp932Rule : std::uint8_t { invisible, variant, compatibility, base_letter };

// Static storage; thread-safe.
[[nodiscard]] std::span<const VariantCharacter> variant_table() noexcept;
[[nodiscard]] std::span<const Cp932Substitute> cp932_substitute_table() noexcept;
[[nodiscard]] std::span<const Cp932Rule> cp932_rules() noexcept;

}  // namespace onshi
