#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onshi::bench {

enum class BodyUse : std::uint8_t {
    once,           // a check's body: a challenge can be used a single time
    over_and_over,  // for a server that does not look at them
};

// Prepared request bodies, one after the other in one block of memory, given out in their order. Views live until
// clear(). Owns the bytes; movable; not thread-safe.
class RequestBodies {
  public:
    explicit RequestBodies(BodyUse use = BodyUse::once) : use_(use) {}
    void reserve(std::size_t count, std::size_t bytes);
    void add(std::string_view body);
    // nullopt when all have been given out, or there are none.
    [[nodiscard]] std::optional<std::string_view> take();
    [[nodiscard]] std::size_t size() const { return ends_.size(); }
    [[nodiscard]] std::size_t left() const { return use_ == BodyUse::over_and_over ? size() : size() - next_; }
    [[nodiscard]] std::size_t bytes() const { return text_.size(); }
    // From the first one again, as `use` says.
    void restart(BodyUse use);
    // Gives the memory back.
    void clear();

  private:
    BodyUse use_;
    std::string text_;
    std::vector<std::size_t> ends_;
    std::size_t next_ = 0;
};

}  // namespace onshi::bench
