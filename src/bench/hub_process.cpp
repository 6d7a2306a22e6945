#include "bench/hub_process.h"

#include <thread>

#include "base/time.h"
#include "bench/limits.h"

namespace onshi::bench {

namespace {
constexpr std::chrono::milliseconds ready_poll_every{100};
}

Result<HubProcess> start_hub(const HubCommand& command) {
    std::error_code error;
    std::filesystem::remove(command.ready_file, error);
    auto hub = ChildProcess::start({.command = command.words, .cpu = command.cpu, .output = command.log});
    if (!hub) return fail(std::move(hub));
    const auto deadline = Deadline::in(server_ready_time_max);
    while (true) {
        const auto ports = read_ready_file(command.ready_file);
        if (ports && is_hub_ready(ports->metrics)) return HubProcess{std::move(*hub), *ports};
        if (!hub->is_running()) return fail(ErrorCode::bench_server, "the hub has ended, see " + command.log.string());
        if (deadline.passed())
            return fail(ErrorCode::bench_server, "the hub is not ready, see " + command.log.string());
        std::this_thread::sleep_for(ready_poll_every);
    }
}

}  // namespace onshi::bench
