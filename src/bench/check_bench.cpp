#include "bench/check_bench.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "bench/cpu_pin.h"
#include "bench/hub_process.h"
#include "bench/limits.h"
#include "bench/nginx_reference.h"

namespace onshi::bench {

namespace {

// More than the warm-up reached, since the warm-up is not at its fastest.
constexpr double reserve_full = 1.25;
// The number of random arrivals may be some standard deviations above its mean, and lanes do not empty all at once.
constexpr double arrivals_deviations = 6;
constexpr double reserve_lanes = 4'000;
// What the hub did before a phase must be counted before it.
constexpr std::chrono::milliseconds counters_published_every{1'100};
constexpr std::uint32_t sample_every = 500;
// Pages are not in memory yet and memory is not allocated: a hub may shed some.
constexpr double refused_share_max_cold = 0.05;

double seconds_of(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

double per(double sum, std::uint64_t count) {
    return count == 0 ? 0 : sum / static_cast<double>(count);
}

bool is_whole_answer(std::string_view body) {
    boost::system::error_code error;
    const auto document = boost::json::parse({body.data(), body.size()}, error);
    if (error || !document.is_object()) return false;
    const auto& object = document.as_object();
    const auto* schema = object.if_contains("schema");
    const auto* receipt = object.if_contains("receipt");
    return schema != nullptr && *schema == "onshi.eligibility/1" && receipt != nullptr && receipt->is_string() &&
           object.contains("result") && object.contains("freshness") && object.contains("next_challenge");
}

AnswerRules hub_rules() {
    return {.required_text = R"("result":{"code":)", .sample_every = sample_every, .parse_sample = &is_whole_answer};
}

Result<void> believe(const CheckPhase& phase, std::string_view what, double refused_share) {
    const auto fault = find_fault(phase, refused_share);
    if (fault) return fail(ErrorCode::bench_invalid, fmt::format("{}: {}", what, *fault));
    return {};
}

// A hub in operation has its registry in the page cache. While a pool of checks is being signed nothing reads it, and
// some machines take back memory that nobody uses: without this a phase would measure their disk.
void read_through(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<char> piece(std::size_t{1} << 20U);
    while (file.read(piece.data(), static_cast<std::streamsize>(piece.size()))) {
    }
}

// One run from the installation to the report. Owns the hub's process while it runs.
class CheckBench {
  public:
    CheckBench(const CheckBenchOptions& options, const CardSource& cards, const Clock& clock,
               const BenchProgress& progress)
        : options_(options), cards_(cards), clock_(clock), progress_(progress) {}

    [[nodiscard]] Result<CheckBenchReport> run();

  private:
    [[nodiscard]] Result<void> look_at_machine();
    [[nodiscard]] Result<void> measure_hub(ChildProcess& hub);
    [[nodiscard]] Result<void> measure_nginx();
    [[nodiscard]] Result<void> prepare(double count, std::string_view what);
    [[nodiscard]] Result<LoadGenerator> connect(std::uint16_t port, AnswerRules rules) const;
    template <class Loop>
    [[nodiscard]] Result<LoadReport> offer(LoadGenerator& generator, const Loop& loop);
    template <class Loop>
    [[nodiscard]] Result<CheckPhase> load(ChildProcess& hub, const Loop& loop);
    template <class Loop>
    [[nodiscard]] Result<CheckPhase> phase(ChildProcess& hub, const Loop& loop, double requests, std::string_view what);
    [[nodiscard]] PersonDraw next_draw() { return {PersonOrder(options_.persons, options_.seed + draws_++), 0}; }

    const CheckBenchOptions& options_;
    const CardSource& cards_;
    const Clock& clock_;
    const BenchProgress& progress_;
    std::uint64_t draws_ = 0;
    HubPorts ports_;
    CheckBenchReport report_;
    Prepared prepared_;  // of the phase; those of the last one are sent to nginx, too
};

Result<void> CheckBench::look_at_machine() {
    auto machine = describe_machine();
    if (!machine) return fail(std::move(machine));
    report_.machine = std::move(*machine);
    if (options_.server_cpu == options_.load_cpu ||
        std::max(options_.server_cpu, options_.load_cpu) >= report_.machine.cores) {
        return fail(ErrorCode::bench_machine, "one core for the server and another for the load are needed");
    }
    std::error_code error;
    std::filesystem::create_directories(options_.folder, error);
    report_.registry_bytes = std::filesystem::file_size(options_.store_folder / "registry.db", error);
    if (error) return fail(ErrorCode::bench_machine, "no registry in the store's folder");
    auto disk = measure_disk(options_.store_folder, options_.disk_duration);
    if (!disk) return fail(std::move(disk));
    report_.disk = std::move(*disk);
    report_.persons = options_.persons;
    report_.connections = options_.connections;
    report_.terminals = options_.terminals.size();
    return {};
}

Result<void> CheckBench::prepare(double count, std::string_view what) {
    prepared_ = {};
    const auto least = static_cast<double>(options_.terminals.size());
    const auto bounded = static_cast<std::size_t>(std::clamp(count, least, static_cast<double>(prepared_requests_max)));
    progress_(fmt::format("{}: signing {} checks", what, bounded));
    auto draw = next_draw();
    auto prepared = prepare_checks({.hub = options_.hub,
                                    .port = ports_.main,
                                    .terminals = options_.terminals,
                                    .cards = cards_,
                                    .clock = clock_,
                                    .count = bounded},
                                   draw);
    if (!prepared) return fail(std::move(prepared));
    prepared_ = std::move(*prepared);
    return {};
}

Result<LoadGenerator> CheckBench::connect(std::uint16_t port, AnswerRules rules) const {
    LoadTarget target;
    target.address = options_.hub.address;
    target.port = port;
    target.server_name = options_.hub.server_name;
    target.server_anchors = options_.hub.anchors;
    for (const auto& terminal : options_.terminals) target.identities.push_back(terminal.identity.clone());
    target.connections = options_.connections;
    return LoadGenerator::connect(target, std::move(rules));
}

template <class Loop>
Result<LoadReport> CheckBench::offer(LoadGenerator& generator, const Loop& loop) {
    auto pin = CpuPin::to(options_.load_cpu);
    if (!pin) return fail(std::move(pin));
    return generator.run(loop, prepared_.lanes);
}

template <class Loop>
Result<CheckPhase> CheckBench::load(ChildProcess& hub, const Loop& loop) {
    auto generator = connect(ports_.main, hub_rules());
    if (!generator) return fail(std::move(generator));
    std::this_thread::sleep_for(counters_published_every);
    auto counters = read_hub_counters(ports_.metrics);
    if (!counters) return fail(std::move(counters));
    const auto cpu = cpu_use(hub.pid());
    const auto core = core_use(options_.server_cpu);
    auto load = offer(*generator, loop);
    if (!load) return fail(std::move(load));
    const auto cpu_after = cpu_use(hub.pid());
    const auto core_after = core_use(options_.server_cpu);
    const auto memory = memory_use(hub.pid());
    if (!hub.is_running() || !cpu || !cpu_after || !core || !core_after || !memory) {
        return fail(ErrorCode::bench_server, "the hub has ended, see " + (options_.folder / "hub.log").string());
    }
    auto counters_after =
        read_hub_counters_from(ports_.metrics, counters->ledger_sets + static_cast<double>(load->good));
    if (!counters_after) return fail(std::move(counters_after));
    // The largest: what the process needs at its worst.
    if (memory->anonymous_bytes > report_.memory.anonymous_bytes) report_.memory = *memory;
    return CheckPhase{.load = std::move(*load),
                      .server = *cpu_after - *cpu,
                      .counters = *counters_after - *counters,
                      .core = {core_after->busy - core->busy, core_after->stolen - core->stolen}};
}

template <class Loop>
Result<CheckPhase> CheckBench::phase(ChildProcess& hub, const Loop& loop, double requests, std::string_view what) {
    auto ready = prepare(requests, what);
    if (!ready) return fail(std::move(ready));
    progress_(fmt::format("{}: running", what));
    read_through(options_.store_folder / "registry.db");
    auto measured = load(hub, loop);
    if (!measured) return measured;
    measured->person_rounds = prepared_.rounds;
    return measured;
}

Result<void> CheckBench::measure_hub(ChildProcess& hub) {
    const double seconds = seconds_of(options_.duration);
    auto warm = phase(hub, ClosedLoop{options_.warm_up},
                      options_.warm_up_checks_per_second_max * seconds_of(options_.warm_up), "warm-up");
    if (!warm) return fail(std::move(warm));
    auto believed = believe(*warm, "warm-up", refused_share_max_cold);
    if (!believed) return believed;
    report_.warm_up = warm->load;
    report_.request_body_bytes = prepared_.bytes() / prepared_.count();

    auto full = phase(hub, ClosedLoop{options_.duration}, warm->load.good_per_second() * seconds * reserve_full,
                      "full load, closed loop");
    if (!full) return fail(std::move(full));
    believed = believe(*full, "full load", refused_share_max);
    if (!believed) return believed;
    report_.full = std::move(*full);
    report_.answer_body_bytes = report_.full.load.body_bytes / report_.full.load.good;

    ArrivalPlan plan;
    plan.per_second = report_.full.load.good_per_second() / 2;
    plan.duration = options_.duration;
    plan.seed = options_.seed;
    const double arrivals = plan.per_second * seconds;
    auto half = phase(hub, plan, arrivals + arrivals_deviations * std::sqrt(arrivals) + reserve_lanes,
                      fmt::format("half load, open loop of {:.0f} checks/s", plan.per_second));
    if (!half) return fail(std::move(half));
    believed = believe(*half, "half load", refused_share_max);
    if (!believed) return believed;
    report_.half = std::move(*half);
    report_.half.offered_per_second = plan.per_second;
    return {};
}

Result<void> CheckBench::measure_nginx() {
    const auto folder = options_.folder / "nginx";
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    std::filesystem::create_directory(folder, error);
    const auto answer_bytes = std::clamp<std::size_t>(report_.answer_body_bytes, 64, reference_answer_bytes_max);
    auto nginx = NginxReference::start({.program = options_.nginx,
                                        .folder = folder,
                                        .server = options_.server,
                                        .client_anchors = options_.client_anchors,
                                        .answer_bytes = answer_bytes,
                                        .cpu = options_.server_cpu});
    if (!nginx) return fail(std::move(nginx));
    for (auto& lane : prepared_.lanes) lane.restart(BodyUse::over_and_over);
    auto generator =
        connect(nginx->port(), {.required_text = R"("result":{"code":)", .sample_every = 0, .parse_sample = {}});
    if (!generator) return fail(std::move(generator));
    progress_("nginx, closed loop");
    auto warm = offer(*generator, ClosedLoop{options_.warm_up});
    if (!warm) return fail(std::move(warm));
    const auto before = nginx->cpu();
    auto load = offer(*generator, ClosedLoop{options_.duration});
    const auto after = nginx->cpu();
    if (!load) return fail(std::move(load));
    if (!before || !after || !load->is_clean()) {
        return fail(ErrorCode::bench_reference, "nginx did not answer everything");
    }
    report_.nginx = {.load = std::move(*load), .server = *after - *before, .answer_bytes = answer_bytes};
    return {};
}

Result<CheckBenchReport> CheckBench::run() {
    auto looked = look_at_machine();
    if (!looked) return fail(std::move(looked));
    {
        progress_("starting the hub");
        auto hub =
            start_hub({options_.server_command, options_.ready_file, options_.folder / "hub.log", options_.server_cpu});
        if (!hub) return fail(std::move(hub));
        ports_ = hub->ports;
        auto measured = measure_hub(hub->process);
        if (!measured) return fail(std::move(measured));
    }
    auto measured = measure_nginx();
    if (!measured) return fail(std::move(measured));
    progress_("bare signature verification");
    auto draw = next_draw();
    auto rsa = measure_rsa(cards_, draw, options_.rsa_duration, options_.server_cpu);
    if (!rsa) return fail(std::move(rsa));
    report_.rsa = *rsa;
    return std::move(report_);
}

Result<void> check_options(const CheckBenchOptions& options) {
    const auto bounded = [](std::chrono::nanoseconds duration) {
        return duration >= std::chrono::milliseconds(100) && duration <= run_time_max;
    };
    if (options.server_command.empty() || options.ready_file.empty()) {
        return fail(ErrorCode::config_value, "server_command and ready_file");
    }
    if (options.terminals.empty()) return fail(ErrorCode::config_value, "terminals");
    if (options.persons == 0) return fail(ErrorCode::config_value, "persons");
    if (!bounded(options.warm_up) || !bounded(options.duration) || !bounded(options.rsa_duration) ||
        !bounded(options.disk_duration)) {
        return fail(ErrorCode::config_value, "a duration");
    }
    if (options.connections < options.terminals.size() || options.connections > connections_max) {
        return fail(ErrorCode::config_value, "connections");
    }
    return {};
}

}  // namespace

double CheckPhase::cpu_us_per_check() const {
    return per(static_cast<double>(server.total().count()), load.good);
}

double CheckPhase::sets_per_commit() const {
    return counters.ledger_commits > 0 ? counters.ledger_sets / counters.ledger_commits : 0;
}

double CheckPhase::pages_per_check() const {
    return per(counters.pages_read, load.good);
}

double CheckPhase::read_batches_per_check() const {
    return per(counters.read_batches, load.good);
}

double ReferencePhase::cpu_us_per_request() const {
    return per(static_cast<double>(server.total().count()), load.good);
}

double CheckBenchReport::ratio_to_bare_tls() const {
    const double ours = cpu_us_per_check();
    return ours > 0 ? nginx.cpu_us_per_request() / ours : 0;
}

double CheckBenchReport::p99_ms_half_load() const {
    return seconds_of(half.load.latency.percentile(99)) * 1e3;
}

double CheckBenchReport::resident_mb() const {
    return static_cast<double>(memory.anonymous_bytes) / 1e6;
}

double CheckBenchReport::bytes_per_person() const {
    return per(static_cast<double>(registry_bytes), persons);
}

bool CheckBenchReport::reaches(const CheckTargets& targets) const {
    return checks_per_second_per_core() >= targets.checks_per_second_per_core &&
           cpu_us_per_check() <= targets.cpu_us_per_check && ratio_to_bare_tls() >= targets.ratio_to_bare_tls &&
           p99_ms_half_load() <= targets.p99_ms_half_load && resident_mb() <= targets.resident_mb;
}

std::optional<std::string> find_fault(const CheckPhase& phase, double refused_share) {
    const LoadReport& load = phase.load;
    if (load.good == 0) return "no good answer";
    if (load.malformed > 0) return fmt::format("{} answers are not whole", load.malformed);
    if (load.unanswered > 0 || load.connections_lost > 0) {
        return fmt::format("{} requests without an answer, {} connections lost", load.unanswered,
                           load.connections_lost);
    }
    if (load.sent < load.scheduled) return fmt::format("{} requests were never sent", load.scheduled - load.sent);
    std::string statuses;
    for (const auto& [status, count] : load.statuses) statuses += fmt::format(" {}: {}", status, count);
    const auto shed = load.statuses.contains(503) ? load.statuses.at(503) : 0;
    if (load.refused > shed || per(static_cast<double>(shed), load.answered) > refused_share) {
        return "refused answers, by status" + statuses;
    }
    if (phase.counters.ledger_sets < static_cast<double>(load.good)) {
        return fmt::format("{} answers, but only {:.0f} durable write sets", load.good, phase.counters.ledger_sets);
    }
    return std::nullopt;
}

Result<CheckBenchReport> run_check_bench(const CheckBenchOptions& options, const CardSource& cards, const Clock& clock,
                                         const BenchProgress& progress) {
    auto checked = check_options(options);
    if (!checked) return fail(std::move(checked));
    return CheckBench(options, cards, clock, progress).run();
}

}  // namespace onshi::bench
