// onshi bench intake
#include <filesystem>

#include <fmt/format.h>

#include "bench/intake_bench.h"
#include "cli/app.h"
#include "cli/bench_ground.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "installation/demo_installation.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;

// Of three people about two have a record that covers today and can be sent; the others are in no registry.
constexpr std::uint64_t residents_per_addition_percent = 115;

class BenchIntake final : public Command {
  public:
    static constexpr CommandText text{
        "bench", "intake", "Measure the intake of a members' file against bare INSERTs of the same rows, in one run.",
        "  onshi bench intake --folder var/bench\n"
        "  onshi bench intake --folder var/bench --persons 100000 --additions 150000 --changes 50000 --json"};
    void declare(Options& options) override {
        options.text(folder_, "--folder", "DIR", "where the nation and the logs of the run lie; made when missing")
            .required();
        options.integer(persons_, "--persons", "N", "how many people the nation has").range(1000, 125'000'000);
        options.integer(additions_, "--additions", "N", "rows of people whom the registry does not know")
            .range(0, 100'000'000);
        options.integer(changes_, "--changes", "N", "rows that change a record it has").range(0, 100'000'000);
        options
            .integer(seconds_, "--seconds", "N", "length of the phases with checks beside an intake; 0: without them")
            .range(0, 120);
        options.text(details_, "--details", "FILE", "everything that was measured, as one JSON object");
    }
    Result<Exit> run(Session& session) override {
        Console& console = session.console();
        std::error_code error;
        const fs::path folder = fs::absolute(folder_, error);
        fs::create_directories(folder, error);
        installation::DemoOptions demo;
        demo.persons = static_cast<std::uint64_t>(persons_);
        demo.residents = demo.persons + static_cast<std::uint64_t>(additions_) * residents_per_addition_percent / 100;
        demo.card_keys = 4;
        demo.folder = folder / fmt::format("intake-nation-{}-{}", demo.persons, demo.residents);
        auto ground = open_bench_ground(demo, folder / "intake-run", session);
        if (!ground) return fail(std::move(ground));
        bench::IntakeBenchOptions options;
        options.installation = demo.folder;
        options.folder = folder / "intake-run";
        options.additions = static_cast<std::uint64_t>(additions_);
        options.changes = static_cast<std::uint64_t>(changes_);
        if (seconds_ > 0) {
            ground->options.duration = std::chrono::seconds(seconds_);
            for (const auto& word : {std::string("--store"), bench::beside_store(options.folder).string()}) {
                ground->options.server_command.push_back(word);
            }
            options.checks = &ground->options;
            options.cards = ground->installation.get();
        }
        const auto tell = [&console](std::string_view sentence) { console.note(sentence); };
        auto report = bench::run_intake_bench(options, session.clock(), session.random(), tell);
        if (!report) return fail(std::move(report));
        const std::string json = bench::to_json_line(*report);
        if (console.json()) {
            console.note(bench::to_text(*report));
            console.line(json);
        } else {
            console.line(bench::to_text(*report));
        }
        if (!details_.empty()) {
            auto written = replace_file(details_, json + "\n");
            if (!written) return fail(std::move(written));
        }
        return Exit::done;
    }

  private:
    std::string folder_;
    std::string details_;
    std::int64_t persons_ = 1'000'000;
    std::int64_t additions_ = 1'500'000;
    std::int64_t changes_ = 500'000;
    std::int64_t seconds_ = 20;
};

}  // namespace

void add_bench_intake_command(CommandTree& tree) {
    tree.add<BenchIntake>();
}

}  // namespace onshi::cli
