#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "exchange/insurer_files/byte_source.h"
#include "exchange/insurer_files/limits.h"

namespace onshi::insurer_files {

enum class LineKind : std::uint8_t { line, too_long, end };

struct Line {
    LineKind kind = LineKind::end;
    std::string_view text;     // without CR and LF; empty when too long
    std::uint64_t end = 0;     // offset in the file behind it
    std::uint64_t number = 0;  // from 1
};

// Physical lines of a file of any size in one buffer: LF or CR LF, the last one with or without. A line above
// line_bytes_max is reported once and skipped, however long it is. Views live until the next call. Owns the source; not
// thread-safe.
class LineReader {
  public:
    // Begins at an offset that ends a line; `lines` were before it. Errors of the opener.
    [[nodiscard]] static Result<LineReader> open(const SourceOpener& source, std::uint64_t offset = 0,
                                                 std::uint64_t lines = 0);
    // Errors of the source.
    [[nodiscard]] Result<Line> next();

  private:
    LineReader(std::unique_ptr<ByteSource> source, std::uint64_t offset, std::uint64_t lines)
        : source_(std::move(source)), buffer_(read_buffer_bytes), offset_(offset), lines_(lines) {}
    [[nodiscard]] Result<bool> refill();
    [[nodiscard]] Line made(LineKind kind, std::string_view text, std::size_t consumed);

    std::unique_ptr<ByteSource> source_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;  // of what is not given out yet
    std::size_t end_ = 0;
    std::uint64_t offset_;  // of `begin_` in the file
    std::uint64_t lines_;
    bool at_end_ = false;
};

}  // namespace onshi::insurer_files
