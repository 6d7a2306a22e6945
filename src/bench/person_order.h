#pragma once

#include <cstdint>

namespace onshi::bench {

// All numbers below `count` in a random order, each once, without holding them: a small block cipher over the numbers
// (four Feistel rounds, walking on while the result is out of range). A value; thread-safe.
class PersonOrder {
  public:
    // `count` 1 … 2^40.
    PersonOrder(std::uint64_t count, std::uint64_t seed);
    [[nodiscard]] std::uint64_t count() const { return count_; }
    // The person at a place; places from `count` on begin again.
    [[nodiscard]] std::uint64_t at(std::uint64_t place) const;

  private:
    std::uint64_t count_;
    std::uint64_t seed_;
    unsigned half_bits_;
};

}  // namespace onshi::bench
