#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "platform/pki/private_key.h"

namespace onshi::sface {

// The P-256 key that decisions are signed with, and its public half as `<file>.pub` beside it. Made (mode 0600) when
// the file is missing; `secret.permissions` when others can read it, `key.malformed` for another kind of key.
[[nodiscard]] Result<pki::EcPrivateKey> load_or_make_key(const std::filesystem::path& file);

// SubjectPublicKeyInfo as PEM.
[[nodiscard]] std::string public_pem(const pki::EcPrivateKey& key);

}  // namespace onshi::sface
