#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace onshi::insurer_files {

// Where the bytes of a members' file come from. One owner; not thread-safe.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    // At most `room.size()` bytes; 0 at the end. file.unreadable, secret.not_authentic.
    [[nodiscard]] virtual Result<std::size_t> read(std::span<char> room) = 0;
};

// Opens the same bytes from an offset on; a file is read twice, and again after a run that was killed.
using SourceOpener = std::function<Result<std::unique_ptr<ByteSource>>(std::uint64_t offset)>;

// A plain file. file.unreadable.
[[nodiscard]] SourceOpener file_source(std::string path);

}  // namespace onshi::insurer_files
