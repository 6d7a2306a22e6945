#include "cli/session.h"

#include <filesystem>

#include "cli/settings_text.h"

namespace onshi::cli {

namespace fs = std::filesystem;
using settings::OriginKind;
using settings::SettingsFile;

namespace {

constexpr const char* system_file = "/etc/onshi/onshi.toml";

std::optional<fs::path> user_file(const Surroundings& surroundings) {
    if (!surroundings.environment) return std::nullopt;
    const auto config = surroundings.environment("XDG_CONFIG_HOME");
    if (config && !config->empty()) return fs::path(*config) / "onshi" / "onshi.toml";
    const auto home = surroundings.environment("HOME");
    if (home && !home->empty()) return fs::path(*home) / ".config" / "onshi" / "onshi.toml";
    return std::nullopt;
}

}  // namespace

const settings::SettingTable& setting_table() {
    static const settings::SettingTable table = settings::SettingTable::parse(settings_toml());
    return table;
}

Session::Session(Console& console, const GlobalOptions& options, const Surroundings& surroundings,
                 const std::vector<SettingFlag>& setting_flags)
    : console_(console), options_(options), surroundings_(surroundings), setting_flags_(setting_flags) {}

Result<settings::ResolvedSettings> Session::settings() const {
    settings::Sources sources;
    if (!options_.config.empty()) {
        sources.files.push_back({options_.config, OriginKind::file, SettingsFile::Presence::required});
    } else {
        sources.files.push_back({system_file, OriginKind::system_file, SettingsFile::Presence::optional});
        const auto user = user_file(surroundings_);
        if (user) sources.files.push_back({*user, OriginKind::user_file, SettingsFile::Presence::optional});
    }
    sources.environment = surroundings_.environment;
    sources.flags = setting_flags_;
    std::error_code error;
    sources.working_folder = fs::current_path(error);
    return settings::resolve(setting_table(), sources);
}

Result<void> Session::confirm(std::string_view what) {
    if (options_.yes) return {};
    console_.note(what);
    auto agreed = console_.ask_yes_or_no(console_.label("label.ask_go_on"));
    if (!agreed) return fail(std::move(agreed));
    if (!*agreed) return fail(ErrorCode::command_declined, "");
    return {};
}

}  // namespace onshi::cli
