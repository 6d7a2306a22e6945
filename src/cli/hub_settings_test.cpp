#include "cli/hub_settings.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "cli/session.h"

namespace onshi::cli {
namespace {

// Converts to whatever a field is, so that the compiler can be asked how many fields an aggregate has.
struct AnyField {
    template <class T>
    operator T() const;
};
template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
    return requires { T{(static_cast<void>(I), AnyField{})...}; };
}
template <class T, std::size_t N = 1>
constexpr std::size_t field_count() {
    if constexpr (takes<T>(std::make_index_sequence<N + 1>())) {
        return field_count<T, N + 1>();
    } else {
        return N;
    }
}

TEST(HubSettings, every_field_of_the_hub_is_a_setting_and_the_table_has_the_same_default) {
    EXPECT_EQ(hub_setting_keys().size(), field_count<hub::Settings>());
    const hub::Settings defaults;
    for (const auto key : hub_setting_keys()) {
        const auto* setting = setting_table().find(key);
        ASSERT_NE(setting, nullptr) << key;
        EXPECT_EQ(settings::to_string(setting->default_value), settings::to_string(hub_setting_value(defaults, key)))
            << key;
    }
}

TEST(HubSettings, what_the_table_holds_besides_is_the_command_lines_own) {
    std::vector<std::string> own;
    const auto keys = hub_setting_keys();
    for (const auto& setting : setting_table().all()) {
        if (std::ranges::find(keys, setting.key) == keys.end()) own.push_back(setting.key);
    }
    EXPECT_EQ(own, (std::vector<std::string>{
                       "exchange_folder", "exchange_poll_ms", "oqs_encodings",         "oqs_order",
                       "oqs_kana",        "oqs_subsidies",    "oqs_result_codes",      "oqs_last_visit",
                       "oqs_lists",       "kiosk_port",       "kiosk_reader",          "face_engine",
                       "face_simulated",  "face_engine_name", "face_engine_socket",    "face_engine_key",
                       "modes_seconds",   "last_visit_days",  "terminal_store_folder", "terminal_folder",
                       "reader"}));
}

TEST(HubSettings, take_over_every_value_that_was_set) {
    settings::Sources sources;
    for (const auto& setting : setting_table().all()) {
        switch (setting.type) {
            case settings::SettingType::text:
            case settings::SettingType::texts: sources.flags.emplace_back(setting.key, "other"); break;
            case settings::SettingType::path: sources.flags.emplace_back(setting.key, "/other"); break;
            case settings::SettingType::word: {
                const auto& usual = std::get<std::string>(setting.default_value);
                sources.flags.emplace_back(
                    setting.key, *std::ranges::find_if(setting.words, [&](const auto& word) { return word != usual; }));
                break;
            }
            case settings::SettingType::integer:
            case settings::SettingType::number: sources.flags.emplace_back(setting.key, "7"); break;
            case settings::SettingType::boolean: sources.flags.emplace_back(setting.key, "true"); break;
        }
    }
    const auto resolved = settings::resolve(setting_table(), sources);
    ASSERT_TRUE(resolved) << resolved.error().detail;
    const auto hub = hub_settings(*resolved);
    for (const auto key : hub_setting_keys()) {
        EXPECT_EQ(hub_setting_value(hub, key), resolved->at(key).value) << key;
        EXPECT_NE(hub_setting_value(hub, key), hub_setting_value(hub::Settings(), key)) << key;
    }
}

}  // namespace
}  // namespace onshi::cli
