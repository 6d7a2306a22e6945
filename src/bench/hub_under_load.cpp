#include "bench/hub_under_load.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include <fmt/format.h>

#include "bench/cpu_pin.h"
#include "bench/limits.h"

namespace onshi::bench {

namespace {

// More than a shorter phase reached, since that was not at its fastest.
constexpr double reserve_full = 1.3;
// The number of random arrivals may be some standard deviations above its mean, and lanes do not empty all at once.
constexpr double arrivals_deviations = 6;
constexpr double reserve_lanes = 4'000;
// What the hub did before a phase must be counted before it.
constexpr std::chrono::milliseconds counters_published_every{1'100};

double seconds_of(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

Result<void> HubUnderLoad::start() {
    stop();
    auto hub =
        start_hub({options_.server_command, options_.ready_file, options_.folder / "hub.log", options_.server_cpu});
    if (!hub) return fail(std::move(hub));
    hub_.emplace(std::move(*hub));
    return {};
}

Result<void> HubUnderLoad::prepare(double count, std::string_view what) {
    prepared_ = {};
    const auto least = static_cast<double>(options_.terminals.size());
    const auto bounded = static_cast<std::size_t>(std::clamp(count, least, static_cast<double>(prepared_requests_max)));
    progress_(fmt::format("{}: signing {} checks", what, bounded));
    PersonDraw draw{PersonOrder(options_.persons, options_.seed + draws_++), 0};
    auto prepared = prepare_checks({.hub = options_.hub,
                                    .port = hub_->ports.main,
                                    .terminals = options_.terminals,
                                    .cards = cards_,
                                    .clock = clock_,
                                    .count = bounded},
                                   draw);
    if (!prepared) return fail(std::move(prepared));
    prepared_ = std::move(*prepared);
    return {};
}

Result<LoadGenerator> HubUnderLoad::connect(std::size_t connections) const {
    LoadTarget target;
    target.address = options_.hub.address;
    target.port = hub_->ports.main;
    target.server_name = options_.hub.server_name;
    target.server_anchors = options_.hub.anchors;
    for (const auto& terminal : options_.terminals) target.identities.push_back(terminal.identity.clone());
    target.connections = std::max(connections, target.identities.size());
    AnswerRules rules;
    rules.required_text = R"("result":{"code":)";
    return LoadGenerator::connect(target, std::move(rules));
}

Result<CheckPhase> HubUnderLoad::load(const Loop& loop, std::size_t connections, std::string_view what,
                                      double refused_share) {
    auto generator = connect(connections);
    if (!generator) return fail(std::move(generator));
    std::this_thread::sleep_for(counters_published_every);
    auto counters = read_hub_counters(hub_->ports.metrics);
    if (!counters) return fail(std::move(counters));
    auto pin = CpuPin::to(options_.load_cpu);
    if (!pin) return fail(std::move(pin));
    const auto cpu = cpu_use(hub_->process.pid());
    const auto disk = disk_use(hub_->process.pid());
    const auto core = core_use(options_.server_cpu);
    auto load =
        std::visit([&](const auto& offered) { return generator->run(offered, std::span(prepared_.lanes)); }, loop);
    if (!load) return fail(std::move(load));
    const auto cpu_after = cpu_use(hub_->process.pid());
    const auto disk_after = disk_use(hub_->process.pid());
    const auto core_after = core_use(options_.server_cpu);
    if (!hub_->process.is_running() || !cpu || !cpu_after || !disk || !disk_after || !core || !core_after) {
        return fail(ErrorCode::bench_server, "the hub has ended, see " + (options_.folder / "hub.log").string());
    }
    auto counters_after =
        read_hub_counters_from(hub_->ports.metrics, counters->ledger_sets + static_cast<double>(load->good));
    if (!counters_after) return fail(std::move(counters_after));
    CheckPhase phase;
    phase.load = std::move(*load);
    phase.server = *cpu_after - *cpu;
    phase.disk = *disk_after - *disk;
    phase.counters = *counters_after - *counters;
    phase.core = {core_after->busy - core->busy, core_after->stolen - core->stolen};
    phase.person_rounds = prepared_.rounds;
    if (const auto* plan = std::get_if<ArrivalPlan>(&loop)) phase.offered_per_second = plan->per_second;
    if (const auto fault = find_fault(phase, refused_share)) {
        return fail(ErrorCode::bench_invalid, fmt::format("{}: {}", what, *fault));
    }
    return phase;
}

Result<CheckPhase> HubUnderLoad::full_load() {
    auto ready = prepare(options_.warm_up_checks_per_second_max * seconds_of(options_.warm_up), "warm-up");
    if (!ready) return fail(std::move(ready));
    auto warm = load(ClosedLoop{options_.warm_up}, options_.connections, "warm-up", refused_share_max_cold);
    if (!warm) return warm;
    ready = prepare(warm->load.good_per_second() * seconds_of(options_.duration) * reserve_full + reserve_lanes,
                    "full load");
    if (!ready) return fail(std::move(ready));
    progress_("full load, closed loop");
    return load(ClosedLoop{options_.duration}, options_.connections, "full load");
}

Result<void> HubUnderLoad::prepare_steady(double per_second, std::string_view what) {
    const double arrivals = per_second * seconds_of(options_.duration);
    return prepare(arrivals + arrivals_deviations * std::sqrt(arrivals) + reserve_lanes, what);
}

Result<CheckPhase> HubUnderLoad::load_steady(double per_second, std::string_view what) {
    ArrivalPlan plan;
    plan.per_second = per_second;
    plan.duration = options_.duration;
    plan.seed = options_.seed;
    progress_(fmt::format("{}, open loop of {:.0f} checks/s", what, per_second));
    return load(plan, options_.connections, what);
}

Result<CheckPhase> HubUnderLoad::steady_load(double per_second, std::string_view what) {
    auto ready = prepare_steady(per_second, what);
    if (!ready) return fail(std::move(ready));
    return load_steady(per_second, what);
}

}  // namespace onshi::bench
