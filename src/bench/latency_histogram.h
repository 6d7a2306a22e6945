#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace onshi::bench {

// Counts durations in logarithmic buckets: 128 per doubling, so that a percentile is at most 0.8 % too high and never
// too low. From 0 to 18 minutes; a longer one counts as 18 minutes, a negative one as 0. 35 KB, no allocation.
// Not thread-safe.
class LatencyHistogram {
  public:
    void record(std::chrono::nanoseconds latency);
    void add(const LatencyHistogram& other);

    [[nodiscard]] std::uint64_t count() const { return count_; }
    // The smallest duration that at least `percent` (0…100) of all are not longer than, rounded up to its bucket's end
    // but not above max(). 0 when empty.
    [[nodiscard]] std::chrono::nanoseconds percentile(double percent) const;
    // Exact.
    [[nodiscard]] std::chrono::nanoseconds max() const { return max_; }
    [[nodiscard]] std::chrono::nanoseconds mean() const;

  private:
    static constexpr unsigned precision_bits = 7;
    static constexpr unsigned range_bits = 40;
    static constexpr std::uint64_t longest_ns = (std::uint64_t{1} << range_bits) - 1;
    static constexpr std::size_t buckets = (range_bits - precision_bits + 1) << precision_bits;
    [[nodiscard]] static std::size_t bucket_of(std::uint64_t ns);
    [[nodiscard]] static std::uint64_t end_of(std::size_t bucket);

    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t count_ = 0;
    std::chrono::nanoseconds sum_{0};
    std::chrono::nanoseconds max_{0};
};

}  // namespace onshi::bench
