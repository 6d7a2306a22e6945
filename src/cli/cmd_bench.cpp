// onshi bench check | payments
#include <filesystem>

#include <fmt/format.h>

#include "bench/bench_installation.h"
#include "bench/check_bench.h"
#include "bench/check_report.h"
#include "bench/payments_bench.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/hub_settings.h"
#include "cli/progress.h"
#include "installation/demo_installation.h"
#include "installation/layout.h"
#include "installation/status_lists.h"
#include "platform/settings/settings.h"

namespace onshi::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t bench_desks = 16;

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
        options.text(details_, "--details", "FILE", "everything that was measured, as one JSON object");
    }

    Result<Exit> run(Session& session) override {
        Console& console = session.console();
        std::error_code error;
        const fs::path folder = fs::absolute(folder_, error);
        const fs::path nation = folder / fmt::format("nation-{}", persons_);
        fs::create_directories(folder, error);
        auto made = make_nation(nation, session);
        if (!made) return fail(std::move(made));
        auto settings = read_hub_settings(nation);
        if (!settings) return fail(std::move(settings));
        auto ground = bench::BenchInstallation::open(nation, session.clock().now());
        if (!ground) return fail(std::move(ground));
        const fs::path program = fs::read_symlink("/proc/self/exe", error);
        auto options = (*ground)->options(*settings, program, folder / "run");
        if (!options) return fail(std::move(options));
        options->duration = std::chrono::seconds(seconds_);
        options->connections = static_cast<std::size_t>(connections_);
        const auto tell = [&console](std::string_view sentence) { console.note(sentence); };
        auto report = bench::run_check_bench(*options, **ground, session.clock(), tell);
        if (!report) return fail(std::move(report));
        return show(console, *report);
    }

  private:
    Result<void> make_nation(const fs::path& folder, Session& session) {
        installation::DemoOptions options;
        options.folder = folder;
        options.persons = static_cast<std::uint64_t>(persons_);
        options.desks = bench_desks;
        Progress progress(session.console());
        const auto tell = [&progress](std::string_view stage, std::uint64_t done, std::uint64_t total) {
            progress.show(stage, done, total);
        };
        auto made = installation::make_demo_installation(options, session.clock(), session.random(), tell);
        if (!made) return fail(std::move(made));
        // Answers of an older nation would say that its lists are old, and so be other answers.
        if (made->outcome == installation::DemoOutcome::made) return {};
        return installation::issue_status_lists(installation::Layout{options.folder}, session.clock());
    }

    // The nation's own hub.toml, whatever the user's settings say: a benchmark is the same for everybody.
    Result<hub::Settings> read_hub_settings(const fs::path& nation) {
        const installation::Layout layout{nation};
        settings::Sources sources;
        sources.files.push_back(
            {layout.hub_settings(), settings::OriginKind::file, settings::SettingsFile::Presence::required});
        sources.environment = [](const std::string&) { return std::optional<std::string>(); };
        sources.working_folder = nation;
        auto resolved = settings::resolve(setting_table(), sources);
        if (!resolved) return fail(std::move(resolved));
        return hub_settings(*resolved);
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
    std::string details_;
    std::int64_t persons_ = 1'000'000;
    std::int64_t seconds_ = 20;
    std::int64_t connections_ = 64;
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
}

}  // namespace onshi::cli
