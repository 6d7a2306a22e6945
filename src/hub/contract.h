#pragma once

#include <string_view>

namespace onshi::hub {

// contracts/openapi.yaml as it was when this program was built.
[[nodiscard]] std::string_view openapi_yaml();

}  // namespace onshi::hub
