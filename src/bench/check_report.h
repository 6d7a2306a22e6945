#pragma once

#include <string>

#include "bench/check_bench.h"

namespace onshi::bench {

// The report for people, about forty lines: each target with what was reached, then what it consists of. English.
[[nodiscard]] std::string to_text(const CheckBenchReport& report, const CheckTargets& targets);

// The six figures as one JSON object on one line, without a line break: checks_per_second_per_core, ratio_to_bare_tls,
// cpu_us_per_check, p99_ms_half_load, resident_mb, persons.
[[nodiscard]] std::string to_json_line(const CheckBenchReport& report);

// Everything that was measured as one JSON object on one line, to be kept as raw data.
[[nodiscard]] std::string to_json_details(const CheckBenchReport& report);

}  // namespace onshi::bench
