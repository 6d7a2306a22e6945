// Bytes of one file as a tree.
#include <algorithm>
#include <array>
#include <cstring>
#include <pugixml.hpp>

#include "base/cp932.h"
#include "base/utf8.h"
#include "exchange/oqs/element.h"
#include "exchange/oqs/limits.h"

namespace onshi::oqs {

namespace {

constexpr std::string_view utf8_mark = "\xEF\xBB\xBF";
constexpr std::size_t declaration_bytes_max = 200;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The encoding that the declaration names, in lower case; empty without one.
std::string declared_encoding(std::string_view bytes) {
    if (!bytes.starts_with("<?xml")) return {};
    const auto declaration = bytes.substr(0, std::min(bytes.find("?>"), declaration_bytes_max));
    std::size_t at = declaration.find("encoding");
    if (at == std::string_view::npos) return {};
    at = declaration.find_first_of("\"'", at);
    if (at == std::string_view::npos) return {};
    const auto end = declaration.find(declaration[at], at + 1);
    if (end == std::string_view::npos) return {};
    std::string name(declaration.substr(at + 1, end - at - 1));
    std::ranges::transform(name, name.begin(), lower);
    return name;
}

bool names_cp932(std::string_view name) {
    constexpr std::array names{"shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "cp932", "ms932", "ms_kanji"};
    return std::ranges::find(names, name) != names.end();
}

struct Decoded {
    std::string text;  // UTF-8 without a mark
    Encoding encoding = Encoding::utf8;
};

Result<Decoded> decode(std::string_view bytes) {
    const auto not_utf8 = [] { return fail(ErrorCode::message_encoding, "not UTF-8"); };
    if (bytes.starts_with(utf8_mark)) {
        bytes.remove_prefix(utf8_mark.size());
        if (!is_valid_utf8(bytes)) return not_utf8();
        return Decoded{std::string(bytes), Encoding::utf8_bom};
    }
    const std::string name = declared_encoding(bytes);
    const bool utf8 = is_valid_utf8(bytes);
    if (name == "utf-8" || name == "utf8" || (name.empty() && utf8)) {
        if (!utf8) return not_utf8();
        return Decoded{std::string(bytes), Encoding::utf8};
    }
    if (!name.empty() && !names_cp932(name)) return fail(ErrorCode::message_encoding, "an encoding we do not read");
    auto text = decode_cp932(bytes);
    if (!text) return fail(ErrorCode::message_encoding, "not CP932");
    return Decoded{std::move(*text), Encoding::cp932};
}

class TreeReader {
  public:
    Result<Element> read(const pugi::xml_node& node) {
        auto element = read_at(node, 1);
        return element;
    }

  private:
    Result<Element> read_at(const pugi::xml_node& node, std::size_t depth) {
        const auto malformed = [](const char* why) { return fail(ErrorCode::message_malformed, why); };
        if (depth > element_depth_max) return malformed("elements too deep");
        if (++elements_ > elements_max) return malformed("too many elements");
        Element element(node.name());
        for (const auto& child : node.children()) {
            switch (child.type()) {
                case pugi::node_element: {
                    auto read = read_at(child, depth + 1);
                    if (!read) return read;
                    element.children.push_back(std::move(*read));
                    break;
                }
                case pugi::node_pcdata: element.text.append(child.value()); break;
                case pugi::node_cdata: element.text.append(escape(child.value())); break;
                default: break;
            }
        }
        if (element.children.empty()) return element;
        if (element.text.find_first_not_of(" \t\r\n") != std::string::npos) return malformed("text between elements");
        element.text.clear();
        return element;
    }
    std::size_t elements_ = 0;
};

}  // namespace

Result<Document> read_document(std::string_view bytes) {
    if (bytes.size() > message_bytes_max) return fail(ErrorCode::message_too_large, "a file");
    auto decoded = decode(bytes);
    if (!decoded) return fail(std::move(decoded));
    const bool has_controls = std::ranges::any_of(decoded->text, [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n';
    });
    if (has_controls) return fail(ErrorCode::message_malformed, "control characters");
    pugi::xml_document parsed;
    // Without parse_escapes texts stay as they were written; without parse_doctype document types are stepped over.
    constexpr unsigned int options = pugi::parse_cdata | pugi::parse_ws_pcdata_single;
    const auto result = parsed.load_buffer(decoded->text.data(), decoded->text.size(), options, pugi::encoding_utf8);
    if (!result) return fail(ErrorCode::message_malformed, result.description());
    const auto root = parsed.document_element();
    if (!root || root.next_sibling()) return fail(ErrorCode::message_malformed, "not one root element");
    auto element = TreeReader().read(root);
    if (!element) return fail(std::move(element));
    return Document{std::move(*element), decoded->encoding};
}

}  // namespace onshi::oqs
