#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

// What a running hub says about itself on its plain-HTTP port on loopback.
namespace onshi::bench {

// The sum of all series of that name whose labels contain `label` (empty: all); nullopt when there is none. `text` is
// Prometheus text format 0.0.4.
[[nodiscard]] std::optional<double> sum_of_series(std::string_view text, std::string_view name,
                                                  std::string_view label = {});

// Since the hub's start.
struct HubCounters {
    double ledger_commits = 0;
    double ledger_sets = 0;
    double read_batches = 0;
    double pages_read = 0;
};
[[nodiscard]] HubCounters operator-(const HubCounters& later, const HubCounters& earlier);

// `bench.server` when the hub does not answer or lacks one of the counters.
[[nodiscard]] Result<HubCounters> read_hub_counters(std::uint16_t metrics_port);
// A hub publishes its counters once a second: reads until at least `sets` write sets of the ledger are counted, for at
// most counters_time_max, and gives what was read last.
[[nodiscard]] Result<HubCounters> read_hub_counters_from(std::uint16_t metrics_port, double sets);
struct HubPorts {
    std::uint16_t main = 0;
    std::uint16_t metrics = 0;
};
// What `server run --ready-file` wrote; nullopt while there is no such file, or it is not whole.
[[nodiscard]] std::optional<HubPorts> read_ready_file(const std::filesystem::path& file);

// Whether GET /readyz says 200.
[[nodiscard]] bool is_hub_ready(std::uint16_t metrics_port);

}  // namespace onshi::bench
