#include "bench/person_order.h"

#include <bit>

#include "base/ensure.h"
#include "base/random.h"

namespace onshi::bench {

namespace {
constexpr unsigned rounds = 4;
constexpr std::uint64_t count_max = std::uint64_t{1} << 40U;
}  // namespace

PersonOrder::PersonOrder(std::uint64_t count, std::uint64_t seed)
    : count_(count), seed_(mix64(seed)), half_bits_((static_cast<unsigned>(std::bit_width(count)) + 1) / 2) {
    ENSURE(count > 0 && count <= count_max);
}

std::uint64_t PersonOrder::at(std::uint64_t place) const {
    const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
    std::uint64_t value = place % count_;
    // The range is less than eight times the count, so few steps are enough; that each value has one successor makes
    // the walk come back into the range.
    do {
        std::uint64_t left = value >> half_bits_;
        std::uint64_t right = value & mask;
        for (unsigned round = 0; round < rounds; ++round) {
            const std::uint64_t next = left ^ (mix64(right ^ mix64(seed_ + round)) & mask);
            left = right;
            right = next;
        }
        value = left << half_bits_ | right;
    } while (value >= count_);
    return value;
}

}  // namespace onshi::bench
