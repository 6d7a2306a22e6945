#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/texts.h"

namespace onshi::settings {

enum class SettingType : std::uint8_t { text, path, word, integer, number, boolean, texts };
[[nodiscard]] std::string_view to_string(SettingType type);

using Value = std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>>;
// As it would stand in a settings file, which is also valid JSON: `"text"`, `8443`, `200.0`, `true`, `["a", "b"]`.
[[nodiscard]] std::string to_string(const Value& value);

struct Setting {
    std::string key;
    SettingType type = SettingType::text;
    Value default_value;
    std::vector<std::string> words;  // of a word
    double min = 0;                  // of integer and number
    double max = 0;
    std::string ja;
    std::string en;

    [[nodiscard]] const std::string& text(Language language) const { return language == Language::ja ? ja : en; }
    // `ONSHI_SECRETS_FOLDER` for `secrets_folder`.
    [[nodiscard]] std::string environment_name() const;
    // `--secrets-folder` for `secrets_folder`.
    [[nodiscard]] std::string flag_name() const;
};

// The settings that exist. Immutable; thread-safe.
class SettingTable {
  public:
    // From the text of contracts/settings.toml. Aborts on a table that is not of its form: it is part of the program.
    [[nodiscard]] static SettingTable parse(std::string_view toml);
    [[nodiscard]] std::span<const Setting> all() const { return settings_; }
    [[nodiscard]] const Setting* find(std::string_view key) const;
    // The key that was probably meant; nullopt when none is near.
    [[nodiscard]] std::optional<std::string_view> nearest(std::string_view key) const;

  private:
    std::vector<Setting> settings_;  // in the order of the text
};

// What decides, weakest first: a later one overrides an earlier one.
enum class OriginKind : std::uint8_t { default_value, system_file, user_file, file, environment, flag };
[[nodiscard]] std::string_view to_string(OriginKind kind);

struct Origin {
    OriginKind kind = OriginKind::default_value;
    std::string where;  // file and line, variable or flag; empty for a default
};

struct ResolvedSetting {
    const Setting* setting;
    Value value;
    Origin origin;
};

// Every setting of a table with its value and origin. A value; refers to its table.
class ResolvedSettings {
  public:
    explicit ResolvedSettings(const SettingTable& table);
    [[nodiscard]] std::span<const ResolvedSetting> all() const { return resolved_; }
    // A key that is not in the table, or of another type, is our own bug (ENSURE).
    [[nodiscard]] const ResolvedSetting& at(std::string_view key) const;
    [[nodiscard]] const std::string& text(std::string_view key) const;  // text, path and word
    [[nodiscard]] std::int64_t integer(std::string_view key) const;
    [[nodiscard]] double number(std::string_view key) const;
    [[nodiscard]] bool boolean(std::string_view key) const;
    [[nodiscard]] const std::vector<std::string>& texts(std::string_view key) const;

    // For resolve().
    void set(std::string_view key, Value value, Origin origin);

  private:
    std::vector<ResolvedSetting> resolved_;
};

struct SettingsFile {
    std::filesystem::path path;
    OriginKind kind;
    // Whether the file may be missing (system and user file) or not (named by the caller).
    enum class Presence : std::uint8_t { optional, required } presence = Presence::optional;
};

struct Sources {
    std::vector<SettingsFile> files;  // weakest first
    // The value of an environment variable; nullopt when it is not set.
    std::function<std::optional<std::string>(const std::string&)> environment;
    std::vector<std::pair<std::string, std::string>> flags;  // key and text
    std::filesystem::path working_folder;                    // for relative paths of environment and flags
};

// Reads what there is. config.malformed: a file is not there, too large or not TOML; config.unknown_key, with the
// nearest name in the detail; config.value: wrong type, range or word. Details name file, line and key, never a value.
[[nodiscard]] Result<ResolvedSettings> resolve(const SettingTable& table, const Sources& sources);

}  // namespace onshi::settings
