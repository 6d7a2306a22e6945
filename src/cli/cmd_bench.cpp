// onshi bench check | payments; the others have files of their own
#include <filesystem>

#include <fmt/format.h>

#include "bench/check_bench.h"
#include "bench/check_report.h"
#include "bench/payments_bench.h"
#include "bench/store_bench.h"
#include "cli/app.h"
#include "cli/bench_ground.h"
#include "cli/commands.h"
#include "cli/files.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;

class BenchCheck final : public Command {
  public:
    static constexpr CommandText text{
        "bench", "check", "Measure checks by card against bare TLS and bare RSA, in one run (about six minutes).",
        "  onshi bench check --folder var/bench\n"
        "  onshi bench check --folder var/bench --persons 10000 --seconds 5 --json"};

    void declare(Options& options) override {
        options.text(folder_, "--folder", "DIR", "where the nation and the logs of the run lie; made when missing")
            .required();
        options.integer(persons_, "--persons", "N", "how many people the nation has").range(1000, 125'000'000);
        options.integer(seconds_, "--seconds", "N", "length of each phase").range(1, 120);
        options.integer(connections_, "--connections", "N", "kept-alive connections").range(1, 1024);
        options.text(store_, "--store", "STORE",
                     "an empty PostgreSQL database: measured beside SQLite and pgbench instead, on all cores");
        options.text(details_, "--details", "FILE", "everything that was measured, as one JSON object");
    }

    Result<Exit> run(Session& session) override {
        Console& console = session.console();
        if (!store_.empty()) return run_on_both_stores(session);
        std::error_code error;
        auto ground = open_bench_ground(fs::absolute(folder_, error), static_cast<std::uint64_t>(persons_), session);
        if (!ground) return fail(std::move(ground));
        ground->options.duration = std::chrono::seconds(seconds_);
        ground->options.connections = static_cast<std::size_t>(connections_);
        const auto tell = [&console](std::string_view sentence) { console.note(sentence); };
        auto report = bench::run_check_bench(ground->options, *ground->installation, session.clock(), tell);
        if (!report) return fail(std::move(report));
        return show(console, *report);
    }

  private:
    Result<Exit> run_on_both_stores(Session& session) {
        Console& console = session.console();
        std::error_code error;
        const fs::path folder = fs::absolute(folder_, error);
        const auto persons = static_cast<std::uint64_t>(persons_);
        auto postgres = open_bench_ground(folder, persons, session, store_);
        if (!postgres) return fail(std::move(postgres));
        auto sqlite = open_bench_ground(folder, persons, session);
        if (!sqlite) return fail(std::move(sqlite));
        bench::StoreBenchOptions options;
        options.postgres_cards = postgres->installation.get();
        options.sqlite_cards = sqlite->installation.get();
        options.postgres = std::move(postgres->options);
        options.sqlite = std::move(sqlite->options);
        options.address = store_;
        for (auto* side : {&options.postgres, &options.sqlite}) {
            side->duration = std::chrono::seconds(seconds_);
            side->connections = static_cast<std::size_t>(connections_);
        }
        const auto tell = [&console](std::string_view sentence) { console.note(sentence); };
        auto report = bench::run_store_bench(options, session.clock(), tell);
        if (!report) return fail(std::move(report));
        const std::string summary = bench::to_text(*report, bench::StoreTargets());
        if (console.json()) {
            console.note(summary);
            console.line(bench::to_json_line(*report));
        } else {
            console.line(summary);
        }
        return Exit::done;
    }
    Result<Exit> show(Console& console, const bench::CheckBenchReport& report) {
        const bench::CheckTargets targets;
        const std::string summary = bench::to_text(report, targets);
        if (console.json()) {
            console.note(summary);
            console.line(bench::to_json_line(report));
        } else {
            console.line(summary);
        }
        if (!details_.empty()) {
            auto written = replace_file(details_, bench::to_json_details(report) + "\n");
            if (!written) return fail(std::move(written));
        }
        return Exit::done;
    }

    std::string folder_;
    std::string store_;
    std::string details_;
    std::int64_t persons_ = 1'000'000;
    std::int64_t seconds_ = 20;
    std::int64_t connections_ = 80;
};

class BenchPayments final : public Command {
  public:
    static constexpr CommandText text{"bench", "payments",
                                      "Measure how many claims and households one core calculates in a second.",
                                      "  onshi bench payments --folder var/bench\n"
                                      "  onshi bench payments --folder var/bench --seconds 1 --json"};

    void declare(Options& options) override {
        options.text(folder_, "--folder", "DIR", "where payments.json, the figures, is written; made when missing");
        options.integer(seconds_, "--seconds", "N", "length of each phase").range(1, 120);
    }

    Result<Exit> run(Session& session) override {
        Console& console = session.console();
        const auto report = bench::run_payments_bench(std::chrono::seconds(seconds_));
        if (!report) return tl::unexpected(report.error());
        const std::string line = bench::to_json_line(*report);
        if (console.json()) {
            console.note(bench::to_text(*report));
            console.line(line);
        } else {
            console.line(bench::to_text(*report));
        }
        if (folder_.empty()) return Exit::done;
        std::error_code error;
        fs::create_directories(folder_, error);
        auto written = replace_file(fs::path(folder_) / "payments.json", line + "\n");
        if (!written) return fail(std::move(written));
        return Exit::done;
    }

  private:
    std::string folder_;
    std::int64_t seconds_ = 5;
};

}  // namespace

void add_bench_commands(CommandTree& tree) {
    tree.noun("bench", "measurements against a reference in the same run");
    tree.add<BenchCheck>();
    tree.add<BenchPayments>();
    add_bench_intake_command(tree);
    add_bench_nation_command(tree);
    add_bench_overload_command(tree);
}

}  // namespace onshi::cli
