#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "platform/http/limits.h"

namespace onshi::http {

// Received bytes that have not been used yet, contiguous. Room is made by moving the rest to the front, so views into
// it hold until the next room(). Not thread-safe.
class InputBuffer {
  public:
    [[nodiscard]] std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
    [[nodiscard]] bool empty() const { return begin_ == end_; }

    // At least `at_least` free bytes, usually more.
    [[nodiscard]] std::span<char> room(std::size_t at_least) {
        if (capacity_ - end_ < at_least) make_room(at_least);
        return {bytes_.get() + end_, capacity_ - end_};
    }
    void commit(std::size_t size) { end_ += size; }
    void consume(std::size_t size) {
        begin_ += size;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    // Gives memory back that a large message has needed.
    void shrink() {
        if (!empty() || capacity_ <= idle_buffer_bytes_max) return;
        bytes_.reset();
        capacity_ = begin_ = end_ = 0;
    }

  private:
    void make_room(std::size_t at_least) {
        const std::size_t used = end_ - begin_;
        if (capacity_ - used >= at_least) {
            std::memmove(bytes_.get(), bytes_.get() + begin_, used);
        } else {
            const std::size_t wanted = std::max(used + at_least, 2 * capacity_);
            auto larger = std::make_unique_for_overwrite<char[]>(wanted);
            if (used > 0) std::memcpy(larger.get(), bytes_.get() + begin_, used);
            bytes_ = std::move(larger);
            capacity_ = wanted;
        }
        begin_ = 0;
        end_ = used;
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace onshi::http
