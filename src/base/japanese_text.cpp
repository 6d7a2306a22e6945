#include "base/japanese_text.h"

#include <algorithm>

#include <unicode/normalizer2.h>

#include "base/ensure.h"
#include "base/limits.h"
#include "base/text_folding.h"
#include "base/utf8.h"

namespace onshi {

namespace {

constexpr char32_t wide_space = U'\u3000';
constexpr char32_t voiced_mark = U'\u3099';
constexpr char32_t semi_voiced_mark = U'\u309A';

const icu::Normalizer2& nfc_normalizer() {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* normalizer = icu::Normalizer2::getNFCInstance(status);
    ENSURE(U_SUCCESS(status) && normalizer != nullptr);
    return *normalizer;
}

Result<std::u32string> decode_bounded(std::string_view text) {
    if (text.size() > comparison_bytes_max)
        return fail(ErrorCode::text_too_long, "text longer than comparison_bytes_max");
    auto characters = decode_utf8(text);
    if (!characters) return fail(ErrorCode::text_invalid_encoding, "not UTF-8");
    return std::move(*characters);
}

// Half-width katakana U+FF61..U+FF9F in full width, in code order; the last two are the combining voice marks.
constexpr std::u32string_view full_width_of_half =
    U"。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリ"
    U"ルレロワン"
    U"\u3099\u309A";
constexpr char32_t half_width_first = 0xFF61;
constexpr char32_t half_voiced_mark = 0xFF9E;
constexpr char32_t half_semi_voiced_mark = 0xFF9F;
static_assert(full_width_of_half.size() == 0xFF9F - 0xFF61 + 1);

bool is_voice_mark(char32_t c) {
    return c == voiced_mark || c == semi_voiced_mark;
}

char32_t full_width_letter(char32_t c) {
    if (c >= half_width_first && c <= half_semi_voiced_mark) return full_width_of_half[c - half_width_first];
    const bool hiragana = (c >= U'ぁ' && c <= U'ゖ') || c == U'ゝ' || c == U'ゞ';
    if (hiragana) return c + (U'ァ' - U'ぁ');
    if (c == U'゛') return voiced_mark;
    if (c == U'゜') return semi_voiced_mark;
    return is_space(c) ? wide_space : c;
}

std::u32string full_width(std::u32string_view text) {
    std::u32string out;
    out.reserve(text.size());
    for (const char32_t c : text) {
        const char32_t letter = full_width_letter(c);
        if (!is_voice_mark(letter)) {
            out.push_back(letter);
            continue;
        }
        const UChar32 composed =
            out.empty() ? U_SENTINEL
                        : nfc_normalizer().composePair(static_cast<UChar32>(out.back()), static_cast<UChar32>(letter));
        if (composed >= 0) {
            out.back() = static_cast<char32_t>(composed);
        } else {
            out.push_back(letter == voiced_mark ? U'゛' : U'゜');
        }
    }
    return out;
}

// Katakana that half width lacks, as their nearest.
char32_t with_half_width_form(char32_t c) {
    switch (c) {
        case U'ヮ': return U'ワ';
        case U'ヵ': return U'カ';
        case U'ヶ': return U'ケ';
        case U'ヰ': return U'イ';
        case U'ヱ': return U'エ';
        default: return c;
    }
}

char32_t half_width_letter(char32_t c, KanaSize size) {
    if (c == wide_space) return U' ';
    if (c >= 0xFF01 && c <= 0xFF5E) return c - 0xFF01 + U'!';
    if (c == U'゛') return half_voiced_mark;
    if (c == U'゜') return half_semi_voiced_mark;
    const auto at = full_width_of_half.find(with_half_width_form(c));
    if (at == std::u32string_view::npos || is_voice_mark(c)) return c;
    const char32_t half = half_width_first + static_cast<char32_t>(at);
    if (size == KanaSize::as_written) return half;
    constexpr std::u32string_view small = U"ｧｨｩｪｫｬｭｮｯ";
    constexpr std::u32string_view large = U"ｱｲｳｴｵﾔﾕﾖﾂ";
    const auto small_at = small.find(half);
    return small_at == std::u32string_view::npos ? half : large[small_at];
}

// A voiced kana is its plain kana and a mark in half width.
void append_half_width(std::u32string& out, char32_t c, KanaSize size) {
    icu::UnicodeString parts;
    const bool voiced = is_katakana(c) && nfc_normalizer().getRawDecomposition(static_cast<UChar32>(c), parts) != 0;
    if (!voiced) {
        out.push_back(half_width_letter(c, size));
        return;
    }
    out.push_back(half_width_letter(static_cast<char32_t>(parts.char32At(0)), size));
    out.push_back(static_cast<char32_t>(parts.char32At(1)) == voiced_mark ? half_voiced_mark : half_semi_voiced_mark);
}

}  // namespace

bool Folds::empty() const {
    return std::ranges::all_of(counts, [](std::uint32_t count) { return count == 0; });
}

Result<FoldedText> fold_for_comparison(std::string_view text) {
    FoldedText folded;
    auto characters = fold_characters(text, FoldStyle::name, folded.folds);
    if (!characters) return fail(std::move(characters));
    folded.text = encode_utf8(*characters);
    return folded;
}

Result<TextMatch> compare_names(std::string_view left, std::string_view right) {
    TextMatch result;
    auto folded_left = fold_characters(left, FoldStyle::name, result.folds);
    if (!folded_left) return fail(std::move(folded_left));
    auto folded_right = fold_characters(right, FoldStyle::name, result.folds);
    if (!folded_right) return fail(std::move(folded_right));
    const FoldedMatch folded = match_folded(*folded_left, *folded_right);
    result.unknown_characters = folded.unknown_characters;
    result.match = folded.match;
    if (left == right && folded.match == FieldMatch::folded && folded.unknown_characters == 0) {
        result.match = FieldMatch::exact;
        result.folds = {};
    }
    return result;
}

Result<std::string> to_full_width_katakana(std::string_view text) {
    auto characters = decode_bounded(text);
    if (!characters) return fail(std::move(characters));
    return encode_utf8(full_width(*characters));
}

Result<std::string> to_half_width_katakana(std::string_view text, KanaSize size) {
    auto characters = decode_bounded(text);
    if (!characters) return fail(std::move(characters));
    std::u32string out;
    for (const char32_t c : full_width(*characters)) append_half_width(out, c, size);
    return encode_utf8(out);
}

Result<std::string> normalise_kana_name(std::string_view text) {
    auto characters = decode_bounded(text);
    if (!characters) return fail(std::move(characters));
    std::u32string name;
    bool has_letter = false;
    for (const char32_t c : full_width(*characters)) {
        const bool after_kana = !name.empty() && is_katakana(name.back());
        if (c == wide_space) {
            if (!name.empty() && name.back() != wide_space) name.push_back(c);
        } else if (is_dash(c) && after_kana) {
            name.push_back(U'ー');
        } else if (c == U'・' || (c >= 0x30A1 && c <= 0x30FA)) {
            has_letter = has_letter || c != U'・';
            name.push_back(c);
        } else {
            return fail(ErrorCode::text_not_kana, "a character is not katakana");
        }
    }
    if (!name.empty() && name.back() == wide_space) name.pop_back();
    if (!has_letter) return fail(ErrorCode::text_not_kana, "no kana");
    if (name.size() > kana_name_characters_max) return fail(ErrorCode::text_too_long, "reading of a name");
    return encode_utf8(name);
}

}  // namespace onshi
