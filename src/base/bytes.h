#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace onshi {

using Bytes = std::span<const std::uint8_t>;

[[nodiscard]] inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] std::string to_hex(Bytes bytes);
// Upper or lower case; nullopt for an odd length or another character.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view hex);
// RFC 4648 §5, without padding.
[[nodiscard]] std::string to_base64url(Bytes bytes);
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

// Appends fixed-width big-endian integers, varints and length-prefixed strings to a string. The format of the packed
// sections and audit payloads: compact, ordered, the same on every machine.
class ByteWriter {
  public:
    explicit ByteWriter(std::string& out) : out_(out) {}
    void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
    void u32(std::uint32_t v) { fixed<4>(v); }
    void u64(std::uint64_t v) { fixed<8>(v); }
    void i64(std::int64_t v) { u64(static_cast<std::uint64_t>(v)); }
    void varint(std::uint64_t v);
    void text(std::string_view v) {
        varint(v.size());
        out_.append(v);
    }
    void raw(Bytes v) { out_.append(as_text(v)); }

  private:
    template <std::size_t N>
    void fixed(std::uint64_t v) {
        for (std::size_t i = 0; i < N; ++i) out_.push_back(static_cast<char>(v >> (8 * (N - 1 - i))));
    }
    std::string& out_;
};

// Reads what ByteWriter wrote. After any read past the end `ok()` is false and every further value is empty or zero, so
// a caller checks once at the end. The views point into the bytes it was given.
class ByteReader {
  public:
    explicit ByteReader(Bytes bytes) : rest_(bytes) {}
    [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(fixed(1)); }
    [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(fixed(4)); }
    [[nodiscard]] std::uint64_t u64() { return fixed(8); }
    [[nodiscard]] std::int64_t i64() { return static_cast<std::int64_t>(fixed(8)); }
    [[nodiscard]] std::uint64_t varint();
    [[nodiscard]] std::string_view text() { return as_text(raw(static_cast<std::size_t>(varint()))); }
    [[nodiscard]] Bytes raw(std::size_t size);
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

  private:
    [[nodiscard]] std::uint64_t fixed(std::size_t size);
    Bytes rest_;
    bool ok_ = true;
};

}  // namespace onshi
