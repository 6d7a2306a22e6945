// A tree as the bytes of one file.
#include <algorithm>

#include <fmt/format.h>

#include "base/cp932.h"
#include "base/utf8.h"
#include "exchange/oqs/element.h"
#include "exchange/oqs/limits.h"

namespace onshi::oqs {

namespace {

// java.util.HashMap, whose iteration order the real files have (oqs §1.5).
std::uint32_t java_hash(std::string_view name) {
    std::uint32_t hash = 0;
    for (const char c : name) hash = hash * 31 + static_cast<unsigned char>(c);
    return hash ^ (hash >> 16U);
}

// The real person record was filled with more than 24 keys, of which the empty ones were dropped on output.
constexpr std::string_view person_record = "ResultOfQualificationConfirmation";
constexpr std::uint32_t person_buckets = 64;

std::uint32_t bucket_count(const Element& element, std::size_t keys) {
    if (element.name == person_record) return person_buckets;
    std::uint32_t buckets = 16;
    while (keys * 4 > std::size_t{buckets} * 3) buckets *= 2;
    return buckets;
}

bool is_empty(const Element& element) {
    return element.text.empty() && std::ranges::all_of(element.children, is_empty);
}

// Children in the wanted order; of the same name they stay together, being one list in the original.
std::vector<const Element*> ordered(const Element& element, ElementOrder order) {
    std::vector<const Element*> children;  // they lie behind each other, so their addresses keep the first order
    std::vector<std::string_view> keys;
    for (const auto& child : element.children) {
        if (is_empty(child)) continue;
        children.push_back(&child);
        if (keys.empty() || keys.back() != child.name) keys.push_back(child.name);
    }
    if (order == ElementOrder::documented) return children;
    const std::uint32_t buckets = bucket_count(element, keys.size());
    std::ranges::sort(children, {}, [buckets](const Element* child) {
        return std::pair(java_hash(child->name) & (buckets - 1), child);
    });
    return children;
}

class TextWriter {
  public:
    TextWriter(std::string& out, ElementOrder order) : out_(out), order_(order) {}
    void write(const Element& element, std::size_t depth) {
        out_.append(2 * depth, ' ').append("<").append(element.name).append(">");
        if (element.children.empty()) {
            out_.append(element.text);
        } else {
            out_.append("\n");
            for (const Element* child : ordered(element, order_)) write(*child, depth + 1);
            out_.append(2 * depth, ' ');
        }
        out_.append("</").append(element.name).append(">\n");
    }

  private:
    std::string& out_;
    ElementOrder order_;
};

// Characters that CP932 has no code and no substitute for, as references.
std::string with_references(const std::string& text) {
    std::string safe;
    safe.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t from = at;
        const auto character = next_character(text, at);
        if (!character) continue;
        const auto piece = std::string_view(text).substr(from, at - from);
        if (*character < 0x80 || encode_cp932(piece)) {
            safe.append(piece);
        } else {
            fmt::format_to(std::back_inserter(safe), "&#{};", static_cast<std::uint32_t>(*character));
        }
    }
    return safe;
}

}  // namespace

Result<WrittenDocument> write_document(const Element& root, Encoding encoding, ElementOrder order) {
    std::string text = fmt::format("<?xml version=\"1.0\" encoding=\"{}\" standalone=\"no\"?>\n",
                                   encoding == Encoding::cp932 ? "Shift_JIS" : "UTF-8");
    TextWriter(text, order).write(root, 0);
    if (text.size() > message_bytes_max) return fail(ErrorCode::message_too_large, "a result");
    if (encoding == Encoding::utf8) return WrittenDocument{std::move(text), 0};
    if (encoding == Encoding::utf8_bom) return WrittenDocument{"\xEF\xBB\xBF" + text, 0};
    auto encoded = encode_cp932(text);
    if (!encoded) encoded = encode_cp932(with_references(text));
    if (!encoded) return fail(ErrorCode::message_encoding, "a result in CP932");
    return WrittenDocument{std::move(encoded->bytes), encoded->substitution_count};
}

}  // namespace onshi::oqs
