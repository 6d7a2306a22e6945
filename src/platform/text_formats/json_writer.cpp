#include "platform/text_formats/json_writer.h"

#include <array>
#include <charconv>

namespace onshi {

void JsonWriter::integer(std::int64_t value) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    literal({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void JsonWriter::quote(std::string_view value) {
    constexpr std::string_view hex = "0123456789abcdef";
    out_.push_back('"');
    std::size_t plain = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        const auto c = static_cast<unsigned char>(value[i]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out_.append(value.substr(plain, i - plain));
        plain = i + 1;
        out_.push_back('\\');
        switch (c) {
            case '"':
            case '\\': out_.push_back(static_cast<char>(c)); break;
            case '\n': out_.push_back('n'); break;
            case '\r': out_.push_back('r'); break;
            case '\t': out_.push_back('t'); break;
            default:
                out_.append("u00");
                out_.push_back(hex[c >> 4U]);
                out_.push_back(hex[c & 15U]);
        }
    }
    out_.append(value.substr(plain));
    out_.push_back('"');
}

}  // namespace onshi
