#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "base/result.h"

// What the kernel says about a process and the machine. All functions read /proc and are thread-safe; what cannot be
// read is `bench.machine`. The parsers take a file's text and give nullopt for another form.
namespace onshi::bench {

// Of a process with all its threads, since it began. In steps of the kernel's tick (10 ms).
struct CpuUse {
    std::chrono::microseconds user{0};
    std::chrono::microseconds system{0};
    std::uint64_t major_faults = 0;  // had to wait for a disk
    [[nodiscard]] std::chrono::microseconds total() const { return user + system; }
};
[[nodiscard]] inline CpuUse operator-(const CpuUse& later, const CpuUse& earlier) {
    return {later.user - earlier.user, later.system - earlier.system, later.major_faults - earlier.major_faults};
}
[[nodiscard]] Result<CpuUse> cpu_use(pid_t pid);
[[nodiscard]] std::optional<CpuUse> parse_process_stat(std::string_view text, long ticks_per_second);

// Bytes that a process made the disk deliver, since it began: what the page cache did not have, with what the kernel
// read ahead of it.
struct DiskUse {
    std::uint64_t read_bytes = 0;
};
[[nodiscard]] inline DiskUse operator-(const DiskUse& later, const DiskUse& earlier) {
    return {later.read_bytes - earlier.read_bytes};
}
[[nodiscard]] Result<DiskUse> disk_use(pid_t pid);
[[nodiscard]] std::optional<DiskUse> parse_process_io(std::string_view text);

struct MemoryUse {
    std::uint64_t anonymous_bytes = 0;  // heap, stacks: cannot be dropped
    std::uint64_t file_bytes = 0;       // program and mapped files: the kernel may drop and read them again
    std::uint64_t shared_bytes = 0;     // for example SQLite's WAL index
};
[[nodiscard]] Result<MemoryUse> memory_use(pid_t pid);
[[nodiscard]] std::optional<MemoryUse> parse_process_status(std::string_view text);

// Of one core, since the machine began. `busy` is everything but idle, waiting for disks, and stolen.
struct CoreUse {
    std::chrono::microseconds busy{0};
    std::chrono::microseconds stolen{0};  // taken by other guests of the same host
};
[[nodiscard]] Result<CoreUse> core_use(int cpu);
[[nodiscard]] std::optional<CoreUse> parse_stat(std::string_view text, int cpu, long ticks_per_second);

struct Machine {
    std::string cpu_model;
    std::string kernel;
    int cores = 0;
    std::uint64_t memory_bytes = 0;
};
[[nodiscard]] Result<Machine> describe_machine();
[[nodiscard]] std::string parse_cpu_model(std::string_view cpuinfo);

// The first child of a process, e.g. nginx's worker; nullopt when there is none.
[[nodiscard]] std::optional<pid_t> first_child(pid_t pid);

}  // namespace onshi::bench
