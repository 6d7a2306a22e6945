#pragma once

// Inside this folder only: values of one setting, from TOML and from text.
#include <optional>
#include <string_view>

#include <toml++/toml.h>

#include "platform/settings/settings.h"

namespace onshi::settings {

// nullopt when the node has another type than the setting, or a value outside its words, range or size.
[[nodiscard]] std::optional<Value> value_of(const Setting& setting, const toml::node& node);
// The same from the text of a flag or variable: lists are separated by commas, booleans are true or false.
[[nodiscard]] std::optional<Value> value_of(const Setting& setting, std::string_view text);

}  // namespace onshi::settings
