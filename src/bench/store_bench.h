#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "bench/check_bench.h"

namespace onshi::bench {

// Two installations with as many people: one on PostgreSQL, one on the embedded default. The cards outlive the run.
struct StoreBenchOptions {
    CheckBenchOptions postgres;
    CheckBenchOptions sqlite;
    const CardSource* postgres_cards = nullptr;
    const CardSource* sqlite_cards = nullptr;
    std::string address;  // of the database that `postgres` uses
    std::chrono::seconds pgbench_duration{10};
    int pgbench_clients = 32;
    std::string tools = "/usr/lib/postgresql/15/bin";  // where pgbench lies
};

// One hub under a closed loop; hub, database and load share all cores.
struct StoreSide {
    CheckPhase phase;
    std::chrono::nanoseconds busy{0};  // of all cores, by everybody
    // Neither the hub nor the load: the database and the kernel.
    [[nodiscard]] double other_cpu_us_per_check() const;
};

// What pgbench does on the same cluster, prepared, in transactions a second.
struct PgbenchRates {
    double reads = 0;    // one row by its key
    double inserts = 0;  // one row
    double checks = 0;   // the reads of a check, then its inserts, in one transaction
};

struct StoreTargets {
    double checks_per_second = 5'000;
    double ratio_to_pgbench = 0.5;
};

struct StoreBenchReport {
    Machine machine;
    std::uint64_t persons = 0;
    std::size_t connections = 0;
    int pgbench_clients = 0;
    StoreSide postgres;
    StoreSide sqlite;
    PgbenchRates pgbench;
    [[nodiscard]] double ratio_to_pgbench() const;
};

// Hub on PostgreSQL, hub on SQLite, then pgbench with the statements of a check, in one run. What pgbench writes goes
// into tables of its own, which are removed. Errors as run_check_bench, and bench.reference.
[[nodiscard]] Result<StoreBenchReport> run_store_bench(const StoreBenchOptions& options, const Clock& clock,
                                                       const BenchProgress& progress);

[[nodiscard]] std::string to_text(const StoreBenchReport& report, const StoreTargets& targets);
[[nodiscard]] std::string to_json_line(const StoreBenchReport& report);

}  // namespace onshi::bench
