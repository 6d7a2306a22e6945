#pragma once

// Inside this folder only: certificate files, which are no secrets.
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace onshi::pki {

// `secret.missing` when the file cannot be opened, `secret.malformed` above certificate files' size.
[[nodiscard]] Result<std::string> read_public_file(const std::filesystem::path& file);
// Replaces the file.
[[nodiscard]] Result<void> write_public_file(const std::filesystem::path& file, std::string_view text);

}  // namespace onshi::pki
