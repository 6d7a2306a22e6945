#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "base/result.h"
#include "bench/check_requests.h"
#include "bench/latency_histogram.h"

namespace onshi::bench {

struct RsaBaseline {
    std::uint64_t signatures = 0;  // distinct ones, over as many distinct digests
    std::uint64_t keys = 0;        // distinct ones
    std::uint64_t verified = 0;
    double cpu_us = 0;  // per verification
};
// Verifies signatures of drawn persons' cards one after the other on the core `cpu`: what the signature alone costs.
// `bench.invalid` when one does not hold or nobody has a card.
[[nodiscard]] Result<RsaBaseline> measure_rsa(const CardSource& cards, PersonDraw& draw,
                                              std::chrono::nanoseconds duration, int cpu);

struct DiskBaseline {
    std::uint64_t syncs = 0;
    LatencyHistogram latency;
};
// 4 KB writes into a preallocated file of that folder, each followed by fdatasync. `bench.machine`.
[[nodiscard]] Result<DiskBaseline> measure_disk(const std::filesystem::path& folder, std::chrono::nanoseconds duration);

}  // namespace onshi::bench
