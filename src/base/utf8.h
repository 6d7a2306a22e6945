#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace onshi {

// Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF, no cut characters. Pure; thread-safe.
[[nodiscard]] bool is_valid_utf8(std::string_view text);
// nullopt when the text is not strict UTF-8.
[[nodiscard]] std::optional<std::u32string> decode_utf8(std::string_view text);
// Appends one character; the caller passes a Unicode scalar value.
void append_utf8(std::string& out, char32_t character);
[[nodiscard]] std::string encode_utf8(std::u32string_view characters);
// The character that starts at `at` (which is inside the text) and moves `at` behind it. Bytes that are not UTF-8 give
// nullopt and are stepped over, so that a loop always ends.
[[nodiscard]] std::optional<char32_t> next_character(std::string_view text, std::size_t& at);

}  // namespace onshi
