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
inline constexpr std::uint8_t tag_null = 0x05;
inline constexpr std::uint8_t tag_oid = 0x06;
inline constexpr std::uint8_t tag_sequence = 0x30;

// Whether the bytes are exactly one element in distinguished encoding as far as tags and lengths go: definite lengths
// in their shortest form, low tag numbers, no trailing bytes at any level, at most der_depth_max levels. OpenSSL's d2i
// functions accept more than that, so that one certificate would have several encodings.
[[nodiscard]] bool is_strict(Bytes bytes);

// The size of the first element (tag, length and value) by its own length, e.g. to cut filler off a certificate that a
// card gave (jpki-card §2.1). nullopt when the head is not complete or not definite.
[[nodiscard]] std::optional<std::size_t> element_size(Bytes bytes);

// One element: tag, shortest length, the parts one after the other.
[[nodiscard]] std::string element(std::uint8_t tag, std::initializer_list<std::string_view> parts);
// A non-negative INTEGER from big-endian bytes, in its shortest form.
[[nodiscard]] std::string unsigned_integer(Bytes big_endian);

}  // namespace onshi::pki::der
