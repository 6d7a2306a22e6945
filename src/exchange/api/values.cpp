#include "exchange/api/values.h"

#include <fmt/format.h>

namespace onshi::api {

std::string to_rfc3339(Instant at) {
    constexpr std::int64_t us_per_day = std::int64_t{86'400} * 1'000'000;
    std::int64_t days = at.us / us_per_day;
    std::int64_t us = at.us % us_per_day;
    if (us < 0) {
        us += us_per_day;
        --days;
    }
    const auto day = Date::from_days(days).value_or(Date::open_end);
    const std::int64_t seconds = us / 1'000'000;
    return fmt::format("{}T{:02}:{:02}:{:02}.{:06}Z", to_iso(day), seconds / 3600, seconds / 60 % 60, seconds % 60,
                       us % 1'000'000);
}

}  // namespace onshi::api
