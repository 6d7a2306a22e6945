#include "bench/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/ensure.h"

namespace onshi::bench {

// Values below 128 have a bucket each; above, the leading eight bits choose it.
std::size_t LatencyHistogram::bucket_of(std::uint64_t ns) {
    const auto width = static_cast<unsigned>(std::bit_width(ns));
    if (width <= precision_bits + 1) return static_cast<std::size_t>(ns);
    const unsigned shift = width - precision_bits - 1;
    return (std::size_t{shift} << precision_bits) + static_cast<std::size_t>(ns >> shift);
}

std::uint64_t LatencyHistogram::end_of(std::size_t bucket) {
    const std::uint64_t per_doubling = 1U << precision_bits;
    if (bucket < 2 * per_doubling) return bucket;
    const unsigned shift = static_cast<unsigned>(bucket >> precision_bits) - 1;
    const std::uint64_t leading = bucket - (std::uint64_t{shift} << precision_bits);
    return ((leading + 1) << shift) - 1;
}

void LatencyHistogram::record(std::chrono::nanoseconds latency) {
    const auto ns =
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(latency.count(), 0, static_cast<std::int64_t>(longest_ns)));
    ++counts_[bucket_of(ns)];
    ++count_;
    sum_ += std::chrono::nanoseconds(ns);
    max_ = std::max(max_, std::chrono::nanoseconds(ns));
}

void LatencyHistogram::add(const LatencyHistogram& other) {
    for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
}

std::chrono::nanoseconds LatencyHistogram::percentile(double percent) const {
    ENSURE(percent >= 0 && percent <= 100);
    if (count_ == 0) return std::chrono::nanoseconds(0);
    const double wanted = std::ceil(percent / 100 * static_cast<double>(count_));
    const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        seen += counts_[i];
        if (seen >= rank) return std::min(max_, std::chrono::nanoseconds(end_of(i)));
    }
    return max_;
}

std::chrono::nanoseconds LatencyHistogram::mean() const {
    if (count_ == 0) return std::chrono::nanoseconds(0);
    return sum_ / static_cast<std::int64_t>(count_);
}

}  // namespace onshi::bench
