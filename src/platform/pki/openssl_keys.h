#pragma once

// Inside this folder only: between our key types and OpenSSL's.
#include <vector>

#include "platform/pki/openssl_handles.h"

namespace onshi::pki {

// A public EC key from its group's name and X ‖ Y; nullptr when the point is not on the curve.
[[nodiscard]] PkeyHandle ec_pkey(const char* group, Bytes point);
// A number of a key that has one of this name, big-endian.
[[nodiscard]] std::vector<std::uint8_t> bignum_of(const EVP_PKEY* key, const char* name);
// NID_X9_62_prime256v1, NID_secp384r1 …; NID_undef when the key is no EC key on a named curve.
[[nodiscard]] int named_curve(const EVP_PKEY* key);
// X ‖ Y at full width.
[[nodiscard]] std::vector<std::uint8_t> ec_point_of(const EVP_PKEY* key);

}  // namespace onshi::pki
