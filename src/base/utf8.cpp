#include "base/utf8.h"

#include <array>
#include <cstdint>

#include <unicode/utf8.h>

#include "base/ensure.h"

namespace onshi {

namespace {

bool continues(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

}  // namespace

std::optional<char32_t> next_character(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) {
        ++at;
        return lead;
    }
    // Nearly all of Japanese is three bytes. Behind E0 they may be too long a form, behind ED a surrogate.
    const bool three = lead >= 0xE1 && lead <= 0xEF && lead != 0xED;
    if (three && text.size() - at >= 3 && continues(text[at + 1]) && continues(text[at + 2])) {
        const auto second = static_cast<unsigned char>(text[at + 1]);
        const auto third = static_cast<unsigned char>(text[at + 2]);
        at += 3;
        return static_cast<char32_t>((lead & 0x0FU) << 12U | (second & 0x3FU) << 6U | (third & 0x3FU));
    }
    // ICU counts in int32 and looks at most four bytes ahead.
    const std::string_view window = text.substr(at, 4);
    std::int32_t offset = 0;
    const auto length = static_cast<std::int32_t>(window.size());
    UChar32 character = 0;
// GCC warns about the narrowing inside ICU's macro, clang knows that it is a system's.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
    U8_NEXT(window.data(), offset, length, character);
#pragma GCC diagnostic pop
    at += static_cast<std::size_t>(offset);
    if (character < 0) return std::nullopt;
    return static_cast<char32_t>(character);
}

bool is_valid_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        if (!next_character(text, at)) return false;
    }
    return true;
}

std::optional<std::u32string> decode_utf8(std::string_view text) {
    std::u32string characters;
    characters.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto character = next_character(text, at);
        if (!character) return std::nullopt;
        characters.push_back(*character);
    }
    return characters;
}

void append_utf8(std::string& out, char32_t character) {
    ENSURE(character <= 0x10FFFF && (character < 0xD800 || character > 0xDFFF));
    std::array<char, 4> bytes{};
    std::size_t size = 0;
    U8_APPEND_UNSAFE(bytes.data(), size, static_cast<UChar32>(character));
    out.append(bytes.data(), size);
}

std::string encode_utf8(std::u32string_view characters) {
    std::string text;
    text.reserve(characters.size() * 3);
    for (const char32_t character : characters) append_utf8(text, character);
    return text;
}

}  // namespace onshi
