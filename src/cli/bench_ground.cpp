#include "cli/bench_ground.h"

#include <fmt/format.h>

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

Result<void> make_nation(const installation::DemoOptions& options, Session& session) {
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

}  // namespace

Result<BenchGround> open_bench_ground(const fs::path& folder, std::uint64_t persons, Session& session,
                                      const std::string& store) {
    installation::DemoOptions options;
    options.folder = folder / fmt::format("nation-{}{}", persons, store.empty() ? "" : "-postgres");
    options.persons = persons;
    options.store = store;
    return open_bench_ground(std::move(options), folder / "run", session);
}

Result<BenchGround> open_bench_ground(installation::DemoOptions options, const fs::path& work, Session& session) {
    std::error_code error;
    options.desks = bench_desks;
    const fs::path nation = options.folder;
    fs::create_directories(nation.parent_path(), error);
    auto made = make_nation(options, session);
    if (!made) return fail(std::move(made));
    auto settings = read_hub_settings(nation);
    if (!settings) return fail(std::move(settings));
    auto installation = bench::BenchInstallation::open(nation, session.clock().now());
    if (!installation) return fail(std::move(installation));
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    auto bench_options = (*installation)->options(*settings, program, work);
    if (!bench_options) return fail(std::move(bench_options));
    return BenchGround{std::move(*installation), std::move(*bench_options)};
}

}  // namespace onshi::cli
