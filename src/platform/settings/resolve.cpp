#include <algorithm>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/ensure.h"
#include "platform/settings/limits.h"
#include "platform/settings/settings.h"
#include "platform/settings/toml_values.h"

namespace onshi::settings {

namespace fs = std::filesystem;

namespace {

// A relative path counts from where it was written, so that a folder with its settings can be moved as a whole. What
// has a scheme is an address.
Value anchored(const Setting& setting, Value value, const fs::path& base) {
    if (setting.type != SettingType::path) return value;
    const auto& text = std::get<std::string>(value);
    const bool is_address = text.find("://") != std::string::npos;
    if (text.empty() || is_address || fs::path(text).is_absolute() || base.empty()) return value;
    return Value((base / text).lexically_normal().string());
}

std::string expectation(const Setting& setting) {
    switch (setting.type) {
        case SettingType::word: return fmt::format("one of {}", fmt::join(setting.words, ", "));
        case SettingType::integer: return fmt::format("an integer of {:.0f} to {:.0f}", setting.min, setting.max);
        case SettingType::number: return fmt::format("a number of {:.0f} to {:.0f}", setting.min, setting.max);
        default: return fmt::format("a {}", to_string(setting.type));
    }
}

Error wrong_value(const Setting& setting, const std::string& where) {
    return {ErrorCode::config_value, fmt::format("{}: {} is to be {}", where, setting.key, expectation(setting))};
}

Error unknown_key(const SettingTable& table, std::string_view key, const std::string& where) {
    const auto nearest = table.nearest(key);
    std::string detail = fmt::format("{}: there is no setting {}", where, key.substr(0, name_bytes_max));
    if (nearest) detail += fmt::format("; did you mean {}?", *nearest);
    return {ErrorCode::config_unknown_key, std::move(detail)};
}

// nullopt: the file is not there.
Result<std::optional<std::string>> read_file(const fs::path& path) {
    std::error_code error;
    if (!fs::exists(path, error)) return std::optional<std::string>();
    const auto size = fs::file_size(path, error);
    if (error || size > settings_file_bytes_max) return fail(ErrorCode::config_malformed, path.string());
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    if (!file || text.str().size() > settings_file_bytes_max) return fail(ErrorCode::config_malformed, path.string());
    return std::optional(text.str());
}

Result<void> take_document(const SettingTable& table, const SettingsFile& file, const toml::table& document,
                           ResolvedSettings& resolved) {
    for (const auto& [key, node] : document) {
        const std::string where = fmt::format("{}:{}", file.path.string(), node.source().begin.line);
        const Setting* setting = table.find(key.str());
        if (setting == nullptr) return tl::unexpected(unknown_key(table, key.str(), where));
        auto value = value_of(*setting, node);
        if (!value) return tl::unexpected(wrong_value(*setting, where));
        resolved.set(setting->key, anchored(*setting, std::move(*value), fs::absolute(file.path).parent_path()),
                     {file.kind, where});
    }
    return {};
}

Result<void> take_file(const SettingTable& table, const SettingsFile& file, ResolvedSettings& resolved) {
    auto text = read_file(file.path);
    if (!text) return fail(std::move(text));
    if (!*text && file.presence == SettingsFile::Presence::optional) return {};
    if (!*text) return fail(ErrorCode::config_malformed, file.path.string() + " does not exist");
    try {
        return take_document(table, file, toml::parse(**text), resolved);
    } catch (const toml::parse_error& error) {
        return fail(ErrorCode::config_malformed,
                    fmt::format("{}:{}: {}", file.path.string(), error.source().begin.line, error.description()));
    }
}

Result<void> take_text(const Setting& setting, std::string_view text, Origin origin, const fs::path& base,
                       ResolvedSettings& resolved) {
    auto value = value_of(setting, text);
    if (!value) return tl::unexpected(wrong_value(setting, origin.where));
    resolved.set(setting.key, anchored(setting, std::move(*value), base), std::move(origin));
    return {};
}

}  // namespace

std::string_view to_string(OriginKind kind) {
    switch (kind) {
        case OriginKind::default_value: return "default";
        case OriginKind::system_file: return "system_file";
        case OriginKind::user_file: return "user_file";
        case OriginKind::file: return "file";
        case OriginKind::environment: return "environment";
        case OriginKind::flag: return "flag";
    }
    return "default";
}

ResolvedSettings::ResolvedSettings(const SettingTable& table) {
    for (const auto& setting : table.all()) resolved_.push_back({&setting, setting.default_value, {}});
}

const ResolvedSetting& ResolvedSettings::at(std::string_view key) const {
    const auto found =
        std::ranges::find(resolved_, key, [](const ResolvedSetting& r) { return std::string_view(r.setting->key); });
    ENSURE(found != resolved_.end());
    return *found;
}

void ResolvedSettings::set(std::string_view key, Value value, Origin origin) {
    const auto found =
        std::ranges::find(resolved_, key, [](const ResolvedSetting& r) { return std::string_view(r.setting->key); });
    ENSURE(found != resolved_.end());
    found->value = std::move(value);
    found->origin = std::move(origin);
}

namespace {

template <class T>
const T& held(const ResolvedSettings& settings, std::string_view key) {
    const T* value = std::get_if<T>(&settings.at(key).value);
    ENSURE(value != nullptr);
    return *value;
}

}  // namespace

const std::string& ResolvedSettings::text(std::string_view key) const {
    return held<std::string>(*this, key);
}
std::int64_t ResolvedSettings::integer(std::string_view key) const {
    return held<std::int64_t>(*this, key);
}
double ResolvedSettings::number(std::string_view key) const {
    return held<double>(*this, key);
}
bool ResolvedSettings::boolean(std::string_view key) const {
    return held<bool>(*this, key);
}
const std::vector<std::string>& ResolvedSettings::texts(std::string_view key) const {
    return held<std::vector<std::string>>(*this, key);
}

Result<ResolvedSettings> resolve(const SettingTable& table, const Sources& sources) {
    ResolvedSettings resolved(table);
    for (const auto& file : sources.files) {
        auto taken = take_file(table, file, resolved);
        if (!taken) return fail(std::move(taken));
    }
    for (const auto& setting : table.all()) {
        const std::string name = setting.environment_name();
        const auto text = sources.environment ? sources.environment(name) : std::nullopt;
        if (!text) continue;
        auto taken = take_text(setting, *text, {OriginKind::environment, name}, sources.working_folder, resolved);
        if (!taken) return fail(std::move(taken));
    }
    for (const auto& [key, text] : sources.flags) {
        const Setting* setting = table.find(key);
        if (setting == nullptr) return tl::unexpected(unknown_key(table, key, "--" + key));
        Origin origin{OriginKind::flag, setting->flag_name()};
        auto taken = take_text(*setting, text, std::move(origin), sources.working_folder, resolved);
        if (!taken) return fail(std::move(taken));
    }
    return resolved;
}

}  // namespace onshi::settings
