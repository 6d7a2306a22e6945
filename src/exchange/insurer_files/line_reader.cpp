#include "exchange/insurer_files/line_reader.h"

#include <cstring>

namespace onshi::insurer_files {

Result<LineReader> LineReader::open(const SourceOpener& source, std::uint64_t offset, std::uint64_t lines) {
    auto opened = source(offset);
    if (!opened) return fail(std::move(opened));
    return LineReader(std::move(*opened), offset, lines);
}

// False when nothing more comes or the buffer is full.
Result<bool> LineReader::refill() {
    if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (at_end_ || end_ == buffer_.size()) return false;
    auto got = source_->read(std::span(buffer_).subspan(end_));
    if (!got) return fail(std::move(got));
    end_ += *got;
    at_end_ = *got == 0;
    return *got > 0;
}

Line LineReader::made(LineKind kind, std::string_view text, std::size_t consumed) {
    begin_ += consumed;
    offset_ += consumed;
    ++lines_;
    if (text.ends_with('\r')) text.remove_suffix(1);
    return {kind, text, offset_, lines_};
}

Result<Line> LineReader::next() {
    bool skipping = false;
    std::size_t searched = 0;
    for (;;) {
        const char* from = buffer_.data() + begin_;
        const std::size_t size = end_ - begin_;
        const void* found = std::memchr(from + searched, '\n', size - searched);
        if (found != nullptr) {
            const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - from);
            const std::size_t carriage_return = length > 0 && from[length - 1] == '\r' ? 1 : 0;
            const bool too_long = skipping || length - carriage_return > line_bytes_max;
            return made(too_long ? LineKind::too_long : LineKind::line,
                        too_long ? std::string_view() : std::string_view(from, length), length + 1);
        }
        if (size > line_bytes_max + 1) {
            // What was read of it is forgotten, so that memory stays bounded.
            skipping = true;
            begin_ = end_;
            offset_ += size;
            searched = 0;
        } else {
            searched = size;
        }
        auto refilled = refill();
        if (!refilled) return fail(std::move(refilled));
        if (*refilled) continue;
        const std::size_t rest = end_ - begin_;
        if (rest == 0 && !skipping) return Line{LineKind::end, {}, offset_, lines_};
        const bool too_long = skipping || rest > line_bytes_max;
        return made(too_long ? LineKind::too_long : LineKind::line,
                    too_long ? std::string_view() : std::string_view(buffer_.data() + begin_, rest), rest);
    }
}

}  // namespace onshi::insurer_files
