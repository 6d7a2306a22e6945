// Any bytes as names, addresses, readings, CP932 and UTF-8.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/cp932.h"
#include "base/ensure.h"
#include "base/japanese_text.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace {

using namespace onshi;

void check_fold(std::string_view text) {
    const auto folded = fold_for_comparison(text);
    ENSURE(folded.has_value() == (is_valid_utf8(text) && text.size() <= comparison_bytes_max));
    if (!folded) return;
    // NFKC makes at most 18 characters of one.
    ENSURE(folded->text.size() <= text.size() * 18 * 4);
    if (folded->text.size() > comparison_bytes_max) return;
    const auto again = fold_for_comparison(folded->text).value();
    ENSURE(again.text == folded->text);
    ENSURE(again.folds.empty());
    const auto match = compare_names(text, folded->text).value().match;
    ENSURE(agrees(match) || match == FieldMatch::missing);
}

// The text cut in two gives a pair that is not always different.
void check_comparisons(std::string_view text) {
    const std::size_t middle = text.size() / 2;
    const std::string_view left = text.substr(0, middle);
    const std::string_view right = text.substr(middle);
    const auto names = compare_names(left, right);
    const auto turned = compare_names(right, left);
    ENSURE(names.has_value() == turned.has_value());
    if (names) ENSURE(names->match == turned->match && names->unknown_characters == turned->unknown_characters);
    const auto addresses = compare_addresses(left, right);
    const auto turned_addresses = compare_addresses(right, left);
    if (addresses) ENSURE(addresses->overall == turned_addresses.value().overall);
    const auto itself = compare_addresses(text, text);
    if (itself) ENSURE(agrees(itself->overall) || itself->overall == FieldMatch::missing);
}

void check_kana(std::string_view text) {
    const auto full = to_full_width_katakana(text);
    if (full && full->size() <= comparison_bytes_max) {
        ENSURE(to_full_width_katakana(*full).value() == *full);
        ENSURE(is_valid_utf8(to_half_width_katakana(*full, KanaSize::large).value()));
    }
    const auto name = normalise_kana_name(text);
    if (!name) return;
    ENSURE(normalise_kana_name(*name).value() == *name);
    const std::string half = to_half_width_katakana(*name, KanaSize::as_written).value();
    ENSURE(encode_cp932(half).value().substitution_count == 0);
}

void check_cp932(std::string_view text) {
    if (const auto encoded = encode_cp932(text)) {
        const auto decoded = decode_cp932(encoded->bytes);
        ENSURE(decoded.has_value());
        const auto again = encode_cp932(*decoded);
        ENSURE(again && again->bytes == encoded->bytes && again->substitution_count == 0);
        ENSURE(encoded->substitutions.size() <= cp932_substitutions_listed_max);
        ENSURE(encoded->substitutions.size() <= encoded->substitution_count);
    }
    if (const auto decoded = decode_cp932(text)) {
        ENSURE(is_valid_utf8(*decoded));
        const auto encoded = encode_cp932(*decoded);
        if (encoded) ENSURE(decode_cp932(encoded->bytes).value() == *decoded);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_fold(text);
    check_comparisons(text);
    check_kana(text);
    check_cp932(text);
    return 0;
}
