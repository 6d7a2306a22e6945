#pragma once

// Inside this folder only. The few OpenSSL calls of which the deprecated form is the right one, behind plain functions.
#include "base/bytes.h"
#include "base/sha256.h"
#include "platform/pki/keys.h"

namespace onshi::pki::low_level {

// Whether the PKCS#1 v1.5 signature over a 32-byte SHA-256 digest holds. Takes big-endian modulus and exponent as
// stored.
[[nodiscard]] bool verify_rsa_pkcs1_sha256(Bytes modulus, Bytes exponent, Bytes digest, Bytes signature);

void sha256_begin(Sha256State& state);
void sha256_add(Sha256State& state, Bytes bytes);
void sha256_end(Sha256State& state, Sha256& out);

}  // namespace onshi::pki::low_level
