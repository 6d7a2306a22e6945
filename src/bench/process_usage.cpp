#include "bench/process_usage.h"

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "bench/limits.h"

namespace onshi::bench {

namespace {

using std::chrono::microseconds;

std::optional<std::string> read_proc(const std::string& path) {
    std::ifstream file(path);
    std::string text(proc_file_bytes_max, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.gcount() <= 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (true) {
        const auto begin = line.find_first_not_of(" \t\n");
        if (begin == std::string_view::npos) return words;
        const auto end = std::min(line.find_first_of(" \t\n", begin), line.size());
        words.push_back(line.substr(begin, end - begin));
        line.remove_prefix(end);
    }
}

std::optional<std::uint64_t> number(std::string_view digits) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

microseconds from_ticks(std::uint64_t ticks, long per_second) {
    return microseconds(static_cast<std::int64_t>(ticks) * 1'000'000 / per_second);
}

// The rest of the line that begins with `name`; empty when there is none.
std::string_view line_of(std::string_view text, std::string_view name) {
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        const auto line = text.substr(at, end - at);
        if (line.starts_with(name)) return line.substr(name.size());
        at = end + 1;
    }
    return {};
}

std::optional<std::uint64_t> kilobytes(std::string_view text, std::string_view name) {
    const auto words = words_of(line_of(text, name));
    if (words.size() != 2 || words[1] != "kB") return std::nullopt;
    const auto value = number(words[0]);
    return value ? std::optional(*value * 1024) : std::nullopt;
}

tl::unexpected<Error> unreadable(std::string path) {
    return fail(ErrorCode::bench_machine, "cannot read " + std::move(path));
}

}  // namespace

// proc(5): the program's name stands in parentheses and may hold anything; what follows the last one is fields 3, 4, …
std::optional<CpuUse> parse_process_stat(std::string_view text, long ticks_per_second) {
    const auto name_end = text.rfind(')');
    if (name_end == std::string_view::npos) return std::nullopt;
    const auto fields = words_of(text.substr(name_end + 1));
    if (fields.size() < 13) return std::nullopt;
    const auto major_faults = number(fields[12 - 3]);
    const auto user = number(fields[14 - 3]);
    const auto system = number(fields[15 - 3]);
    if (!major_faults || !user || !system) return std::nullopt;
    return CpuUse{from_ticks(*user, ticks_per_second), from_ticks(*system, ticks_per_second), *major_faults};
}

Result<CpuUse> cpu_use(pid_t pid) {
    const auto path = fmt::format("/proc/{}/stat", pid);
    const auto text = read_proc(path);
    const auto use = text ? parse_process_stat(*text, ::sysconf(_SC_CLK_TCK)) : std::nullopt;
    if (!use) return unreadable(path);
    return *use;
}

std::optional<DiskUse> parse_process_io(std::string_view text) {
    const auto words = words_of(line_of(text, "read_bytes:"));
    const auto bytes = words.size() == 1 ? number(words[0]) : std::nullopt;
    return bytes ? std::optional(DiskUse{*bytes}) : std::nullopt;
}

Result<DiskUse> disk_use(pid_t pid) {
    const auto path = fmt::format("/proc/{}/io", pid);
    const auto text = read_proc(path);
    const auto use = text ? parse_process_io(*text) : std::nullopt;
    if (!use) return unreadable(path);
    return *use;
}

std::optional<MemoryUse> parse_process_status(std::string_view text) {
    const auto anonymous = kilobytes(text, "RssAnon:");
    const auto file = kilobytes(text, "RssFile:");
    const auto shared = kilobytes(text, "RssShmem:");
    if (!anonymous || !file || !shared) return std::nullopt;
    return MemoryUse{*anonymous, *file, *shared};
}

Result<MemoryUse> memory_use(pid_t pid) {
    const auto path = fmt::format("/proc/{}/status", pid);
    const auto text = read_proc(path);
    const auto use = text ? parse_process_status(*text) : std::nullopt;
    if (!use) return unreadable(path);
    return *use;
}

// proc(5): user nice system idle iowait irq softirq steal, and guest, which user already holds.
std::optional<CoreUse> parse_stat(std::string_view text, int cpu, long ticks_per_second) {
    const auto fields = words_of(line_of(text, fmt::format("cpu{} ", cpu)));
    if (fields.size() < 8) return std::nullopt;
    std::array<std::uint64_t, 8> ticks{};
    for (std::size_t i = 0; i < ticks.size(); ++i) {
        const auto value = number(fields[i]);
        if (!value) return std::nullopt;
        ticks[i] = *value;
    }
    const std::uint64_t busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6];
    return CoreUse{from_ticks(busy, ticks_per_second), from_ticks(ticks[7], ticks_per_second)};
}

Result<CoreUse> core_use(int cpu) {
    const auto text = read_proc("/proc/stat");
    const auto use = text ? parse_stat(*text, cpu, ::sysconf(_SC_CLK_TCK)) : std::nullopt;
    if (!use) return unreadable(fmt::format("core {} in /proc/stat", cpu));
    return *use;
}

std::string parse_cpu_model(std::string_view cpuinfo) {
    const auto line = line_of(cpuinfo, "model name");
    const auto begin = line.find_first_not_of(" \t:");
    return begin == std::string_view::npos ? "unknown" : std::string(line.substr(begin));
}

Result<Machine> describe_machine() {
    const auto cpuinfo = read_proc("/proc/cpuinfo");
    const auto meminfo = read_proc("/proc/meminfo");
    const auto memory = meminfo ? kilobytes(*meminfo, "MemTotal:") : std::nullopt;
    utsname names{};
    if (!cpuinfo || !memory || ::uname(&names) != 0) return unreadable("/proc/cpuinfo or /proc/meminfo");
    return Machine{parse_cpu_model(*cpuinfo), fmt::format("{} {}", names.sysname, names.release),
                   static_cast<int>(std::thread::hardware_concurrency()), *memory};
}

std::optional<pid_t> first_child(pid_t pid) {
    const auto text = read_proc(fmt::format("/proc/{}/task/{}/children", pid, pid));
    const auto pids = text ? words_of(*text) : std::vector<std::string_view>();
    const auto value = pids.empty() ? std::nullopt : number(pids.front());
    return value ? std::optional(static_cast<pid_t>(*value)) : std::nullopt;
}

}  // namespace onshi::bench
