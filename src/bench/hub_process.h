#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/child_process.h"
#include "bench/hub_probe.h"

namespace onshi::bench {

// How to start the hub under test.
struct HubCommand {
    // Starts the hub on ports of its choice and stays in the foreground; full path first. When it listens it writes
    // `ready_file`, a JSON object with `port` and `metrics_port`.
    std::vector<std::string> words;
    std::filesystem::path ready_file;
    std::filesystem::path log;  // its output; made anew
    int cpu = 0;
};

struct HubProcess {
    ChildProcess process;
    HubPorts ports;
};

// Starts it and waits until it is ready, at most server_ready_time_max. `bench.server`.
[[nodiscard]] Result<HubProcess> start_hub(const HubCommand& command);

}  // namespace onshi::bench
