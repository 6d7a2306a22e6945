#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "bench/baselines.h"
#include "bench/check_requests.h"
#include "bench/hub_probe.h"
#include "bench/load_generator.h"
#include "bench/process_usage.h"

namespace onshi::bench {

// What to measure and on what. The installation exists, its stores are loaded, and no hub runs on it.
struct CheckBenchOptions {
    // Starts the hub on ports of its choice and stays in the foreground; full path first. Its output goes to
    // `folder`/hub.log. When it listens it writes `ready_file`, a JSON object with `port` and `metrics_port`.
    std::vector<std::string> server_command;
    std::filesystem::path ready_file;
    BenchHub hub;  // its port comes from the ready file
    // Their requests are not limited in rate (`requests_per_second` of the hub's settings).
    std::vector<BenchTerminal> terminals;
    // What the hub has, for nginx: the same certificate, key and client CA.
    http::TlsIdentity server;
    http::TrustAnchors client_anchors;
    std::uint64_t persons = 0;           // indexes 0 … persons-1 are in the stores
    std::filesystem::path store_folder;  // registry.db
    std::filesystem::path folder;        // for logs and nginx; made when missing
    std::filesystem::path nginx = "/usr/sbin/nginx";

    std::chrono::milliseconds warm_up{3'000};
    std::chrono::milliseconds duration{20'000};  // of each phase
    std::chrono::milliseconds rsa_duration{3'000};
    std::chrono::milliseconds disk_duration{1'000};
    // So many that the hub's core has work while a commit is being synced, and no more: latency at full load is theirs.
    std::size_t connections = 80;
    double warm_up_checks_per_second_max = 25'000;  // how many requests are prepared for the warm-up
    int server_cpu = 0;
    int load_cpu = 1;
    std::uint64_t seed = 1;
};

// One load on the hub with everything that it cost.
struct CheckPhase {
    LoadReport load;
    CpuUse server;   // of the hub, all threads
    DiskUse disk{};  // of the hub
    HubCounters counters;
    CoreUse core;                     // of the hub's core, by everybody
    double offered_per_second = 0;    // open loop
    std::uint64_t person_rounds = 0;  // 1: every check was of another person

    [[nodiscard]] double cpu_us_per_check() const;
    [[nodiscard]] double sets_per_commit() const;
    [[nodiscard]] double pages_per_check() const;
    [[nodiscard]] double read_batches_per_check() const;
};

struct ReferencePhase {
    LoadReport load;
    CpuUse server;
    std::size_t answer_bytes = 0;
    [[nodiscard]] double cpu_us_per_request() const;
};

// What must be reached (issue: speed and memory).
struct CheckTargets {
    double checks_per_second_per_core = 15'000;
    double cpu_us_per_check = 66;
    double ratio_to_bare_tls = 0.15;
    double p99_ms_half_load = 10;
    double resident_mb = 300;
};

struct CheckBenchReport {
    Machine machine;
    std::uint64_t persons = 0;
    std::size_t connections = 0;
    std::size_t terminals = 0;
    std::uint64_t registry_bytes = 0;
    std::size_t request_body_bytes = 0;  // mean
    std::size_t answer_body_bytes = 0;   // mean
    DiskBaseline disk;
    LoadReport warm_up;
    CheckPhase full;
    CheckPhase half;
    MemoryUse memory;  // of the hub, at the end of the load, connections still open
    ReferencePhase nginx;
    RsaBaseline rsa;

    // The six figures of the last line, rounded as printed. MB are millions of bytes.
    [[nodiscard]] double checks_per_second_per_core() const { return full.load.good_per_second(); }
    [[nodiscard]] double cpu_us_per_check() const { return full.cpu_us_per_check(); }
    [[nodiscard]] double ratio_to_bare_tls() const;
    [[nodiscard]] double p99_ms_half_load() const;
    [[nodiscard]] double resident_mb() const;
    [[nodiscard]] double bytes_per_person() const;
    [[nodiscard]] bool reaches(const CheckTargets& targets) const;
};

// Told at the beginning of each step, in English.
using BenchProgress = std::function<void(std::string_view sentence)>;

// Starts the hub on one core and loads it from another: closed loop at full load, open loop at half of what that gave,
// each with checks that were signed before for distinct, uniformly drawn persons; then nginx in the hub's place, then
// the bare signature. Everything runs on loopback and has ended when it returns.
//
// A report is given only for a run that can be believed: every answer a good one (up to refused_share_max may be
// refused for overload), every request of the schedule sent and answered, no connection lost, and at least one durable
// write set for every answer. Otherwise `bench.invalid` says what was wrong. Other errors: bench.machine, bench.server,
// bench.reference, config.value. Blocks for about six minutes with the defaults, half of it signing.
[[nodiscard]] Result<CheckBenchReport> run_check_bench(const CheckBenchOptions& options, const CardSource& cards,
                                                       const Clock& clock, const BenchProgress& progress);

inline constexpr double refused_share_max = 0.001;

// nullopt when the phase can be believed, else what is wrong with it. `refused_share` of the answers may be 503.
[[nodiscard]] std::optional<std::string> find_fault(const CheckPhase& phase, double refused_share = refused_share_max);

}  // namespace onshi::bench
