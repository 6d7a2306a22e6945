#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"
#include "bench/limits.h"

namespace onshi::bench {

struct ChildOptions {
    std::vector<std::string> command;  // the program's full path first
    int cpu = 0;                       // all its threads stay on this core; any_cpu (cpu_pin.h): on ours
    std::filesystem::path output;      // gets its stdout and stderr; made anew
};

// One process that we started. Ended by its id when the object goes, and by the kernel when the thread that started it
// ends. It leads a process group of its own, so that what it starts itself can be ended with it.
// Movable; not thread-safe.
class ChildProcess {
  public:
    // `bench.server` when the program cannot be started.
    [[nodiscard]] static Result<ChildProcess> start(const ChildOptions& options);
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ~ChildProcess() { stop(); }

    [[nodiscard]] pid_t pid() const { return pid_; }
    // Whether it has not ended by itself.
    [[nodiscard]] bool is_running();
    // Asks it to end (SIGTERM), waits for at most `bound`, then ends its group (SIGKILL). Idempotent.
    void stop(std::chrono::milliseconds bound = child_stop_time_max);

  private:
    ChildProcess(pid_t pid, int pidfd) : pid_(pid), pidfd_(pidfd) {}
    [[nodiscard]] bool wait(int timeout_ms);
    void forget();
    pid_t pid_;
    int pidfd_;
};

}  // namespace onshi::bench
