#pragma once

#include <string_view>
#include <vector>

#include "hub/settings.h"
#include "platform/settings/settings.h"

namespace onshi::cli {

// What a hub is started with, from the resolved settings of the same names.
[[nodiscard]] hub::Settings hub_settings(const settings::ResolvedSettings& resolved);
// The keys that are fields of hub::Settings, in their order.
[[nodiscard]] std::vector<std::string_view> hub_setting_keys();
// The same values back, as the table would write them; for the test that table and struct agree.
[[nodiscard]] settings::Value hub_setting_value(const hub::Settings& settings, std::string_view key);

}  // namespace onshi::cli
