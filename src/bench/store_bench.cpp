#include "bench/store_bench.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "bench/cpu_pin.h"
#include "bench/hub_process.h"
#include "bench/limits.h"
#include "bench/pgbench_reference.h"

namespace onshi::bench {

namespace {

using std::chrono::nanoseconds;

// More than the warm-up reached, since the warm-up is not at its fastest.
constexpr double reserve = 1.4;
constexpr double reserve_lanes = 4'000;
constexpr std::chrono::milliseconds counters_published_every{1'100};
constexpr double refused_share_max_cold = 0.05;

double seconds_of(nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}
double ms_of(nanoseconds duration) {
    return seconds_of(duration) * 1e3;
}

Result<nanoseconds> busy_cores(int cores) {
    nanoseconds sum{0};
    for (int cpu = 0; cpu < cores; ++cpu) {
        auto use = core_use(cpu);
        if (!use) return fail(std::move(use));
        sum += use->busy;
    }
    return sum;
}

// One hub on one kind of store: warm-up, then the closed loop that counts.
class Side {
  public:
    Side(const CheckBenchOptions& ground, const CardSource& cards, const Clock& clock, const BenchProgress& progress,
         int cores, std::string name)
        : ground_(ground), cards_(cards), clock_(clock), progress_(progress), cores_(cores), name_(std::move(name)) {}

    Result<StoreSide> run() {
        std::error_code error;
        std::filesystem::create_directories(ground_.folder, error);
        auto command = ground_.server_command;
        command.insert(command.end(), {"--loops", std::to_string(cores_)});
        auto hub = start_hub({std::move(command), ground_.ready_file, log(), any_cpu});
        if (!hub) return fail(std::move(hub));
        hub_ = std::move(*hub);
        auto warm = offer(ground_.warm_up, ground_.warm_up_checks_per_second_max * seconds_of(ground_.warm_up),
                          "warm-up", refused_share_max_cold);
        if (!warm) return fail(std::move(warm));
        return offer(ground_.duration,
                     warm->phase.load.good_per_second() * seconds_of(ground_.duration) * reserve + reserve_lanes,
                     "closed loop", refused_share_max);
    }

  private:
    [[nodiscard]] std::filesystem::path log() const { return ground_.folder / ("hub-" + name_ + ".log"); }
    Result<Prepared> prepare(double count) {
        PersonDraw draw{PersonOrder(ground_.persons, ground_.seed + draws_++), 0};
        return prepare_checks(
            {.hub = ground_.hub,
             .port = hub_->ports.main,
             .terminals = ground_.terminals,
             .cards = cards_,
             .clock = clock_,
             .count = static_cast<std::size_t>(std::clamp(count, static_cast<double>(ground_.terminals.size()),
                                                          static_cast<double>(prepared_requests_max)))},
            draw);
    }
    Result<LoadGenerator> connect() const {
        LoadTarget target;
        target.address = ground_.hub.address;
        target.port = hub_->ports.main;
        target.server_name = ground_.hub.server_name;
        target.server_anchors = ground_.hub.anchors;
        for (const auto& terminal : ground_.terminals) target.identities.push_back(terminal.identity.clone());
        target.connections = ground_.connections;
        target.waiting = Waiting::sleeps;
        AnswerRules rules;
        rules.required_text = R"("result":{"code":)";
        return LoadGenerator::connect(target, std::move(rules));
    }
    Result<StoreSide> offer(nanoseconds duration, double count, std::string_view what, double refused_share) {
        progress_(fmt::format("{}, {}: signing", name_, what));
        auto prepared = prepare(count);
        if (!prepared) return fail(std::move(prepared));
        auto generator = connect();
        if (!generator) return fail(std::move(generator));
        progress_(fmt::format("{}, {}: running", name_, what));
        std::this_thread::sleep_for(counters_published_every);
        auto counters = read_hub_counters(hub_->ports.metrics);
        if (!counters) return fail(std::move(counters));
        const auto busy = busy_cores(cores_);
        const auto cpu = cpu_use(hub_->process.pid());
        auto load = generator->run(ClosedLoop{duration}, prepared->lanes);
        if (!load) return fail(std::move(load));
        const auto cpu_after = cpu_use(hub_->process.pid());
        const auto busy_after = busy_cores(cores_);
        if (!hub_->process.is_running() || !cpu || !cpu_after || !busy || !busy_after) {
            return fail(ErrorCode::bench_server, "the hub has ended, see " + log().string());
        }
        auto counters_after =
            read_hub_counters_from(hub_->ports.metrics, counters->ledger_sets + static_cast<double>(load->good));
        if (!counters_after) return fail(std::move(counters_after));
        StoreSide side;
        side.phase.load = std::move(*load);
        side.phase.server = *cpu_after - *cpu;
        side.phase.counters = *counters_after - *counters;
        side.phase.person_rounds = prepared->rounds;
        side.busy = *busy_after - *busy;
        if (const auto fault = find_fault(side.phase, refused_share)) {
            return fail(ErrorCode::bench_invalid, fmt::format("{}, {}: {}", name_, what, *fault));
        }
        return side;
    }

    const CheckBenchOptions& ground_;
    const CardSource& cards_;
    const Clock& clock_;
    const BenchProgress& progress_;
    int cores_;
    std::string name_;
    std::uint64_t draws_ = 0;
    std::optional<HubProcess> hub_;
};

void append_side(std::string& out, std::string_view name, const StoreSide& side) {
    const auto& load = side.phase.load;
    out += fmt::format(
        "  {:<11} {:>9.0f} checks/s   p50 {:.2f} ms  p99 {:.2f} ms   CPU per check: hub {:.0f} us, load "
        "{:.0f} us, database and kernel {:.0f} us   {:.1f} sets a commit\n",
        name, load.good_per_second(), ms_of(load.latency.percentile(50)), ms_of(load.latency.percentile(99)),
        side.phase.cpu_us_per_check(), load.cpu_us_per_request(), side.other_cpu_us_per_check(),
        side.phase.sets_per_commit());
}

}  // namespace

double StoreSide::other_cpu_us_per_check() const {
    if (phase.load.good == 0) return 0;
    const double all = seconds_of(busy) * 1e6 / static_cast<double>(phase.load.good);
    return std::max(0.0, all - phase.cpu_us_per_check() - phase.load.cpu_us_per_request());
}

double StoreBenchReport::ratio_to_pgbench() const {
    return pgbench.checks > 0 ? postgres.phase.load.good_per_second() / pgbench.checks : 0;
}

Result<StoreBenchReport> run_store_bench(const StoreBenchOptions& options, const Clock& clock,
                                         const BenchProgress& progress) {
    StoreBenchReport report;
    auto machine = describe_machine();
    if (!machine) return fail(std::move(machine));
    report.machine = std::move(*machine);
    report.persons = options.postgres.persons;
    report.connections = options.postgres.connections;
    report.pgbench_clients = options.pgbench_clients;
    const int cores = report.machine.cores;
    auto postgres = Side(options.postgres, *options.postgres_cards, clock, progress, cores, "postgresql").run();
    if (!postgres) return fail(std::move(postgres));
    report.postgres = std::move(*postgres);
    auto sqlite = Side(options.sqlite, *options.sqlite_cards, clock, progress, cores, "sqlite").run();
    if (!sqlite) return fail(std::move(sqlite));
    report.sqlite = std::move(*sqlite);
    auto reference = PgbenchReference::prepare({options.address, options.postgres.folder, options.tools, report.persons,
                                                options.pgbench_clients, options.pgbench_duration});
    if (!reference) return fail(std::move(reference));
    for (const auto& [script, rate] : {std::pair{PgbenchScript::read, &report.pgbench.reads},
                                       std::pair{PgbenchScript::insert, &report.pgbench.inserts},
                                       std::pair{PgbenchScript::check, &report.pgbench.checks}}) {
        progress("pgbench");
        auto measured = reference->run(script);
        if (!measured) return fail(std::move(measured));
        *rate = *measured;
    }
    return report;
}

std::string to_text(const StoreBenchReport& report, const StoreTargets& targets) {
    std::string out = fmt::format("{} persons, {} connections; hub, database and load on {} cores ({})\n",
                                  report.persons, report.connections, report.machine.cores, report.machine.cpu_model);
    append_side(out, "PostgreSQL", report.postgres);
    append_side(out, "SQLite", report.sqlite);
    out += fmt::format("  pgbench -c {} -M prepared: {:.0f} reads/s, {:.0f} inserts/s, {:.0f} checks/s\n",
                       report.pgbench_clients, report.pgbench.reads, report.pgbench.inserts, report.pgbench.checks);
    out += fmt::format("  to reach: {:.0f} checks/s (here {:.0f}), {:.2f} of pgbench (here {:.2f})",
                       targets.checks_per_second, report.postgres.phase.load.good_per_second(),
                       targets.ratio_to_pgbench, report.ratio_to_pgbench());
    return out;
}

std::string to_json_line(const StoreBenchReport& report) {
    const auto& load = report.postgres.phase.load;
    return fmt::format(
        R"({{"bench":"check","store":"postgresql","checks_per_second":{:.1f},"ratio_to_pgbench":{:.3f},"p50_ms":{:.3f},)"
        R"("p99_ms":{:.3f},"hub_cpu_us":{:.1f},"load_cpu_us":{:.1f},"database_cpu_us":{:.1f},"sets_per_commit":{:.1f},)"
        R"("sqlite_checks_per_second":{:.1f},"sqlite_p99_ms":{:.3f},"pgbench_reads_per_second":{:.1f},)"
        R"("pgbench_inserts_per_second":{:.1f},"pgbench_checks_per_second":{:.1f},"persons":{}}})",
        load.good_per_second(), report.ratio_to_pgbench(), ms_of(load.latency.percentile(50)),
        ms_of(load.latency.percentile(99)), report.postgres.phase.cpu_us_per_check(), load.cpu_us_per_request(),
        report.postgres.other_cpu_us_per_check(), report.postgres.phase.sets_per_commit(),
        report.sqlite.phase.load.good_per_second(), ms_of(report.sqlite.phase.load.latency.percentile(99)),
        report.pgbench.reads, report.pgbench.inserts, report.pgbench.checks, report.persons);
}

}  // namespace onshi::bench
