#include "cli/display_width.h"

#include <unicode/uchar.h>

#include "base/utf8.h"

namespace onshi::cli {

namespace {

std::size_t width_of(char32_t character) {
    const auto c = static_cast<UChar32>(character);
    switch (u_charType(c)) {
        case U_NON_SPACING_MARK:
        case U_ENCLOSING_MARK:
        case U_FORMAT_CHAR:
        case U_CONTROL_CHAR: return 0;
        default: break;
    }
    const auto width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
    return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

}  // namespace

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        const auto character = next_character(text, at);
        width += character ? width_of(*character) : 1;
    }
    return width;
}

std::string padded(std::string_view text, std::size_t width) {
    const std::size_t own = display_width(text);
    std::string result(text);
    if (own < width) result.append(width - own, ' ');
    return result;
}

std::string beside(std::string_view left, std::string_view right, std::size_t column) {
    if (right.empty()) return std::string(left);
    const std::size_t own = display_width(left);
    return padded(left, own + gap_min > column ? own + gap_min : column).append(right);
}

std::string cut_to_width(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::size_t used = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t next = at;
        const auto character = next_character(text, next);
        const std::size_t own = character ? width_of(*character) : 1;
        if (used + own > width - 1) break;
        used += own;
        at = next;
    }
    return std::string(text.substr(0, at)) + "…";
}

}  // namespace onshi::cli
