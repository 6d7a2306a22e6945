#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "bench/check_bench.h"
#include "bench/reconnect_storm.h"

namespace onshi::bench {

// What is offered beyond what the hub can do, and by how many.
struct OverloadOptions {
    CheckBenchOptions ground;             // the hub, its terminals, the two cores; `duration` is of each phase
    std::size_t desks = 4'000;            // connections that bring the overload; 1…connections_max
    double times_sustainable = 3;         // 1.1…10
    std::size_t storm_terminals = 2'000;  // 1…connections_max
    std::uint32_t source_addresses = 32;  // connections come from; a hub bounds connections per address
};

struct OverloadTargets {
    double goodput_ratio = 0.80;
    double refused_p99_ms = 50;
    double accepted_p99_ms = 500;
    double recovery_s = 5;
    double storm_s = 30;
};

struct OverloadReport {
    Machine machine;
    CheckPhase sustainable;   // closed loop
    CheckPhase overload;      // open loop at times_sustainable of that
    CheckPhase recovery;      // at half of it, at once behind the overload
    MemoryUse memory;         // of the hub behind the overload
    StormReport first_visit;  // everybody at once, full handshakes
    StormReport storm;        // everybody again after the hub was started anew
    CheckPhase during_storm;  // at a quarter of the sustainable rate, beside it
    double offered_per_second = 0;
    std::size_t desks = 0;

    // The figures of the last line, rounded as printed.
    [[nodiscard]] double goodput_ratio() const;
    // Of what was offered, what reached the hub: the rest was kept away by the advice it had given.
    [[nodiscard]] double sent_ratio() const;
    [[nodiscard]] double refused_p99_ms() const;
    [[nodiscard]] double accepted_p99_ms() const;
    [[nodiscard]] double recovery_s() const;
    [[nodiscard]] double storm_s() const;
    [[nodiscard]] double resumed_share() const;
    [[nodiscard]] bool reaches(const OverloadTargets& targets) const;
};

// Starts the hub on one core and brings it from another: what it can do, three times as much from desks that follow
// the advice, half as much at once behind that, then the hub is started anew and every terminal comes back at one
// moment. A report is given only when every answer was a good one or a refusal for overload and nothing stayed
// unanswered; otherwise `bench.invalid`. Other errors as run_check_bench.
[[nodiscard]] Result<OverloadReport> run_overload_bench(const OverloadOptions& options, const CardSource& cards,
                                                        const Clock& clock, const BenchProgress& progress);

// For people, about twenty lines; and one JSON object on one line.
[[nodiscard]] std::string to_text(const OverloadReport& report, const OverloadTargets& targets);
[[nodiscard]] std::string to_json_line(const OverloadReport& report);

}  // namespace onshi::bench
