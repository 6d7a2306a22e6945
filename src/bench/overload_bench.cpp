#include "bench/overload_bench.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include <fmt/format.h>

#include "bench/cpu_pin.h"
#include "bench/hub_process.h"
#include "bench/limits.h"

namespace onshi::bench {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Bodies that were refused are sent again, so about as many are needed as are answered.
constexpr double reserve = 1.3;
// The warm-up's rate is measured over seconds only, and on a cold hub.
constexpr double reserve_cold = 2.0;
constexpr double reserve_lanes = 4'000;
constexpr milliseconds warm_up{2'000};
constexpr milliseconds recovery_time{8'000};
constexpr milliseconds storm_load_time{10'000};
constexpr milliseconds slow_from{50};
constexpr std::chrono::seconds storm_time_max{60};
constexpr double warm_up_checks_per_second_max = 25'000;

double seconds_of(nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}
double ms_of(nanoseconds duration) {
    return seconds_of(duration) * 1e3;
}

// Overload may be refused; nothing may be lost or broken.
std::optional<std::string> find_fault(const LoadReport& load) {
    if (load.good == 0) return "no good answer";
    if (load.malformed > 0) return fmt::format("{} answers are not whole", load.malformed);
    if (load.unanswered > 0 || load.connections_lost > 0) {
        return fmt::format("{} requests without an answer, {} connections lost", load.unanswered,
                           load.connections_lost);
    }
    if (load.exhausted) return "the prepared requests ran out";
    for (const auto& [status, count] : load.statuses) {
        if (status != 200 && status != 503) return fmt::format("{} answers of status {}", count, status);
    }
    if (load.refused_without_advice > 0) {
        return fmt::format("{} refusals without retry-after", load.refused_without_advice);
    }
    return std::nullopt;
}

class OverloadBench {
  public:
    OverloadBench(const OverloadOptions& options, const CardSource& cards, const Clock& clock,
                  const BenchProgress& progress)
        : options_(options), ground_(options.ground), cards_(cards), clock_(clock), progress_(progress) {}

    [[nodiscard]] Result<OverloadReport> run();

  private:
    [[nodiscard]] Result<void> prepare(double count, std::string_view what);
    [[nodiscard]] LoadTarget target(std::size_t connections) const;
    [[nodiscard]] Result<LoadGenerator> connect(std::size_t connections) const;
    template <class Loop>
    [[nodiscard]] Result<CheckPhase> offer(LoadGenerator& generator, const Loop& loop, std::string_view what);
    [[nodiscard]] Result<void> find_sustainable();
    [[nodiscard]] Result<void> overload();
    [[nodiscard]] Result<void> storm();
    [[nodiscard]] Result<void> restart();
    [[nodiscard]] HubCommand command() const {
        return {ground_.server_command, ground_.ready_file, ground_.folder / "hub.log", ground_.server_cpu};
    }
    [[nodiscard]] ArrivalPlan plan(double per_second, nanoseconds duration) const {
        ArrivalPlan made;
        made.per_second = per_second;
        made.duration = duration;
        made.seed = ground_.seed;
        return made;
    }

    const OverloadOptions& options_;
    const CheckBenchOptions& ground_;
    const CardSource& cards_;
    const Clock& clock_;
    const BenchProgress& progress_;
    std::uint64_t draws_ = 0;
    std::optional<HubProcess> hub_;
    Prepared prepared_;
    OverloadReport report_;
};

Result<void> OverloadBench::prepare(double count, std::string_view what) {
    prepared_ = {};
    const auto least = static_cast<double>(ground_.terminals.size());
    const auto bounded =
        static_cast<std::size_t>(std::clamp(count + reserve_lanes, least, static_cast<double>(prepared_requests_max)));
    progress_(fmt::format("{}: signing {} checks", what, bounded));
    PersonDraw draw{PersonOrder(ground_.persons, ground_.seed + draws_++), 0};
    auto prepared = prepare_checks({.hub = ground_.hub,
                                    .port = hub_->ports.main,
                                    .terminals = ground_.terminals,
                                    .cards = cards_,
                                    .clock = clock_,
                                    .count = bounded},
                                   draw);
    if (!prepared) return fail(std::move(prepared));
    prepared_ = std::move(*prepared);
    return {};
}

LoadTarget OverloadBench::target(std::size_t connections) const {
    LoadTarget made;
    made.address = ground_.hub.address;
    made.port = hub_->ports.main;
    made.server_name = ground_.hub.server_name;
    made.server_anchors = ground_.hub.anchors;
    for (const auto& terminal : ground_.terminals) made.identities.push_back(terminal.identity.clone());
    made.connections = std::max(connections, made.identities.size());
    made.source_addresses = options_.source_addresses;
    return made;
}

Result<LoadGenerator> OverloadBench::connect(std::size_t connections) const {
    AnswerRules rules;
    rules.required_text = R"("result":{"code":)";
    rules.advice = Advice::followed;
    rules.slow_from = slow_from;
    return LoadGenerator::connect(target(connections), std::move(rules));
}

template <class Loop>
Result<CheckPhase> OverloadBench::offer(LoadGenerator& generator, const Loop& loop, std::string_view what) {
    auto pin = CpuPin::to(ground_.load_cpu);
    if (!pin) return fail(std::move(pin));
    const auto cpu = cpu_use(hub_->process.pid());
    const auto core = core_use(ground_.server_cpu);
    auto load = generator.run(loop, prepared_.lanes);
    if (!load) return fail(std::move(load));
    const auto cpu_after = cpu_use(hub_->process.pid());
    const auto core_after = core_use(ground_.server_cpu);
    if (!hub_->process.is_running() || !cpu || !cpu_after || !core || !core_after) {
        return fail(ErrorCode::bench_server, "the hub has ended, see " + (ground_.folder / "hub.log").string());
    }
    if (const auto fault = find_fault(*load)) {
        return fail(ErrorCode::bench_invalid, fmt::format("{}: {}", what, *fault));
    }
    CheckPhase phase;
    phase.load = std::move(*load);
    phase.server = *cpu_after - *cpu;
    phase.core = {core_after->busy - core->busy, core_after->stolen - core->stolen};
    return phase;
}

Result<void> OverloadBench::find_sustainable() {
    auto ready = prepare(warm_up_checks_per_second_max * seconds_of(warm_up), "warm-up");
    if (!ready) return ready;
    double rate = 0;
    {
        auto generator = connect(ground_.connections);
        if (!generator) return fail(std::move(generator));
        auto warm = offer(*generator, ClosedLoop{warm_up}, "warm-up");
        if (!warm) return fail(std::move(warm));
        rate = warm->load.good_per_second();
    }
    ready = prepare(rate * seconds_of(ground_.duration) * reserve_cold, "sustainable rate");
    if (!ready) return ready;
    progress_("sustainable rate, closed loop");
    auto generator = connect(ground_.connections);
    if (!generator) return fail(std::move(generator));
    auto phase = offer(*generator, ClosedLoop{ground_.duration}, "sustainable rate");
    if (!phase) return fail(std::move(phase));
    report_.sustainable = std::move(*phase);
    return {};
}

Result<void> OverloadBench::overload() {
    const double rate = report_.sustainable.load.good_per_second();
    report_.offered_per_second = rate * options_.times_sustainable;
    report_.desks = options_.desks;
    auto ready = prepare(rate * (seconds_of(ground_.duration) + seconds_of(recovery_time) / 2) * reserve, "overload");
    if (!ready) return ready;
    progress_(fmt::format("connecting {} desks", options_.desks));
    auto generator = connect(options_.desks);
    if (!generator) return fail(std::move(generator));
    progress_(fmt::format("overload, open loop of {:.0f} checks/s", report_.offered_per_second));
    auto phase = offer(*generator, plan(report_.offered_per_second, ground_.duration), "overload");
    if (!phase) return fail(std::move(phase));
    report_.overload = std::move(*phase);
    auto calm = offer(*generator, plan(rate / 2, recovery_time), "recovery");
    if (!calm) return fail(std::move(calm));
    report_.recovery = std::move(*calm);
    const auto memory = memory_use(hub_->process.pid());
    if (!memory) return fail(ErrorCode::bench_server, "the hub has ended");
    report_.memory = *memory;
    return {};
}

Result<void> OverloadBench::restart() {
    hub_->process.stop();
    auto hub = start_hub(command());
    if (!hub) return fail(std::move(hub));
    hub_.emplace(std::move(*hub));
    return {};
}

Result<void> OverloadBench::storm() {
    auto crowd = TerminalCrowd::make(target(options_.storm_terminals), options_.storm_terminals);
    if (!crowd) return fail(std::move(crowd));
    progress_(fmt::format("{} terminals come for the first time", options_.storm_terminals));
    auto first = crowd->storm(hub_->ports.main, storm_time_max);
    if (!first) return fail(std::move(first));
    report_.first_visit = *first;
    auto again = restart();
    if (!again) return again;
    const double rate = report_.sustainable.load.good_per_second() / 4;
    auto ready = prepare(rate * seconds_of(storm_load_time) * reserve, "storm");
    if (!ready) return ready;
    auto generator = connect(ground_.connections);
    if (!generator) return fail(std::move(generator));
    progress_("all come back to a hub that was started anew");
    Result<StormReport> storm = fail(ErrorCode::bench_invalid, "no storm");
    std::thread others([&] {
        auto pin = CpuPin::to(ground_.load_cpu);
        storm = crowd->storm(hub_->ports.main, storm_time_max);
    });
    auto beside = offer(*generator, plan(rate, storm_load_time), "beside the storm");
    others.join();
    if (!storm) return fail(std::move(storm));
    report_.storm = *storm;
    if (!beside) return fail(std::move(beside));
    report_.during_storm = std::move(*beside);
    return {};
}

Result<OverloadReport> OverloadBench::run() {
    auto machine = describe_machine();
    if (!machine) return fail(std::move(machine));
    report_.machine = std::move(*machine);
    std::error_code error;
    std::filesystem::create_directories(ground_.folder, error);
    progress_("starting the hub");
    auto hub = start_hub(command());
    if (!hub) return fail(std::move(hub));
    hub_.emplace(std::move(*hub));
    auto done = find_sustainable();
    if (done) done = overload();
    if (done) done = storm();
    if (!done) return fail(std::move(done));
    return std::move(report_);
}

std::string verdict(bool reached) {
    return reached ? "reached" : "NOT REACHED";
}

}  // namespace

double OverloadReport::goodput_ratio() const {
    const double most = sustainable.load.good_per_second();
    return most > 0 ? overload.load.good_per_second() / most : 0;
}
double OverloadReport::sent_ratio() const {
    const auto due = overload.load.sent + overload.load.held_back;
    return due > 0 ? static_cast<double>(overload.load.sent) / static_cast<double>(due) : 0;
}
double OverloadReport::refused_p99_ms() const {
    return ms_of(overload.load.refused_latency.percentile(99));
}
double OverloadReport::accepted_p99_ms() const {
    return ms_of(overload.load.good_latency.percentile(99));
}
double OverloadReport::recovery_s() const {
    return seconds_of(recovery.load.last_disturbed);
}
double OverloadReport::storm_s() const {
    return seconds_of(storm.elapsed);
}
double OverloadReport::resumed_share() const {
    return storm.answered > 0 ? static_cast<double>(storm.resumed) / static_cast<double>(storm.answered) : 0;
}

bool OverloadReport::reaches(const OverloadTargets& targets) const {
    return goodput_ratio() >= targets.goodput_ratio && refused_p99_ms() <= targets.refused_p99_ms &&
           accepted_p99_ms() <= targets.accepted_p99_ms && recovery_s() <= targets.recovery_s &&
           storm.answered == storm.terminals && storm_s() <= targets.storm_s && resumed_share() >= 0.99;
}

std::string to_text(const OverloadReport& report, const OverloadTargets& targets) {
    const LoadReport& load = report.overload.load;
    std::string text = fmt::format("{}, {} cores, Linux {}; the hub has one core\n", report.machine.cpu_model,
                                   report.machine.cores, report.machine.kernel);
    text += fmt::format("sustainable, closed loop          {:>10.0f} checks/s\n",
                        report.sustainable.load.good_per_second());
    text += fmt::format("offered                           {:>10.0f} checks/s by {} desks that follow the advice\n",
                        report.offered_per_second, report.desks);
    text += fmt::format("  of that kept away by the advice {:>10} requests, sent {}, refused {}\n", load.held_back,
                        load.sent, load.refused);
    text +=
        fmt::format("answered well                     {:>10.0f} checks/s = {:.2f} of the sustainable (>= {}: {})\n",
                    load.good_per_second(), report.goodput_ratio(), targets.goodput_ratio,
                    verdict(report.goodput_ratio() >= targets.goodput_ratio));
    text += fmt::format(
        "refusals                          p99 {:.1f} ms, max {:.1f} ms (< {} ms: {}), all with retry-after\n",
        report.refused_p99_ms(), ms_of(load.refused_latency.max()), targets.refused_p99_ms,
        verdict(report.refused_p99_ms() <= targets.refused_p99_ms));
    text +=
        fmt::format("good answers                      p50 {:.1f} ms, p99 {:.1f} ms, max {:.1f} ms (p99 < {} ms: {})\n",
                    ms_of(load.good_latency.percentile(50)), report.accepted_p99_ms(), ms_of(load.good_latency.max()),
                    targets.accepted_p99_ms, verdict(report.accepted_p99_ms() <= targets.accepted_p99_ms));
    text += fmt::format(
        "last refused or slow answer       {:.2f} s behind the overload, at half of the rate (<= {} s: {})\n",
        report.recovery_s(), targets.recovery_s, verdict(report.recovery_s() <= targets.recovery_s));
    text += fmt::format("memory of the hub                 {:.0f} MB\n",
                        static_cast<double>(report.memory.anonymous_bytes) / 1e6);
    const StormReport& storm = report.storm;
    text += fmt::format("first visit of {} terminals     {:.1f} s, {} answered, {} connections refused\n",
                        report.first_visit.terminals, seconds_of(report.first_visit.elapsed),
                        report.first_visit.answered, report.first_visit.connections_refused);
    text += fmt::format(
        "all again after a restart         {:.1f} s, {} answered, {} resumed, {} connections refused, {} told to "
        "wait\n",
        report.storm_s(), storm.answered, storm.resumed, storm.connections_refused, storm.refused);
    const LoadReport& beside = report.during_storm.load;
    text += fmt::format(
        "checks beside that                {:.0f} of {:.0f} checks/s, p99 {:.1f} ms, max {:.1f} ms, refused {}",
        beside.good_per_second(), report.sustainable.load.good_per_second() / 4,
        ms_of(beside.good_latency.percentile(99)), ms_of(beside.good_latency.max()), beside.refused);
    return text;
}

std::string to_json_line(const OverloadReport& report) {
    const LoadReport& load = report.overload.load;
    return fmt::format(
        R"({{"sustainable_per_second":{:.0f},"offered_per_second":{:.0f},"sent_ratio":{:.2f},"goodput_ratio":{:.3f},)"
        R"("refused":{},"refused_without_advice":{},"refused_p99_ms":{:.1f},"refused_max_ms":{:.1f},)"
        R"("accepted_p99_ms":{:.1f},"accepted_max_ms":{:.1f},"recovery_s":{:.2f},"storm_terminals":{},)"
        R"("storm_answered":{},"storm_resumed":{},"storm_s":{:.1f},"first_visit_s":{:.1f}}})",
        report.sustainable.load.good_per_second(), report.offered_per_second, report.sent_ratio(),
        report.goodput_ratio(), load.refused, load.refused_without_advice, report.refused_p99_ms(),
        ms_of(load.refused_latency.max()), report.accepted_p99_ms(), ms_of(load.good_latency.max()),
        report.recovery_s(), report.storm.terminals, report.storm.answered, report.storm.resumed, report.storm_s(),
        seconds_of(report.first_visit.elapsed));
}

Result<OverloadReport> run_overload_bench(const OverloadOptions& options, const CardSource& cards, const Clock& clock,
                                          const BenchProgress& progress) {
    const CheckBenchOptions& ground = options.ground;
    if (ground.terminals.empty() || ground.persons == 0 || options.desks < ground.terminals.size() ||
        options.desks > connections_max || options.storm_terminals < 1 || options.storm_terminals > connections_max ||
        options.times_sustainable < 1.1 || options.times_sustainable > 10) {
        return fail(ErrorCode::config_value, "terminals, persons, desks, storm_terminals, times_sustainable");
    }
    return OverloadBench(options, cards, clock, progress).run();
}

}  // namespace onshi::bench
