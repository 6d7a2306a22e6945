#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace onshi::http {

// Replaces `%XX`; nullopt for an incomplete or non-hexadecimal escape and for an escaped control character.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);
[[nodiscard]] std::string percent_encode(std::string_view text);
// The decoded value of `name` in `a=1&b=2` (`+` is a space); the first of several; nullopt when absent or malformed.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace onshi::http
