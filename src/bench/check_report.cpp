#include "bench/check_report.h"

#include <concepts>

#include <fmt/format.h>

#include "platform/text_formats/json_writer.h"

namespace onshi::bench {

namespace {

double ms(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

double us(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double, std::micro>(duration).count();
}

double mb(std::uint64_t bytes) {
    return static_cast<double>(bytes) / 1e6;
}

// One JSON object on one line. JsonWriter has no fractions, because nothing of the wire has.
class JsonLine {
  public:
    void open(std::string_view name) {
        key(name);
        out_.push_back('{');
        first_ = true;
    }
    void close() {
        out_.push_back('}');
        first_ = false;
    }
    void add(std::string_view name, std::integral auto value) {
        key(name);
        out_.append(std::to_string(value));
    }
    void add(std::string_view name, double value, int decimals) {
        key(name);
        out_.append(fmt::format("{:.{}f}", value, decimals));
    }
    void add(std::string_view name, const std::string& text) {
        key(name);
        JsonWriter(out_).text(text);
    }
    [[nodiscard]] std::string end() { return out_ + "}"; }

  private:
    void key(std::string_view name) {
        if (!first_) out_.push_back(',');
        first_ = false;
        out_.append("\"").append(name).append("\":");
    }
    std::string out_ = "{";
    bool first_ = true;
};

void add_latency(JsonLine& json, std::string_view name, const LatencyHistogram& latency) {
    json.open(name);
    for (const auto& [label, percent] : {std::pair{"p50", 50.0}, {"p90", 90.0}, {"p99", 99.0}, {"p99_9", 99.9}}) {
        json.add(label, us(latency.percentile(percent)), 1);
    }
    json.add("mean", us(latency.mean()), 1);
    json.add("max", us(latency.max()), 1);
    json.close();
}

void add_load(JsonLine& json, const LoadReport& load) {
    json.add("seconds", std::chrono::duration<double>(load.elapsed).count(), 3);
    json.add("scheduled", load.scheduled);
    json.add("sent", load.sent);
    json.add("good", load.good);
    json.add("refused", load.refused);
    json.add("good_per_second", load.good_per_second(), 1);
    json.add("parsed_whole", load.sampled);
    json.add("load_cpu_us_per_request", load.cpu_us_per_request(), 2);
    add_latency(json, "latency_us", load.latency);
    json.open("result_codes");
    for (const auto& [code, count] : load.codes) json.add(std::string_view(&code, 1), count);
    json.close();
}

void add_phase(JsonLine& json, std::string_view name, const CheckPhase& phase) {
    json.open(name);
    add_load(json, phase.load);
    if (phase.offered_per_second > 0) {
        json.add("offered_per_second", phase.offered_per_second, 1);
        add_latency(json, "lateness_us", phase.load.lateness);
    }
    json.add("cpu_us_per_check", phase.cpu_us_per_check(), 2);
    json.add("cpu_user_ms", phase.server.user.count() / 1'000);
    json.add("cpu_system_ms", phase.server.system.count() / 1'000);
    json.add("core_busy_ms", phase.core.busy.count() / 1'000);
    json.add("core_stolen_ms", phase.core.stolen.count() / 1'000);
    json.add("major_faults", phase.server.major_faults);
    json.add("person_rounds", phase.person_rounds);
    json.add("sets_per_commit", phase.sets_per_commit(), 2);
    json.add("pages_per_check", phase.pages_per_check(), 2);
    json.add("read_batches_per_check", phase.read_batches_per_check(), 2);
    json.close();
}

// Only ASCII letters, digits and common signs can be in a model's or kernel's name that is worth keeping.
std::string printable(std::string text) {
    for (char& c : text) {
        if (c < ' ' || c > '~') c = '?';
    }
    return text;
}

std::string target_line(std::string_view name, std::string_view reached, std::string_view wanted, bool held) {
    return fmt::format("  {} {:<30} {:>12}   target {}\n", held ? "✔" : "✘", name, reached, wanted);
}

std::string latencies(const LatencyHistogram& latency) {
    return fmt::format("p50 {:.2f}  p99 {:.2f}  p99.9 {:.2f}  max {:.2f} ms", ms(latency.percentile(50)),
                       ms(latency.percentile(99)), ms(latency.percentile(99.9)), ms(latency.max()));
}

std::string phase_text(std::string_view name, const CheckPhase& phase) {
    const double seconds = std::chrono::duration<double>(phase.load.elapsed).count();
    std::string text =
        fmt::format("{}: {} good answers in {:.1f} s, {} refused{}\n", name, phase.load.good, seconds,
                    phase.load.refused, phase.load.exhausted ? " (ended early: all prepared checks were used)" : "");
    if (phase.person_rounds > 1) {
        text += fmt::format("  persons      too few for as many checks: each was drawn up to {} times\n",
                            phase.person_rounds);
    }
    text += fmt::format("  latency      {}\n", latencies(phase.load.latency));
    if (phase.offered_per_second > 0) {
        text += fmt::format("  sent late by {}\n", latencies(phase.load.lateness));
    }
    text += fmt::format(
        "  hub          {:.1f} µs CPU per check ({:.0f} % user), {:.1f} sets per commit, {:.1f} pages per check, {} "
        "major faults\n",
        phase.cpu_us_per_check(),
        100.0 * static_cast<double>(phase.server.user.count()) /
            static_cast<double>(std::max<std::int64_t>(1, phase.server.total().count())),
        phase.sets_per_commit(), phase.pages_per_check(), phase.server.major_faults);
    text += fmt::format("  its core     {:.0f} % busy, of that {:.1f} % not the hub, {:.2f} s stolen\n",
                        100 * std::chrono::duration<double>(phase.core.busy).count() / seconds,
                        100 * std::chrono::duration<double>(phase.core.busy - phase.server.total()).count() / seconds,
                        std::chrono::duration<double>(phase.core.stolen).count());
    std::string codes;
    for (const auto& [code, count] : phase.load.codes) codes += fmt::format("  {}: {}", code, count);
    return text + fmt::format("  results     {}\n", codes);
}

std::string targets_text(const CheckBenchReport& report, const CheckTargets& targets) {
    return target_line("checks/s on one core", fmt::format("{:.0f}", report.checks_per_second_per_core()),
                       fmt::format("≥ {:.0f}", targets.checks_per_second_per_core),
                       report.checks_per_second_per_core() >= targets.checks_per_second_per_core) +
           target_line("CPU per check, all threads", fmt::format("{:.1f} µs", report.cpu_us_per_check()),
                       fmt::format("≤ {:.0f} µs", targets.cpu_us_per_check),
                       report.cpu_us_per_check() <= targets.cpu_us_per_check) +
           target_line("nginx CPU ÷ ours", fmt::format("{:.3f}", report.ratio_to_bare_tls()),
                       fmt::format("≥ {:.2f}", targets.ratio_to_bare_tls),
                       report.ratio_to_bare_tls() >= targets.ratio_to_bare_tls) +
           target_line("p99 at half load, open loop", fmt::format("{:.2f} ms", report.p99_ms_half_load()),
                       fmt::format("≤ {:.0f} ms", targets.p99_ms_half_load),
                       report.p99_ms_half_load() <= targets.p99_ms_half_load) +
           target_line("anonymous memory", fmt::format("{:.0f} MB", report.resident_mb()),
                       fmt::format("≤ {:.0f} MB", targets.resident_mb), report.resident_mb() <= targets.resident_mb);
}

}  // namespace

std::string to_text(const CheckBenchReport& report, const CheckTargets& targets) {
    std::string text = fmt::format(
        "check bench: {} persons, {} connections of {} terminals, mutual TLS 1.3, audit durable before each answer\n",
        report.persons, report.connections, report.terminals);
    text += targets_text(report, targets) + "\n";
    text += phase_text("full load, closed loop", report.full);
    text += phase_text(fmt::format("half load, open loop, {:.0f} checks/s offered", report.half.offered_per_second),
                       report.half);
    text += fmt::format("memory of the hub: {:.0f} MB anonymous, {:.0f} MB file-backed, {:.1f} MB shared\n",
                        report.resident_mb(), mb(report.memory.file_bytes), mb(report.memory.shared_bytes));
    text += fmt::format("registry: {:.0f} MB, {:.0f} bytes per person\n", mb(report.registry_bytes),
                        report.bytes_per_person());
    text +=
        fmt::format("bodies: request {} bytes, answer {} bytes\n", report.request_body_bytes, report.answer_body_bytes);
    text +=
        fmt::format("load generator: {:.1f} µs CPU per check at full load\n\n", report.full.load.cpu_us_per_request());
    text += fmt::format("nginx, the same TLS, {} bytes: {:.0f} requests/s, {:.2f} µs CPU each, {}\n",
                        report.nginx.answer_bytes, report.nginx.load.good_per_second(),
                        report.nginx.cpu_us_per_request(), latencies(report.nginx.load.latency));
    text += fmt::format("RSA-2048 verification alone: {:.2f} µs ({} signatures of {} keys)\n", report.rsa.cpu_us,
                        report.rsa.signatures, report.rsa.keys);
    text += fmt::format("fdatasync of 4 KB on the store's disk: {}\n", latencies(report.disk.latency));
    text += fmt::format("machine: {}, {} cores, {:.1f} GB, {}\n", printable(report.machine.cpu_model),
                        report.machine.cores, mb(report.machine.memory_bytes) / 1e3, printable(report.machine.kernel));
    return text;
}

std::string to_json_line(const CheckBenchReport& report) {
    JsonLine json;
    json.add("checks_per_second_per_core", report.checks_per_second_per_core(), 0);
    json.add("ratio_to_bare_tls", report.ratio_to_bare_tls(), 4);
    json.add("cpu_us_per_check", report.cpu_us_per_check(), 2);
    json.add("p99_ms_half_load", report.p99_ms_half_load(), 3);
    json.add("resident_mb", report.resident_mb(), 1);
    json.add("persons", report.persons);
    return json.end();
}

std::string to_json_details(const CheckBenchReport& report) {
    JsonLine json;
    json.open("machine");
    json.add("cpu_model", printable(report.machine.cpu_model));
    json.add("kernel", printable(report.machine.kernel));
    json.add("cores", report.machine.cores);
    json.add("memory_bytes", report.machine.memory_bytes);
    json.close();
    json.add("persons", report.persons);
    json.add("connections", report.connections);
    json.add("terminals", report.terminals);
    json.add("registry_bytes", report.registry_bytes);
    json.add("bytes_per_person", report.bytes_per_person(), 1);
    json.add("request_body_bytes", report.request_body_bytes);
    json.add("answer_body_bytes", report.answer_body_bytes);
    json.open("warm_up");
    add_load(json, report.warm_up);
    json.close();
    add_phase(json, "full", report.full);
    add_phase(json, "half", report.half);
    json.open("memory");
    json.add("anonymous_bytes", report.memory.anonymous_bytes);
    json.add("file_bytes", report.memory.file_bytes);
    json.add("shared_bytes", report.memory.shared_bytes);
    json.close();
    json.open("nginx");
    add_load(json, report.nginx.load);
    json.add("cpu_us_per_request", report.nginx.cpu_us_per_request(), 2);
    json.add("answer_bytes", report.nginx.answer_bytes);
    json.close();
    json.open("rsa");
    json.add("cpu_us", report.rsa.cpu_us, 2);
    json.add("keys", report.rsa.keys);
    json.add("signatures", report.rsa.signatures);
    json.close();
    json.open("disk");
    json.add("syncs", report.disk.syncs);
    add_latency(json, "fdatasync_us", report.disk.latency);
    json.close();
    return json.end();
}

}  // namespace onshi::bench
