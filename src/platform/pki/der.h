#pragma once

// Inside this folder only: what OpenSSL lacks around DER.
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace onshi::pki::der {

inline constexpr std::uint8_t tag_integer = 0x02;
inline constexpr std::uint8_t tag_bit_string = 0x03;
inline constexpr std::uint8_t tag_octet_string = 0x04;
inline constexpr std::uint8_t tag_utf8 = 0x0C;
inline constexpr std::uint8_t tag_printable = 0x13;
inline constexpr std::uint8_t tag_sequence = 0x30;
inline constexpr std::uint8_t tag_set = 0x31;
// A constructed tag of the context, `[number]`.
[[nodiscard]] constexpr std::uint8_t context(std::uint8_t number) {
    return static_cast<std::uint8_t>(0xA0U | number);
}

// Whether the bytes are exactly one element in distinguished encoding as far as tags and lengths go: definite lengths
// in their shortest form, low tag numbers, no trailing bytes at any level, at most der_depth_max levels. OpenSSL's d2i
// functions accept more than that, so that one certificate would have several encodings.
[[nodiscard]] bool is_strict(Bytes bytes);

// The size of the first element (tag, length and value) by its own length, e.g. to cut filler off a certificate that a
// card gave (jpki-card §2.1). nullopt when the head is not complete or not definite.
[[nodiscard]] std::optional<std::size_t> element_size(Bytes bytes);

// What stands inside the first element; empty when its head is not complete, or more is claimed than there is.
[[nodiscard]] Bytes value_of(Bytes bytes);

// One element: tag, shortest length, the parts one after the other.
[[nodiscard]] std::string element(std::uint8_t tag, std::initializer_list<std::string_view> parts);
// A non-negative INTEGER from big-endian bytes, in its shortest form.
[[nodiscard]] std::string unsigned_integer(Bytes big_endian);

}  // namespace onshi::pki::der
