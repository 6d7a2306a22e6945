#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "platform/pki/limits.h"

// Files that hold keys (design §9.15). All functions block on the disk for a moment: use at start and in commands.
namespace onshi::pki {

// The whole file. `secret.missing`: cannot be opened. `secret.permissions`: not a regular file, readable or writable
// for group or world, or owned by someone else than us or root. `secret.malformed`: empty, or more than `bytes_max`.
[[nodiscard]] Result<SecretBytes> read_secret_file(const std::filesystem::path& file,
                                                   std::size_t bytes_max = secret_file_bytes_max);

// Writes a new file of mode 0600 and makes it durable; `secret.exists` when there is one (never overwritten),
// `secret.missing` when its folder cannot be written. It appears whole or not at all.
[[nodiscard]] Result<void> write_secret_file(const std::filesystem::path& file, Bytes bytes);

// A new file of `size` random bytes (1…secret_file_bytes_max), which are also returned.
[[nodiscard]] Result<SecretBytes> create_random_secret(const std::filesystem::path& file, std::size_t size,
                                                       Random& random);

// What a setting refers to: `file:/absolute/path`, or `cred:name` in the folder that systemd names in
// $CREDENTIALS_DIRECTORY. `secret.malformed` for another form, a relative path, or a name with `/`.
[[nodiscard]] Result<SecretBytes> load_secret(std::string_view reference);

}  // namespace onshi::pki
