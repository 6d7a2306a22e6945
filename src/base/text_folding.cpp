#include "base/text_folding.h"

#include <algorithm>
#include <array>

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "base/character_tables.h"
#include "base/ensure.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace onshi {

namespace {

constexpr char32_t long_vowel_mark = U'ー';
constexpr char32_t voiced_mark = U'\u3099';
constexpr char32_t semi_voiced_mark = U'\u309A';

// U+3000 … the end of the basic block of kanji: nothing between them has upper and lower case.
constexpr char32_t first_kana_or_kanji = 0x3000;
constexpr char32_t last_kanji = 0x9FFF;

// A fold can make room for another one (a dropped space lets a voice mark meet its kana), so they are repeated until
// nothing changes; texts of people need one or two rounds.
constexpr int fold_rounds_max = 8;

const icu::Normalizer2& nfkc_normalizer() {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCInstance(status);
    ENSURE(U_SUCCESS(status) && normalizer != nullptr);
    return *normalizer;
}

struct SmallKana {
    char32_t small;
    char32_t large;
};

constexpr std::array<SmallKana, 16> ainu_small_kana{{
    {U'ㇰ', U'ク'},
    {U'ㇱ', U'シ'},
    {U'ㇲ', U'ス'},
    {U'ㇳ', U'ト'},
    {U'ㇴ', U'ヌ'},
    {U'ㇵ', U'ハ'},
    {U'ㇶ', U'ヒ'},
    {U'ㇷ', U'フ'},
    {U'ㇸ', U'ヘ'},
    {U'ㇹ', U'ホ'},
    {U'ㇺ', U'ム'},
    {U'ㇻ', U'ラ'},
    {U'ㇼ', U'リ'},
    {U'ㇽ', U'ル'},
    {U'ㇾ', U'レ'},
    {U'ㇿ', U'ロ'},
}};

char32_t large_kana(char32_t c) {
    constexpr std::u32string_view small = U"ァィゥェォッャュョヮぁぃぅぇぉっゃゅょゎ";
    // Small letters stand right before their large forms, but for these four.
    if (c == U'ヵ') return U'カ';
    if (c == U'ヶ') return U'ケ';
    if (c == U'ゕ') return U'か';
    if (c == U'ゖ') return U'け';
    if (c >= U'ㇰ' && c <= U'ㇿ') return ainu_small_kana[c - U'ㇰ'].large;
    return small.find(c) == std::u32string_view::npos ? c : c + 1;
}

bool is_middle_dot(char32_t c) {
    return c == U'・' || c == U'·';
}

// Folds or keeps a space as the style wants it.
void fold_space(std::u32string& out, char32_t space, FoldStyle style, Folds& folds) {
    const bool keeps = style == FoldStyle::address;
    if (keeps) out.push_back(U' ');
    if (!keeps || space != U' ') count_fold(folds, FoldKind::space);
}

// Whether NFKC leaves the character alone, whatever others of these stand beside it, and it is not invisible: printable
// ASCII, U+3000, 々, kana without voice marks of their own, the basic block of kanji. Most names and addresses hold
// nothing else, and folding their letters once is all there is to do.
bool stands_alone(char32_t c) {
    if (c < 0x80) return c >= 0x20 && c != 0x7F;
    return c == 0x3000 || c == U'々' || (c >= U'ぁ' && c <= U'ゖ') || is_katakana(c) ||
           (c >= 0x4E00 && c <= last_kanji);
}

// Drops what has no glyph, and makes spacing voice marks combining, which NFKC would part from their kana.
std::u32string drop_invisible(std::u32string_view text, FoldStyle style, Folds& folds) {
    std::u32string out;
    out.reserve(text.size());
    for (const char32_t c : text) {
        if (c >= 0x80 && is_invisible(c)) {
            count_fold(folds, FoldKind::invisible);
        } else if (is_space(c)) {
            fold_space(out, c, style, folds);
        } else if (c == U'゛' || c == U'゜') {
            count_fold(folds, FoldKind::compatibility);
            out.push_back(c == U'゛' ? voiced_mark : semi_voiced_mark);
        } else {
            out.push_back(c);
        }
    }
    return out;
}

// NFKC piece by piece, so that the pieces it changes can be counted.
std::u32string fold_compatibility(std::u32string_view text, Folds& folds) {
    const icu::Normalizer2& normalizer = nfkc_normalizer();
    std::u32string out;
    out.reserve(text.size());
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = begin + 1;
        while (end < text.size() && !normalizer.hasBoundaryBefore(static_cast<UChar32>(text[end]))) ++end;
        const std::u32string_view piece = text.substr(begin, end - begin);
        begin = end;
        if (piece.size() == 1 && (piece[0] < 0x80 || normalizer.isInert(static_cast<UChar32>(piece[0])))) {
            out.push_back(piece[0]);
            continue;
        }
        const std::u32string folded = nfkc(piece);
        if (folded != piece) count_fold(folds, FoldKind::compatibility);
        out += folded;
    }
    return out;
}

// The dash that a style writes, or the character itself.
char32_t fold_dash(char32_t c, char32_t previous, FoldStyle style) {
    if (style == FoldStyle::insured_text) return is_dash(c) || is_middle_dot(c) ? U'-' : c;
    if (!is_dash(c)) return c;
    return style == FoldStyle::name || is_katakana(previous) ? long_vowel_mark : U'-';
}

char32_t fold_letter(char32_t c, FoldStyle style, Folds& folds) {
    const bool has_case = c < first_kana_or_kanji || c > last_kanji;
    const char32_t cased =
        has_case ? static_cast<char32_t>(u_foldCase(static_cast<UChar32>(c), U_FOLD_CASE_DEFAULT)) : c;
    if (cased != c) {
        count_fold(folds, FoldKind::letter_case);
        return cased;
    }
    if (style == FoldStyle::insured_text) return c;
    if (const char32_t large = large_kana(c); large != c) {
        count_fold(folds, FoldKind::kana_size);
        return large;
    }
    if (const char32_t first = first_variant(c); first != c) {
        count_fold(folds, FoldKind::variant);
        folds.variants.push_back({c, first});
        return first;
    }
    return c;
}

std::u32string fold_letters(std::u32string_view text, FoldStyle style, Folds& folds) {
    std::u32string out;
    out.reserve(text.size());
    for (const char32_t c : text) {
        if (is_space(c)) {
            // NFKC parts spacing accents into a space and a mark.
            fold_space(out, c, style, folds);
            continue;
        }
        const char32_t dash = fold_dash(c, out.empty() ? U'\0' : out.back(), style);
        if (dash != c) count_fold(folds, FoldKind::dash);
        out.push_back(dash != c || is_dash(c) ? dash : fold_letter(c, style, folds));
    }
    return out;
}

}  // namespace

void count_fold(Folds& folds, FoldKind kind) {
    ++folds.counts[static_cast<std::size_t>(kind)];
}

char32_t first_variant(char32_t character) {
    const auto table = variant_table();
    const auto found = std::ranges::lower_bound(table, character, {}, &VariantCharacter::form);
    return found != table.end() && found->form == character ? found->first : character;
}

bool is_dash(char32_t c) {
    // Hyphens, dashes, minus signs, the long-vowel mark and the box-drawing line that is typed for it.
    return c == U'-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2043 || c == 0x2212 || c == 0x2500 || c == 0x2501 ||
           c == long_vowel_mark || c == 0xFF0D || c == 0xFF70 || c == 0xFE58 || c == 0xFE63;
}

bool is_space(char32_t c) {
    return c <= 0x3000 && u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

bool is_invisible(char32_t c) {
    return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_DEFAULT_IGNORABLE_CODE_POINT) != 0;
}

bool is_ideograph(char32_t c) {
    return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_IDEOGRAPHIC) != 0;
}

bool is_katakana(char32_t c) {
    return (c >= 0x30A1 && c <= 0x30FA) || c == long_vowel_mark;
}

bool is_unknown_glyph(char32_t c) {
    const bool private_use = (c >= 0xE000 && c <= 0xF8FF) || c >= 0xF0000;
    return c == U'●' || c == U'〓' || c == U'■' || c == 0xFFFD || private_use;
}

FoldedMatch match_folded(std::u32string_view left, std::u32string_view right) {
    const auto says_nothing = [](std::u32string_view side) { return std::ranges::all_of(side, is_unknown_glyph); };
    if (says_nothing(left) || says_nothing(right)) return {FieldMatch::missing, 0};
    if (left.size() != right.size()) return {FieldMatch::different, 0};
    std::uint32_t unknown = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
        const bool wild = is_unknown_glyph(left[i]) || is_unknown_glyph(right[i]);
        if (wild) ++unknown;
        if (!wild && left[i] != right[i]) return {FieldMatch::different, 0};
    }
    return {FieldMatch::folded, unknown};
}

std::u32string nfkc(std::u32string_view text) {
    UErrorCode status = U_ZERO_ERROR;
    const auto source = icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                                      static_cast<std::int32_t>(text.size()));
    const icu::UnicodeString normal = nfkc_normalizer().normalize(source, status);
    ENSURE(U_SUCCESS(status));
    std::u32string out(static_cast<std::size_t>(normal.countChar32()), U'\0');
    normal.toUTF32(reinterpret_cast<UChar32*>(out.data()), static_cast<std::int32_t>(out.size()), status);
    ENSURE(U_SUCCESS(status));
    return out;
}

Result<std::u32string> fold_characters(std::string_view text, FoldStyle style, Folds& folds) {
    if (text.size() > comparison_bytes_max)
        return fail(ErrorCode::text_too_long, "text longer than comparison_bytes_max");
    auto characters = decode_utf8(text);
    if (!characters) return fail(ErrorCode::text_invalid_encoding, "not UTF-8");
    if (std::ranges::all_of(*characters, stands_alone)) return fold_letters(*characters, style, folds);
    for (int round = 0; round < fold_rounds_max; ++round) {
        std::u32string folded =
            fold_letters(fold_compatibility(drop_invisible(*characters, style, folds), folds), style, folds);
        if (folded == *characters) break;
        *characters = std::move(folded);
    }
    return std::move(*characters);
}

}  // namespace onshi
