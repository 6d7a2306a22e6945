#pragma once

#include <string_view>

namespace onshi::cli {

// contracts/settings.toml as it was when this program was built.
[[nodiscard]] std::string_view settings_toml();

}  // namespace onshi::cli
