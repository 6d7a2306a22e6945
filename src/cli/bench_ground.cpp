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

Result<void> make_nation(const fs::path& folder, std::uint64_t persons, const std::string& store, Session& session) {
    installation::DemoOptions options;
    options.folder = folder;
    options.persons = persons;
    options.desks = bench_desks;
    options.store = store;
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
    std::error_code error;
    const fs::path nation = folder / fmt::format("nation-{}{}", persons, store.empty() ? "" : "-postgres");
    fs::create_directories(folder, error);
    auto made = make_nation(nation, persons, store, session);
    if (!made) return fail(std::move(made));
    auto settings = read_hub_settings(nation);
    if (!settings) return fail(std::move(settings));
    auto installation = bench::BenchInstallation::open(nation, session.clock().now());
    if (!installation) return fail(std::move(installation));
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    auto options = (*installation)->options(*settings, program, folder / "run");
    if (!options) return fail(std::move(options));
    return BenchGround{std::move(*installation), std::move(*options)};
}

}  // namespace onshi::cli
