#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace onshi::pki {

// X ‖ Y (64 bytes) of a P-256 public key in PEM (SubjectPublicKeyInfo): what verify_es256 takes. `key.malformed` for
// another kind of key or no PEM.
[[nodiscard]] Result<std::string> read_p256_public_pem(std::string_view pem);

}  // namespace onshi::pki
