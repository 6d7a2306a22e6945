#include "platform/pki/der.h"

#include "platform/pki/limits.h"

namespace onshi::pki::der {

namespace {

struct Head {
    std::uint8_t tag;
    std::size_t head_size;
    std::size_t value_size;
};

constexpr std::uint8_t constructed = 0x20;
constexpr std::uint8_t high_tag_number = 0x1F;

std::optional<Head> read_head(Bytes bytes) {
    if (bytes.size() < 2) return std::nullopt;
    const std::uint8_t tag = bytes[0];
    if ((tag & high_tag_number) == high_tag_number) return std::nullopt;
    const std::uint8_t first = bytes[1];
    if (first < 0x80) return Head{tag, 2, first};
    const std::size_t octets = first & 0x7FU;
    if (octets == 0 || octets > 4 || bytes.size() < 2 + octets) return std::nullopt;
    std::size_t size = 0;
    for (std::size_t i = 0; i < octets; ++i) size = size << 8U | bytes[2 + i];
    const bool shortest = size >= 0x80 && (octets == 1 || size >> (8 * (octets - 1)) != 0);
    if (!shortest) return std::nullopt;
    return Head{tag, 2 + octets, size};
}

bool is_strict_sequence(Bytes rest, std::size_t depth) {
    if (depth > der_depth_max) return false;
    while (!rest.empty()) {
        const auto head = read_head(rest);
        if (!head || head->value_size > rest.size() - head->head_size) return false;
        const Bytes value = rest.subspan(head->head_size, head->value_size);
        if ((head->tag & constructed) != 0 && !is_strict_sequence(value, depth + 1)) return false;
        rest = rest.subspan(head->head_size + head->value_size);
    }
    return true;
}

}  // namespace

std::optional<std::size_t> element_size(Bytes bytes) {
    const auto head = read_head(bytes);
    if (!head) return std::nullopt;
    return head->head_size + head->value_size;
}

Bytes value_of(Bytes bytes) {
    const auto head = read_head(bytes);
    if (!head || head->value_size > bytes.size() - head->head_size) return {};
    return bytes.subspan(head->head_size, head->value_size);
}

bool is_strict(Bytes bytes) {
    return element_size(bytes) == bytes.size() && is_strict_sequence(bytes, 0);
}

std::string element(std::uint8_t tag, std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const auto part : parts) size += part.size();
    std::string out;
    out.reserve(size + 6);
    out.push_back(static_cast<char>(tag));
    if (size < 0x80) {
        out.push_back(static_cast<char>(size));
    } else {
        std::size_t octets = 1;
        while (size >> (8 * octets) != 0) ++octets;
        out.push_back(static_cast<char>(0x80U | octets));
        for (std::size_t i = octets; i-- > 0;) out.push_back(static_cast<char>(size >> (8 * i)));
    }
    for (const auto part : parts) out.append(part);
    return out;
}

std::string unsigned_integer(Bytes big_endian) {
    while (big_endian.size() > 1 && big_endian[0] == 0) big_endian = big_endian.subspan(1);
    if (big_endian.empty()) return element(tag_integer, {std::string_view("\0", 1)});
    const bool looks_negative = (big_endian[0] & 0x80U) != 0;
    return element(tag_integer, {looks_negative ? std::string_view("\0", 1) : std::string_view(), as_text(big_endian)});
}

}  // namespace onshi::pki::der
