#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/ensure.h"
#include "platform/settings/nearest.h"
#include "platform/settings/settings.h"
#include "platform/settings/toml_values.h"

namespace onshi::settings {

namespace {

constexpr std::array type_names{std::pair{SettingType::text, std::string_view("text")},
                                std::pair{SettingType::path, std::string_view("path")},
                                std::pair{SettingType::word, std::string_view("word")},
                                std::pair{SettingType::integer, std::string_view("integer")},
                                std::pair{SettingType::number, std::string_view("number")},
                                std::pair{SettingType::boolean, std::string_view("boolean")},
                                std::pair{SettingType::texts, std::string_view("texts")}};

SettingType type_of(std::string_view name) {
    const auto found = std::ranges::find(type_names, name, &std::pair<SettingType, std::string_view>::second);
    ENSURE(found != type_names.end());
    return found->first;
}

Setting read_setting(std::string_view key, const toml::table& entry) {
    Setting setting;
    setting.key = key;
    setting.type = type_of(entry["type"].value_or(std::string_view()));
    setting.min = entry["min"].value_or(0.0);
    setting.max = entry["max"].value_or(0.0);
    setting.ja = entry["ja"].value_or(std::string());
    setting.en = entry["en"].value_or(std::string());
    if (const auto* words = entry["words"].as_array()) {
        for (const auto& word : *words) setting.words.push_back(word.value_or(std::string()));
    }
    ENSURE(!setting.ja.empty() && !setting.en.empty());
    ENSURE((setting.type == SettingType::word) == !setting.words.empty());
    const auto* node = entry.get("default");
    ENSURE(node != nullptr);
    auto value = value_of(setting, *node);
    ENSURE(value.has_value());
    setting.default_value = std::move(*value);
    return setting;
}

std::string with_replaced(std::string_view text, char from, char to) {
    std::string result(text);
    std::ranges::replace(result, from, to);
    return result;
}

}  // namespace

std::string_view to_string(SettingType type) {
    return std::ranges::find(type_names, type, &std::pair<SettingType, std::string_view>::first)->second;
}

std::string Setting::environment_name() const {
    std::string name = "ONSHI_";
    for (const char c : key) name.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
    return name;
}

std::string Setting::flag_name() const {
    return "--" + with_replaced(key, '_', '-');
}

SettingTable SettingTable::parse(std::string_view toml_text) {
    SettingTable table;
    std::vector<std::pair<toml::source_index, Setting>> found;
    try {
        const toml::table document = toml::parse(toml_text);
        for (const auto& [key, node] : document) {
            const auto* entry = node.as_table();
            ENSURE(entry != nullptr);
            found.emplace_back(node.source().begin.line, read_setting(key.str(), *entry));
        }
    } catch (const toml::parse_error&) {
        const bool settings_table_is_valid_toml = false;
        ENSURE(settings_table_is_valid_toml);
    }
    std::ranges::sort(found, {}, &std::pair<toml::source_index, Setting>::first);
    for (auto& [line, setting] : found) table.settings_.push_back(std::move(setting));
    ENSURE(!table.settings_.empty());
    return table;
}

const Setting* SettingTable::find(std::string_view key) const {
    const auto found = std::ranges::find(settings_, key, &Setting::key);
    return found == settings_.end() ? nullptr : &*found;
}

std::optional<std::string_view> SettingTable::nearest(std::string_view key) const {
    std::vector<std::string_view> names;
    for (const auto& setting : settings_) names.emplace_back(setting.key);
    return nearest_name(key, names);
}

}  // namespace onshi::settings
