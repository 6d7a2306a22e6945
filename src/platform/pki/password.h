#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/secret_bytes.h"

// Passwords that people choose, as they are kept: scrypt (RFC 7914; N = 2^15, r = 8, p = 1: about 60 ms and 32 MB) with
// a salt of 16 bytes.
namespace onshi::pki {

// `scrypt$<salt>$<hash>`, both base64url.
[[nodiscard]] std::string hash_password(const SecretBytes& password, Random& random);
// In constant time; false for a hash of another form, which takes as long.
[[nodiscard]] bool is_password(const SecretBytes& password, std::string_view hash);

}  // namespace onshi::pki
