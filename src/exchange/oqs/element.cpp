#include "exchange/oqs/element.h"

#include <algorithm>

#include "base/cp932.h"
#include "base/utf8.h"

namespace onshi::oqs {

namespace {

// What XML 1.0 lets stand in a document.
bool is_xml_character(char32_t c) {
    if (c < 0x20) return c == 0x09 || c == 0x0A || c == 0x0D;
    return c <= 0xD7FF || (c >= 0xE000 && c <= 0xFFFD) || (c >= 0x10000 && c <= 0x10FFFF);
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

std::optional<char32_t> character_of_number(std::string_view digits, int base) {
    if (digits.empty() || digits.size() > 8) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : digits) {
        const int digit = digit_of(c);
        if (digit >= base || value > 0x10FFFF) return std::nullopt;
        value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
    }
    const auto character = static_cast<char32_t>(value);
    return value <= 0x10FFFF && is_xml_character(character) ? std::optional(character) : std::nullopt;
}

std::optional<std::string> named_character(std::string_view name) {
    if (name == "amp") return "&";
    if (name == "lt") return "<";
    if (name == "gt") return ">";
    if (name == "quot") return "\"";
    if (name == "apos") return "'";
    if (!name.starts_with('#')) return std::nullopt;
    name.remove_prefix(1);
    const bool hexadecimal = name.starts_with('x');
    if (hexadecimal) name.remove_prefix(1);
    const auto character = character_of_number(name, hexadecimal ? 16 : 10);
    if (!character) return std::nullopt;
    return encode_utf8(std::u32string_view(&*character, 1));
}

}  // namespace

Element::Element(std::string_view element_name, std::string_view value) : name(element_name), text(escape(value)) {}

const Element* Element::find(std::string_view child) const {
    const auto found = std::ranges::find(children, child, &Element::name);
    return found == children.end() ? nullptr : &*found;
}

std::string Element::value(std::string_view child) const {
    const Element* found = find(child);
    if (found == nullptr) return {};
    return unescape(found->text).value_or("");
}

void Element::add(std::string_view child, std::string_view value) {
    if (!value.empty()) children.emplace_back(child, value);
}

Element& Element::add(Element child) {
    children.push_back(std::move(child));
    return children.back();
}

std::string escape(std::string_view plain) {
    std::string text;
    text.reserve(plain.size());
    for (const char c : plain) {
        switch (c) {
            case '&': text.append("&amp;"); break;
            case '<': text.append("&lt;"); break;
            case '>': text.append("&gt;"); break;
            case '\r': text.append("&#13;"); break;
            default: text.push_back(c);
        }
    }
    return text;
}

std::optional<std::string> unescape(std::string_view text) {
    std::string plain;
    plain.reserve(text.size());
    while (!text.empty()) {
        const std::size_t next = text.find('&');
        plain.append(text.substr(0, next));
        if (next == std::string_view::npos) break;
        text.remove_prefix(next + 1);
        const std::size_t end = text.find(';');
        if (end == std::string_view::npos) return std::nullopt;
        const auto character = named_character(text.substr(0, end));
        if (!character) return std::nullopt;
        plain.append(*character);
        text.remove_prefix(end + 1);
    }
    return plain;
}

}  // namespace onshi::oqs
