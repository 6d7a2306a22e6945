#include <algorithm>
#include <array>

#include "base/japanese_text.h"
#include "base/text_folding.h"
#include "base/utf8.h"

namespace onshi {

namespace {

bool is_digit(char32_t c) {
    return c >= U'0' && c <= U'9';
}

struct Parts {
    std::u32string area;
    std::u32string building;
};

// 霞ヶ関 霞ケ関 霞が関: between kanji the four spellings name the same place. Small ヶ is large already.
std::u32string fold_ga(std::u32string text, Folds& folds) {
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        const bool is_other_spelling = text[i] == U'が' || text[i] == U'ガ';
        if (!is_other_spelling || !is_ideograph(text[i - 1]) || !is_ideograph(text[i + 1])) continue;
        text[i] = U'ケ';
        count_fold(folds, FoldKind::address_form);
    }
    return text;
}

constexpr std::u32string_view kanji_digits = U"〇一二三四五六七八九";

int kanji_unit(char32_t c) {
    if (c == U'十') return 10;
    if (c == U'百') return 100;
    return c == U'千' ? 1000 : 0;
}

bool is_kanji_numeral(char32_t c) {
    return kanji_digits.find(c) != std::u32string_view::npos || kanji_unit(c) != 0;
}

// 二十三 and 二三 are both 23: with units they are added up, without them the digits stand side by side.
std::u32string numeral_value(std::u32string_view run) {
    const bool has_units = std::ranges::any_of(run, [](char32_t c) { return kanji_unit(c) != 0; });
    std::u32string digits;
    if (!has_units) {
        for (const char32_t c : run) digits.push_back(U'0' + static_cast<char32_t>(kanji_digits.find(c)));
        return digits;
    }
    std::int64_t total = 0;
    std::int64_t pending = 0;
    for (const char32_t c : run) {
        const int unit = kanji_unit(c);
        if (unit == 0) {
            pending = pending * 10 + static_cast<std::int64_t>(kanji_digits.find(c));
            continue;
        }
        total += std::max<std::int64_t>(pending, 1) * unit;
        pending = 0;
    }
    for (const char digit : std::to_string(total + pending)) digits.push_back(static_cast<char32_t>(digit));
    return digits;
}

// Every run is converted, also inside place names (三田): both addresses are treated alike, and nothing is shown.
std::u32string fold_numerals(std::u32string_view text, Folds& folds) {
    constexpr std::size_t numeral_characters_max = 9;
    std::u32string out;
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = begin;
        while (end < text.size() && is_kanji_numeral(text[end])) ++end;
        if (end == begin || end - begin > numeral_characters_max) {
            end = std::max(end, begin + 1);
            out.append(text.substr(begin, end - begin));
            begin = end;
            continue;
        }
        // 字三1番 is not 31番.
        if (!out.empty() && is_digit(out.back())) out.push_back(U'-');
        out += numeral_value(text.substr(begin, end - begin));
        if (end < text.size() && is_digit(text[end])) out.push_back(U'-');
        count_fold(folds, FoldKind::address_form);
        begin = end;
    }
    return out;
}

// Reads the lot number: digits with 丁目, 番地, 番, 号, の or dashes between them.
class LotReader {
  public:
    LotReader(std::u32string_view text, Folds& folds) : text_(text), folds_(folds) {}

    // The first run of digits that starts a lot number (not that of 北1条 or 6番町), or the end of the text.
    [[nodiscard]] std::size_t find_start() const {
        for (std::size_t at = 0; at < text_.size();) {
            if (!is_digit(text_[at])) {
                ++at;
                continue;
            }
            const std::size_t end = after_digits(at);
            if (ends_a_lot(end)) return at;
            at = end;
        }
        return text_.size();
    }

    // Appends the numbers with `-` between them and returns where the building begins.
    std::size_t read(std::size_t at, std::u32string& numbers) {
        for (;;) {
            const std::size_t end = after_digits(at);
            numbers.append(text_.substr(at, end - at));
            at = end;
            const std::size_t next = after_markers(at);
            const bool continues = next > at && next < text_.size() && is_digit(text_[next]) && !ended_;
            at = next;
            if (!continues) return at;
            numbers.push_back(U'-');
        }
    }

  private:
    [[nodiscard]] std::size_t after_digits(std::size_t at) const {
        while (at < text_.size() && is_digit(text_[at])) ++at;
        return at;
    }

    [[nodiscard]] std::size_t after_spaces(std::size_t at) const {
        while (at < text_.size() && text_[at] == U' ') ++at;
        return at;
    }

    [[nodiscard]] bool starts_with(std::size_t at, std::u32string_view word) const {
        return text_.substr(std::min(at, text_.size())).starts_with(word);
    }

    [[nodiscard]] bool digit_at(std::size_t at) const { return at < text_.size() && is_digit(text_[at]); }

    [[nodiscard]] bool ends_a_lot(std::size_t at) const {
        if (at == text_.size() || text_[at] == U' ') return true;
        if (starts_with(at, U"丁目") || starts_with(at, U"番地")) return true;
        if (starts_with(at, U"番")) {
            const std::size_t next = after_spaces(at + 1);
            return next == text_.size() || next > at + 1 || is_digit(text_[next]) || is_dash(text_[next]);
        }
        if (starts_with(at, U"号")) return at + 1 == text_.size() || text_[at + 1] == U' ';
        return (is_dash(text_[at]) || starts_with(at, U"の")) && digit_at(after_spaces(at + 1));
    }

    // Skips what joins two numbers. 号 ends the lot: a number behind it is a room.
    std::size_t after_markers(std::size_t at) {
        for (;;) {
            const std::size_t here = after_spaces(at);
            std::size_t length = 0;
            if (starts_with(here, U"丁目") || starts_with(here, U"番地"))
                length = 2;
            else if (starts_with(here, U"番") || starts_with(here, U"号"))
                length = 1;
            if (length > 0) {
                count_fold(folds_, FoldKind::address_form);
                ended_ = starts_with(here, U"号");
                at = here + length;
                if (ended_) return at;
                continue;
            }
            const bool joins = here < text_.size() && (is_dash(text_[here]) || text_[here] == U'の');
            if (!joins || !digit_at(after_spaces(here + 1))) return behind_gap(at, here);
            at = here + 1;
        }
    }

    // A space alone between two numbers parts lot and room; behind a marker it means nothing.
    std::size_t behind_gap(std::size_t at, std::size_t here) {
        const bool after_marker = at > 0 && !is_digit(text_[at - 1]);
        if (here > at && !after_marker) ended_ = true;
        return here;
    }

    std::u32string_view text_;
    Folds& folds_;
    bool ended_ = false;
};

std::u32string without_spaces(std::u32string_view text) {
    std::u32string out;
    std::ranges::copy_if(text, std::back_inserter(out), [](char32_t c) { return c != U' '; });
    return out;
}

// 101号室, 101号 and 101 name the same room, 3階 and 3F the same floor.
std::u32string fold_building(std::u32string_view text, Folds& folds) {
    std::u32string building = without_spaces(text);
    building.erase(0, building.find_first_not_of(U"-ー"));
    for (const std::u32string_view suffix : {U"号室", U"号"}) {
        const bool has_suffix = building.ends_with(suffix) && building.size() > suffix.size();
        if (!has_suffix || !is_digit(building[building.size() - suffix.size() - 1])) continue;
        building.resize(building.size() - suffix.size());
        count_fold(folds, FoldKind::address_form);
    }
    for (std::size_t i = 1; i < building.size(); ++i) {
        if (building[i] != U'階' || !is_digit(building[i - 1])) continue;
        building[i] = U'f';
        count_fold(folds, FoldKind::address_form);
    }
    return building;
}

Result<Parts> split_address(std::string_view text, Folds& folds) {
    auto characters = fold_characters(text, FoldStyle::address, folds);
    if (!characters) return fail(std::move(characters));
    const std::u32string folded = fold_numerals(fold_ga(std::move(*characters), folds), folds);
    LotReader reader(folded, folds);
    const std::size_t start = reader.find_start();
    Parts parts{without_spaces(std::u32string_view(folded).substr(0, start)), {}};
    if (start == folded.size()) return parts;
    const std::size_t end = reader.read(start, parts.area);
    parts.building = fold_building(std::u32string_view(folded).substr(end), folds);
    return parts;
}

FieldMatch overall_match(const AddressMatch& parts) {
    if (!agrees(parts.area)) return parts.area;
    return parts.building == FieldMatch::different ? FieldMatch::different : FieldMatch::folded;
}

}  // namespace

Result<FoldedAddress> fold_address(std::string_view text) {
    FoldedAddress folded;
    auto parts = split_address(text, folded.folds);
    if (!parts) return fail(std::move(parts));
    folded.area = encode_utf8(parts->area);
    folded.building = encode_utf8(parts->building);
    return folded;
}

Result<AddressMatch> compare_addresses(std::string_view left, std::string_view right) {
    AddressMatch result;
    auto left_parts = split_address(left, result.folds);
    if (!left_parts) return fail(std::move(left_parts));
    auto right_parts = split_address(right, result.folds);
    if (!right_parts) return fail(std::move(right_parts));
    const FoldedMatch area = match_folded(left_parts->area, right_parts->area);
    const FoldedMatch building = match_folded(left_parts->building, right_parts->building);
    result.area = area.match;
    result.building = building.match;
    result.unknown_characters = area.unknown_characters + building.unknown_characters;
    result.overall = overall_match(result);
    if (left != right || result.unknown_characters > 0) return result;
    result.folds = {};
    for (FieldMatch* part : {&result.overall, &result.area, &result.building}) {
        if (*part == FieldMatch::folded) *part = FieldMatch::exact;
    }
    return result;
}

}  // namespace onshi
