// onshi bench overload
#include <filesystem>

#include "bench/overload_bench.h"
#include "cli/app.h"
#include "cli/bench_ground.h"
#include "cli/commands.h"

namespace onshi::cli {

namespace {

class BenchOverload final : public Command {
  public:
    static constexpr CommandText text{
        "bench", "overload", "Measure a hub under three times the load that it can do, and a storm of reconnections.",
        "  onshi bench overload --folder var/bench\n"
        "  onshi bench overload --folder var/bench --persons 10000 --seconds 5 --json"};

    void declare(Options& options) override {
        options.text(folder_, "--folder", "DIR", "where the nation and the logs of the run lie; made when missing")
            .required();
        options.integer(persons_, "--persons", "N", "how many people the nation has").range(1000, 125'000'000);
        options.integer(seconds_, "--seconds", "N", "length of each phase").range(1, 60);
        options.integer(desks_, "--desks", "N", "connections that bring the overload").range(64, 16'384);
        options.integer(terminals_, "--terminals", "N", "terminals that come back at one moment").range(16, 16'384);
    }

    Result<Exit> run(Session& session) override {
        Console& console = session.console();
        std::error_code error;
        auto ground =
            open_bench_ground(std::filesystem::absolute(folder_, error), static_cast<std::uint64_t>(persons_), session);
        if (!ground) return fail(std::move(ground));
        bench::OverloadOptions options;
        options.ground = std::move(ground->options);
        options.ground.duration = std::chrono::seconds(seconds_);
        options.desks = static_cast<std::size_t>(desks_);
        options.storm_terminals = static_cast<std::size_t>(terminals_);
        const auto tell = [&console](std::string_view sentence) { console.note(sentence); };
        auto report = bench::run_overload_bench(options, *ground->installation, session.clock(), tell);
        if (!report) return fail(std::move(report));
        const std::string summary = bench::to_text(*report, bench::OverloadTargets());
        if (console.json()) {
            console.note(summary);
            console.line(bench::to_json_line(*report));
        } else {
            console.line(summary);
        }
        return Exit::done;
    }

  private:
    std::string folder_;
    std::int64_t persons_ = 100'000;
    std::int64_t seconds_ = 10;
    std::int64_t desks_ = 4'000;
    std::int64_t terminals_ = 2'000;
};

}  // namespace

void add_bench_overload_command(CommandTree& tree) {
    tree.add<BenchOverload>();
}

}  // namespace onshi::cli
