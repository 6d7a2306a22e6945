#include "bench/intake_bench.h"

#include <chrono>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "bench/child_process.h"
#include "bench/cpu_pin.h"
#include "bench/hub_under_load.h"
#include "bench/intake_reference.h"
#include "bench/intake_run.h"
#include "bench/page_cache.h"
#include "hub/secrets.h"
#include "installation/demo_installation.h"
#include "installation/layout.h"

namespace onshi::bench {

namespace {

namespace fs = std::filesystem;

constexpr double bytes_per_mb = 1024.0 * 1024.0;
constexpr const char* nice_program = "/usr/bin/nice";
constexpr const char* intake_niceness = "10";

Result<void> copy_stores(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::remove_all(to, error);
    fs::create_directories(to, error);
    for (const char* file : {"registry.db", "ledger.db"}) {
        if (!error) fs::copy_file(from / file, to / file, error);
    }
    // What is still to be written of a copy would be paid for by whoever is measured next.
    ::sync();
    if (error) return fail(ErrorCode::file_unwritable, to.string() + ": " + error.message());
    return {};
}

double p99_ms(const CheckPhase& phase) {
    return std::chrono::duration<double, std::milli>(phase.load.latency.percentile(99)).count();
}

class IntakeBench {
  public:
    IntakeBench(const IntakeBenchOptions& options, const Clock& clock, Random& random,
                const std::function<void(std::string_view)>& tell)
        : options_(options), clock_(clock), random_(random), tell_(tell), layout_{options.installation} {}

    Result<IntakeBenchReport> run() {
        auto description = installation::read_demo_installation(options_.installation);
        if (!description) return fail(std::move(description));
        auto nation = installation::nation_of(*description);
        if (!nation) return fail(std::move(nation));
        auto vault = hub::load_number_vault(layout_.secrets());
        if (!vault) return fail(std::move(vault));
        report_.persons = description->persons;
        auto done = make_file(*nation, *description);
        if (done) done = measure_intake(*vault);
        const Before before{description->counts.known_seq, start_of_japan_day(description->as_of)};
        if (done) done = measure_bare(*vault, before);
        if (done && options_.checks != nullptr) done = measure_beside();
        if (!done) return fail(std::move(done));
        return report_;
    }

  private:
    Result<void> make_file(const synth::Nation& nation, const installation::DemoInstallation& description) {
        tell_("writing the members' file");
        std::error_code error;
        fs::remove_all(options_.folder, error);
        fs::create_directories(options_.folder, error);
        auto truth = write_intake_file(
            nation, {file(), description.persons, description.counts.residents, options_.additions, options_.changes});
        if (!truth) return fail(std::move(truth));
        truth_ = std::move(*truth);
        report_.records = truth_.size();
        report_.file_bytes = fs::file_size(file(), error);
        return {};
    }
    Result<void> measure_intake(const identity::NumberVault& vault) {
        const fs::path store = options_.folder / "intake";
        auto copied = copy_stores(layout_.store(), store);
        if (!copied) return copied;
        tell_(fmt::format("intake of {} records", report_.records));
        auto run = run_intake(store, file(), result_file(), vault, clock_, random_);
        if (!run) return fail(std::move(run));
        report_.intake_seconds = run->seconds;
        report_.intake_cpu_seconds = run->cpu_seconds;
        report_.peak_mb = run->peak_mb;
        if (run->report.file.progress.rows != report_.records)
            return fail(ErrorCode::bench_invalid, "rows are missing");
        std::error_code error;
        report_.registry_mb = (static_cast<double>(fs::file_size(store / "registry.db", error)) -
                               static_cast<double>(fs::file_size(fs::path(layout_.store()) / "registry.db", error))) /
                              bytes_per_mb;
        auto confusion = read_results(result_file(), truth_);
        if (!confusion) return fail(std::move(confusion));
        report_.confusion = *confusion;
        return {};
    }
    Result<void> measure_bare(const identity::NumberVault& vault, const Before& before) {
        const fs::path store = options_.folder / "bare";
        auto copied = copy_stores(layout_.store(), store);
        if (!copied) return copied;
        tell_("the same rows by bare INSERT");
        // Commits that made the installation's terminals touch no person, so the load's own number tells them apart.
        auto bare = insert_bare(options_.folder / "intake", store, before, vault);
        if (!bare) return fail(std::move(bare));
        if (bare->rows < report_.records) return fail(ErrorCode::bench_invalid, "the reference wrote too little");
        report_.table_rows = bare->rows;
        report_.bare_seconds = std::chrono::duration<double>(bare->time).count();
        return {};
    }
    // The command line's own intake, as an operator runs it beside a working hub.
    [[nodiscard]] std::vector<std::string> intake_command(const fs::path& store) const {
        const std::string program = options_.checks->server_command.front();
        return {nice_program,    "-n",
                intake_niceness, program,
                "member",        "import",
                file(),          "--all-insurers",
                "--operator",    "bench",
                "--result",      store / "members.result.csv",
                "--config",      layout_.hub_settings(),
                "--store",       store};
    }
    Result<void> measure_beside() {
        const fs::path store = beside_store(options_.folder);
        auto copied = copy_stores(layout_.store(), store);
        if (!copied) return copied;
        read_through(store / "registry.db");
        HubUnderLoad hub(*options_.checks, *options_.cards, clock_, tell_);
        auto started = hub.start();
        if (!started) return started;
        auto full = hub.full_load();
        if (!full) return fail(std::move(full));
        const double half = full->load.good_per_second() / 2;
        auto idle = hub.steady_load(half, "half load");
        if (!idle) return fail(std::move(idle));
        // Signed before the intake begins: signing takes longer than many an intake.
        auto ready = hub.prepare_steady(half, "half load beside an intake");
        if (!ready) return ready;
        auto intake = ChildProcess::start({intake_command(store), any_cpu, options_.folder / "beside.log"});
        if (!intake) return fail(std::move(intake));
        auto beside = hub.load_steady(half, "half load beside an intake");
        const bool lasted = intake->is_running();
        if (!beside) return fail(std::move(beside));
        report_.beside = BesideIntake{full->load.good_per_second(), p99_ms(*idle), p99_ms(*beside), lasted};
        return {};
    }
    [[nodiscard]] fs::path file() const { return options_.folder / "members.csv"; }
    [[nodiscard]] fs::path result_file() const { return options_.folder / "members.result.csv"; }

    const IntakeBenchOptions& options_;
    const Clock& clock_;
    Random& random_;
    const std::function<void(std::string_view)>& tell_;
    installation::Layout layout_;
    std::vector<Planted> truth_;
    IntakeBenchReport report_;
};

}  // namespace

double IntakeBenchReport::false_withhold_rate() const {
    const auto total = confusion.total(Planted::nothing);
    return total == 0 ? 0 : static_cast<double>(confusion.withheld(Planted::nothing)) / static_cast<double>(total);
}

fs::path beside_store(const fs::path& folder) {
    return folder / "beside";
}

Result<IntakeBenchReport> run_intake_bench(const IntakeBenchOptions& options, const Clock& clock, Random& random,
                                           const std::function<void(std::string_view)>& tell) {
    return IntakeBench(options, clock, random, tell).run();
}

std::string to_text(const IntakeBenchReport& report) {
    std::string text = fmt::format(
        "intake: {} records ({:.0f} MB) into {} persons: {:.1f} s, {:.0f} records/s (target 50,000)\n"
        "  CPU {:.1f} s ({:.1f} us a record), peak {:.0f} MB (target 500), registry grew by {:.0f} MB\n"
        "bare INSERT of the same {} rows: {:.1f} s, {:.0f} records/s; ratio {:.2f} (target 0.25)\n"
        "wrong links planted {}, withheld {}; false withholds {:.4f} % (target 0.1 %)\n",
        report.records, static_cast<double>(report.file_bytes) / bytes_per_mb, report.persons, report.intake_seconds,
        report.records_per_second(), report.intake_cpu_seconds,
        report.intake_cpu_seconds * 1e6 / static_cast<double>(report.records), report.peak_mb, report.registry_mb,
        report.table_rows, report.bare_seconds, report.bare_records_per_second(), report.ratio_to_bare_insert(),
        report.planted_wrong_links(), report.wrong_links_withheld(), report.false_withhold_rate() * 100);
    if (report.beside) {
        text += fmt::format(
            "checks at half of {:.0f}/s: p99 {:.1f} ms, beside an intake {:.1f} ms: {:.1f} times (target 3){}\n",
            report.beside->checks_per_second, report.beside->p99_ms_idle, report.beside->p99_ms_beside,
            report.beside->ratio(), report.beside->intake_lasted ? "" : "; THE INTAKE ENDED BEFORE THE CHECKS DID");
    }
    text += fmt::format("  {:14}", "planted");
    for (std::size_t s = 0; s < seen_kinds; ++s) text += fmt::format("{:>12}", to_string(static_cast<Seen>(s)));
    for (std::size_t p = 0; p < planted_kinds; ++p) {
        text += fmt::format("\n  {:14}", to_string(static_cast<Planted>(p)));
        for (const std::uint64_t count : report.confusion.rows[p]) text += fmt::format("{:>12}", count);
    }
    return text;
}

std::string to_json_line(const IntakeBenchReport& report) {
    std::string beside;
    if (report.beside && report.beside->intake_lasted) {
        beside =
            fmt::format(R"("p99_ms_half_load":{:.2f},"p99_ms_beside_intake":{:.2f},"p99_ratio_beside_intake":{:.2f},)",
                        report.beside->p99_ms_idle, report.beside->p99_ms_beside, report.beside->ratio());
    }
    std::string json = fmt::format(
        R"({{"records_per_second":{:.0f},"ratio_to_bare_insert":{:.3f},"peak_mb":{:.0f},"planted_wrong_links":{},)"
        R"("wrong_links_withheld":{},"false_withhold_rate":{:.6f},"persons":{},"records":{},"bare_records_per_second":{:.0f},)"
        R"({}"confusion":{{)",
        report.records_per_second(), report.ratio_to_bare_insert(), report.peak_mb, report.planted_wrong_links(),
        report.wrong_links_withheld(), report.false_withhold_rate(), report.persons, report.records,
        report.bare_records_per_second(), beside);
    for (std::size_t p = 0; p < planted_kinds; ++p) {
        json += fmt::format("{}\"{}\":{{", p == 0 ? "" : ",", to_string(static_cast<Planted>(p)));
        for (std::size_t s = 0; s < seen_kinds; ++s) {
            json += fmt::format("{}\"{}\":{}", s == 0 ? "" : ",", to_string(static_cast<Seen>(s)),
                                report.confusion.rows[p][s]);
        }
        json += "}";
    }
    return json + "}}";
}

}  // namespace onshi::bench
