#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace onshi::cli {

// `2026-11-23T00:00:02Z`, with up to six digits behind the second; nullopt for another form.
[[nodiscard]] std::optional<Instant> parse_rfc3339(std::string_view text);
// `09:00:02` in Japan.
[[nodiscard]] std::string japan_time(Instant at);
// `2026-11-23T09:00:02+09:00`.
[[nodiscard]] std::string japan_date_time(Instant at);

}  // namespace onshi::cli
