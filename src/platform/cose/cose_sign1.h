#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "platform/pki/private_key.h"

namespace onshi::cose {

inline constexpr std::size_t token_bytes_max = 2UL << 20U;  // a list of revocations
inline constexpr std::size_t key_id_bytes = 8;
inline constexpr std::size_t point_bytes = 64;  // X ‖ Y on P-256

// What names a key in tokens: the first eight bytes of the SHA-256 of its point.
[[nodiscard]] std::string key_id_of(Bytes public_point);

// COSE_Sign1 (RFC 9052 §4.2), tagged, ES256, algorithm and key id in the protected header.
[[nodiscard]] std::string sign1(const pki::EcPrivateKey& key, std::string_view payload);

// A token that was taken apart and not yet believed. Views point into the token.
struct Sign1 {
    std::string_view protected_header;
    std::string_view key_id;
    std::string_view payload;
    Bytes signature;
};
// file.malformed: no such token, another algorithm, too large, or something behind it.
[[nodiscard]] Result<Sign1> open_sign1(Bytes token);
// signature.invalid.
[[nodiscard]] Result<void> verify_sign1(const Sign1& token, Bytes public_point);

}  // namespace onshi::cose
