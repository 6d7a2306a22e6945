#pragma once

#include <filesystem>

#include "base/result.h"

namespace onshi::bench {

// The share (0…1) of a file that lies in the kernel's page cache; 0 for an empty file. bench.machine: no such file.
[[nodiscard]] Result<double> cached_share(const std::filesystem::path& file);

// Writes back what is dirty of a file and lets the kernel forget the rest (posix_fadvise). Pages that a program has
// mapped stay: end it before. Gives the share that is cached afterwards. bench.machine.
[[nodiscard]] Result<double> drop_from_cache(const std::filesystem::path& file);

// Reads the file from its beginning to its end, so that as much of it as fits is cached.
void read_through(const std::filesystem::path& file);

}  // namespace onshi::bench
