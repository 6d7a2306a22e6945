// onshi bench nation
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "bench/nation_bench.h"
#include "cli/app.h"
#include "cli/bench_ground.h"
#include "cli/commands.h"
#include "cli/files.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;

class BenchNation final : public Command {
  public:
    static constexpr CommandText text{
        "bench", "nation",
        "Fill a registry of any size, take members' files over, and measure checks on it, warm and cold.",
        "  onshi bench nation --folder var/bench --persons 10000000\n"
        "  onshi bench nation --folder var/bench --persons 50000 --base-persons 20000 --seconds 3 --cold-seconds 5 "
        "--json"};
    void declare(Options& options) override {
        options.text(folder_, "--folder", "DIR", "where the nation and the logs of the run lie; made when missing")
            .required();
        options.integer(persons_, "--persons", "N", "how many people the nation has").range(1000, 100'000'000);
        options.integer(base_persons_, "--base-persons", "N", "the smaller nation that the figures are compared with")
            .range(1000, 100'000'000);
        options.integer(seconds_, "--seconds", "N", "length of each phase").range(1, 120);
        options.integer(cold_seconds_, "--cold-seconds", "N", "length of the phase after files left the page cache")
            .range(1, 300);
        options.integer(connections_, "--connections", "N", "kept-alive connections").range(16, 1024);
        options.integer(in_flight_, "--in-flight", "N", "checks under way at a time in the cold phase").range(16, 1024);
        options.integer(card_keys_, "--card-keys", "N", "different RSA keys of cards; fewer are quicker to make")
            .range(1, 64);
        options.text(details_, "--details", "FILE", "everything that was measured, as one JSON object");
    }
    Result<Exit> run(Session& session) override {
        Console& console = session.console();
        const auto tell = [&console](std::string_view sentence) { console.note(sentence); };
        // The base is filled and measured first, so that the nation's pages are the ones in memory.
        auto base = fill(static_cast<std::uint64_t>(base_persons_), session, tell);
        if (!base) return fail(std::move(base));
        std::optional<Filled> larger;
        if (persons_ != base_persons_) {
            auto nation = fill(static_cast<std::uint64_t>(persons_), session, tell);
            if (!nation) return fail(std::move(nation));
            larger.emplace(std::move(*nation));
        }
        const bench::NationGround base_ground{base->ground.options, *base->ground.installation, base->filled};
        std::optional<bench::NationGround> nation_ground;
        if (larger) {
            nation_ground.emplace(
                bench::NationGround{larger->ground.options, *larger->ground.installation, larger->filled});
        }
        const bench::NationBenchOptions options{std::chrono::seconds(cold_seconds_),
                                                static_cast<std::size_t>(in_flight_)};
        auto report = bench::run_nation_bench(base_ground, nation_ground ? *nation_ground : base_ground, options,
                                              session.clock(), tell);
        if (!report) return fail(std::move(report));
        return show(console, *report);
    }

  private:
    struct Filled {
        BenchGround ground;
        bench::FilledNation filled;
    };
    Result<Filled> fill(std::uint64_t persons, Session& session, const bench::BenchProgress& tell) {
        std::error_code error;
        const fs::path folder = fs::absolute(folder_, error);
        const bench::NationShares shares = bench::shares_of(persons);
        installation::DemoOptions demo;
        demo.folder = folder / fmt::format("filled-nation-{}", persons);
        demo.persons = shares.loaded;
        demo.residents = shares.residents;
        demo.card_keys = static_cast<std::uint32_t>(card_keys_);
        auto ground = open_bench_ground(demo, folder / fmt::format("nation-run-{}", persons), session);
        if (!ground) return fail(std::move(ground));
        ground->options.duration = std::chrono::seconds(seconds_);
        ground->options.warm_up =
            std::min<std::chrono::milliseconds>(ground->options.warm_up, ground->options.duration);
        ground->options.connections = static_cast<std::size_t>(connections_);
        auto filled = bench::take_nation_in(demo.folder, shares, session.clock(), session.random(), tell);
        if (!filled) return fail(std::move(filled));
        return Filled{std::move(*ground), std::move(*filled)};
    }
    Result<Exit> show(Console& console, const bench::NationBenchReport& report) {
        const std::string summary = bench::to_text(report, bench::NationTargets());
        const std::string json = bench::to_json_line(report);
        if (console.json()) {
            console.note(summary);
            console.line(json);
        } else {
            console.line(summary);
        }
        if (details_.empty()) return Exit::done;
        auto written = replace_file(details_, json + "\n");
        if (!written) return fail(std::move(written));
        return Exit::done;
    }

    std::string folder_;
    std::string details_;
    std::int64_t persons_ = 1'000'000;
    std::int64_t base_persons_ = 1'000'000;
    std::int64_t seconds_ = 20;
    std::int64_t cold_seconds_ = 60;
    std::int64_t connections_ = 80;
    std::int64_t in_flight_ = 16;
    std::int64_t card_keys_ = 64;
};

}  // namespace

void add_bench_nation_command(CommandTree& tree) {
    tree.add<BenchNation>();
}

}  // namespace onshi::cli
