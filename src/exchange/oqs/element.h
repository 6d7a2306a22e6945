#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace onshi::oqs {

// One element without attributes. `text` is what stands between its tags, escapes and all, in UTF-8: identifiers are
// echoed as their sender wrote them, because clients search results for the literal text of their request (oqs §1.3).
struct Element {
    std::string name;
    std::string text;
    std::vector<Element> children;

    Element() = default;
    explicit Element(std::string_view element_name) : name(element_name) {}
    // A leaf with plain text.
    Element(std::string_view element_name, std::string_view value);

    [[nodiscard]] const Element* find(std::string_view child) const;
    // The plain text of a child; empty when it is absent, empty or malformed.
    [[nodiscard]] std::string value(std::string_view child) const;
    // Adds a leaf unless the value is empty: elements without a value are omitted (oqs §1.4).
    void add(std::string_view child, std::string_view value);
    Element& add(Element child);
    bool operator==(const Element&) const = default;
};

// Plain text as it may stand between tags, and back. nullopt for a reference to no character or an unknown entity.
[[nodiscard]] std::string escape(std::string_view plain);
[[nodiscard]] std::optional<std::string> unescape(std::string_view text);

// How a file is written. utf8_bom is for readers that take everything without a mark for Shift_JIS.
enum class Encoding : std::uint8_t { utf8, utf8_bom, cp932 };

// Order of elements on output; on input any order is accepted. `hash_map` is that of the real files (oqs §1.5).
enum class ElementOrder : std::uint8_t { documented, hash_map };

struct Document {
    Element root;
    Encoding encoding = Encoding::utf8;
};

// Reads one file: by its mark, else by its declaration, else as UTF-8 when it is that, else as CP932. Document types
// and attributes are passed over, entities of their own are refused. Errors: message.too_large, message.encoding,
// message.malformed.
[[nodiscard]] Result<Document> read_document(std::string_view bytes);

// Elements without anything in them are left out. What CP932 cannot write becomes its declared substitute, and where
// none is declared a character reference, so that nothing is lost; never `●`. message.too_large.
struct WrittenDocument {
    std::string bytes;
    std::size_t substitutions = 0;  // characters that were replaced by their substitute
};
[[nodiscard]] Result<WrittenDocument> write_document(const Element& root, Encoding encoding, ElementOrder order);

}  // namespace onshi::oqs
