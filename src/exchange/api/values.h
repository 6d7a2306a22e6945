#pragma once

#include <string>
#include <string_view>

#include "base/date.h"
#include "base/result.h"
#include "base/time.h"

namespace onshi::api {

// `2026-11-23T09:00:02.123456Z`, exactly.
[[nodiscard]] std::string to_rfc3339(Instant at);

}  // namespace onshi::api
