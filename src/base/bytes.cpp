#include "base/bytes.h"

namespace onshi {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64url_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> base64url_values = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < base64url_digits.size(); ++i) {
        values[static_cast<std::uint8_t>(base64url_digits[i])] = static_cast<std::int8_t>(i);
    }
    return values;
}();

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::string to_hex(Bytes bytes) {
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (const std::uint8_t b : bytes) {
        hex.push_back(hex_digits[b >> 4U]);
        hex.push_back(hex_digits[b & 15U]);
    }
    return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
    if (hex.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(hex.size() / 2);
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = hex_value(hex[i]);
        const int low = hex_value(hex[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.push_back(static_cast<char>(high * 16 + low));
    }
    return bytes;
}

std::string to_base64url(Bytes bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const std::uint8_t b : bytes) {
        bits = (bits << 8U) | b;
        count += 8;
        while (count >= 6) {
            count -= 6;
            text.push_back(base64url_digits[(bits >> count) & 63U]);
        }
    }
    if (count > 0) text.push_back(base64url_digits[(bits << (6 - count)) & 63U]);
    return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const std::int8_t value = base64url_values[static_cast<std::uint8_t>(c)];
        if (value < 0) return std::nullopt;
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes.push_back(static_cast<char>((bits >> count) & 255U));
        }
    }
    // One value has one form: left-over bits must be zero.
    if ((bits & ((1U << count) - 1U)) != 0) return std::nullopt;
    return bytes;
}

void ByteWriter::varint(std::uint64_t v) {
    while (v >= 128) {
        u8(static_cast<std::uint8_t>(v | 128U));
        v >>= 7U;
    }
    u8(static_cast<std::uint8_t>(v));
}

std::uint64_t ByteReader::varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const std::uint8_t byte = u8();
        if (shift == 63 && byte > 1) break;
        value |= static_cast<std::uint64_t>(byte & 127U) << shift;
        if (byte < 128) return ok_ ? value : 0;
    }
    ok_ = false;
    return 0;
}

Bytes ByteReader::raw(std::size_t size) {
    if (!ok_ || size > rest_.size()) {
        ok_ = false;
        return {};
    }
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
}

std::uint64_t ByteReader::fixed(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::uint8_t b : raw(size)) value = (value << 8U) | b;
    return value;
}

}  // namespace onshi
