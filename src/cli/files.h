#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace onshi::cli {

inline constexpr std::size_t text_file_bytes_max = 1024 * 1024;

// The whole file. file.unreadable, with the path in the detail.
[[nodiscard]] Result<std::string> read_text_file(const std::filesystem::path& path);
// Replaces the file as a whole: a reader sees the old one or the new one. Durable. file.unwritable.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& path, std::string_view text);
// The same for a file that must not be there yet: file.exists.
[[nodiscard]] Result<void> write_new_file(const std::filesystem::path& path, std::string_view text);
// Makes a folder with its parents, 0700 where it is new. file.unwritable.
[[nodiscard]] Result<void> make_private_folder(const std::filesystem::path& path);

}  // namespace onshi::cli
