#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace onshi {

// Comparing Japanese names and addresses, and their kana (domain-rules §2.5 MT-1, MT-2). Everything here is pure and
// thread-safe, takes UTF-8 of at most comparison_bytes_max bytes and refuses other text with text.invalid_encoding or
// text.too_long. Results hold personal data: never log them, log counts.

// What a fold took away. `variant` pairs come from contracts/variant_characters.toml.
enum class FoldKind : std::uint8_t {
    compatibility,  // NFKC: width, half-width kana, compatibility ideographs
    invisible,      // variation selectors and other characters without a glyph
    space,
    kana_size,     // ャ and ヤ
    dash,          // ー ‐ − – —
    letter_case,   // names of foreign residents in Latin letters
    variant,       // 髙 and 高
    address_form,  // kanji numerals, 丁目 番 号, ヶ が
};
inline constexpr std::size_t fold_kind_count = 8;

struct VariantFold {
    char32_t from;
    char32_t to;
    bool operator==(const VariantFold&) const = default;
};

struct Folds {
    std::array<std::uint32_t, fold_kind_count> counts{};
    std::vector<VariantFold> variants;  // one per `variant` fold, in order

    [[nodiscard]] std::uint32_t count(FoldKind kind) const { return counts[static_cast<std::size_t>(kind)]; }
    [[nodiscard]] bool empty() const;
};

struct FoldedText {
    std::string text;  // for comparing, never for showing
    Folds folds;
};

// MT-1 for names: NFKC, spaces and invisible characters dropped, small kana as large, every dash and the long-vowel
// mark as `ー`, letter case folded, variant characters as the first of their group. Idempotent.
[[nodiscard]] Result<FoldedText> fold_for_comparison(std::string_view text);

// MT-2. `exact`: the same bytes. `folded` counts as agreement. `missing`: one side holds nothing that could be
// compared.
enum class FieldMatch : std::uint8_t { exact, folded, different, missing };
[[nodiscard]] constexpr bool agrees(FieldMatch match) {
    return match == FieldMatch::exact || match == FieldMatch::folded;
}

struct TextMatch {
    FieldMatch match = FieldMatch::missing;
    // Places where one side holds a character that some system could not write (`●` `〓` `■`, U+FFFD, private use): it
    // matches any one character. A side of nothing else is `missing`, since it says nothing.
    std::uint32_t unknown_characters = 0;
    Folds folds;  // of both sides together; empty when `exact`
};

// For kanji and kana names.
[[nodiscard]] Result<TextMatch> compare_names(std::string_view left, std::string_view right);

// An address as compared: `area` is everything up to the lot number with 丁目, 番地, 番, 号, の and every dash between
// numbers as `-` and kanji numerals as digits; `building` is what follows, without 号室. Both folded like names, and ヶ
// ケ が ガ between kanji are one.
struct FoldedAddress {
    std::string area;
    std::string building;
    Folds folds;
};
[[nodiscard]] Result<FoldedAddress> fold_address(std::string_view text);

// Area and building apart. `overall`: `different` when the area differs or both name different buildings; a building
// that only one side names does not disagree, but is at best `folded`.
struct AddressMatch {
    FieldMatch overall = FieldMatch::missing;
    FieldMatch area = FieldMatch::missing;
    FieldMatch building = FieldMatch::missing;
    std::uint32_t unknown_characters = 0;
    Folds folds;
};
[[nodiscard]] Result<AddressMatch> compare_addresses(std::string_view left, std::string_view right);

// Hiragana, half-width kana and half-width forms as full-width katakana; spaces as U+3000; what is no kana stays.
[[nodiscard]] Result<std::string> to_full_width_katakana(std::string_view text);

// Whether ｬ stays or becomes ﾔ: existing systems often write readings with large kana only (oqs §1.4).
enum class KanaSize : std::uint8_t { as_written, large };
// Kana as half-width katakana with ﾞ and ﾟ of their own, full-width ASCII and U+3000 as ASCII. ヮ ヵ ヶ ヰ ヱ ヷ-ヺ
// have no half-width form and become ﾜ ｶ ｹ ｲ ｴ ﾜﾞ ｲﾞ ｴﾞ ｦﾞ. What has no half-width form otherwise stays.
[[nodiscard]] Result<std::string> to_half_width_katakana(std::string_view text, KanaSize size);

// The reading of a name in full-width katakana with single U+3000 between its parts. Errors: text.not_kana for anything
// but katakana, ー, ・ and spaces, and for an empty reading; text.too_long above kana_name_characters_max. A dash
// behind kana is read as ー, which half-width systems write so.
[[nodiscard]] Result<std::string> normalise_kana_name(std::string_view text);

}  // namespace onshi
