#include "platform/text_formats/json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace onshi {

void JsonWriter::integer(std::int64_t value) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    literal({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

namespace {

constexpr bool is_plain(char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
}

}  // namespace

void JsonWriter::quote(std::string_view value) {
    const auto special = std::ranges::find_if_not(value, is_plain);
    if (special == value.end()) return quote_plain(value);
    const auto plain = static_cast<std::size_t>(special - value.begin());
    out_.push_back('"');
    out_.append(value.substr(0, plain));
    for (const char c : value.substr(plain)) escape(c);
    out_.push_back('"');
}

void JsonWriter::quote_plain(std::string_view value) {
    const std::size_t at = out_.size();
    out_.resize(at + value.size() + 2);
    out_[at] = '"';
    value.copy(&out_[at + 1], value.size());
    out_.back() = '"';
}

void JsonWriter::escape(char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    if (is_plain(c)) {
        out_.push_back(c);
        return;
    }
    out_.push_back('\\');
    switch (c) {
        case '"':
        case '\\': out_.push_back(c); break;
        case '\n': out_.push_back('n'); break;
        case '\r': out_.push_back('r'); break;
        case '\t': out_.push_back('t'); break;
        default:
            out_.append("u00");
            out_.push_back(hex[static_cast<unsigned char>(c) >> 4U]);
            out_.push_back(hex[static_cast<unsigned char>(c) & 15U]);
    }
}

}  // namespace onshi
