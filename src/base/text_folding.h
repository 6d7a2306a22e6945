#pragma once

#include <string>
#include <string_view>

#include "base/japanese_text.h"

namespace onshi {

// The character-wise part of comparing texts; for the files of this folder only. Pure; thread-safe.

// name: domain-rules MT-1; address: the same, but spaces stay as U+0020 and dashes that follow no kana are `-`;
// insured_text: N-1, where kana and variant characters stay and middle dots count as dashes.
enum class FoldStyle : std::uint8_t { name, address, insured_text };

// Adds to `folds` what was done. Idempotent. Errors: text.invalid_encoding, text.too_long.
[[nodiscard]] Result<std::u32string> fold_characters(std::string_view text, FoldStyle style, Folds& folds);

void count_fold(Folds& folds, FoldKind kind);

// The first form of the character's group in the table of variant characters, or the character itself.
[[nodiscard]] char32_t first_variant(char32_t character);
[[nodiscard]] bool is_dash(char32_t character);
[[nodiscard]] bool is_space(char32_t character);
// Without a glyph of its own: variation selectors, zero-width and direction marks …
[[nodiscard]] bool is_invisible(char32_t character);
[[nodiscard]] bool is_ideograph(char32_t character);
// Katakana letters and ー.
[[nodiscard]] bool is_katakana(char32_t character);
// Stands for a character that some system could not write, so it may be any.
[[nodiscard]] bool is_unknown_glyph(char32_t character);
// Folded texts beside each other: `folded` when equal up to unknown glyphs, `missing` when one side says nothing.
struct FoldedMatch {
    FieldMatch match;
    std::uint32_t unknown_characters;
};
[[nodiscard]] FoldedMatch match_folded(std::u32string_view left, std::u32string_view right);

// NFKC of a whole text.
[[nodiscard]] std::u32string nfkc(std::u32string_view text);

}  // namespace onshi
