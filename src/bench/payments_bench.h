#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace onshi::bench {

// What the core of payments reaches on the core it is pinned to (issue targets: 1,000,000 and 300,000).
struct PaymentsBenchReport {
    std::int64_t claims_per_second_per_core = 0;      // one person, one provider, one month
    std::int64_t households_per_second_per_core = 0;  // three members, four items
};

// Runs Google Benchmark for about `each` per figure on CPU time. Not thread-safe: the library keeps its own state.
// Errors: bench.machine, bench.invalid when a case is refused.
[[nodiscard]] Result<PaymentsBenchReport> run_payments_bench(std::chrono::milliseconds each);

// One JSON object on one line: claims_per_second_per_core, households_per_second_per_core.
[[nodiscard]] std::string to_json_line(const PaymentsBenchReport& report);
[[nodiscard]] std::string to_text(const PaymentsBenchReport& report);

}  // namespace onshi::bench
