#include "cli/instants.h"

#include <fmt/format.h>

#include "base/date.h"

namespace onshi::cli {

namespace {

constexpr std::int64_t us_per_second = 1'000'000;

std::optional<int> digits(std::string_view text) {
    int value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

std::optional<std::int64_t> fraction_us(std::string_view text) {
    if (text.empty()) return 0;
    if (text.front() != '.' || text.size() < 2 || text.size() > 7) return std::nullopt;
    const auto value = digits(text.substr(1));
    if (!value) return std::nullopt;
    std::int64_t us = *value;
    for (std::size_t i = text.size(); i < 7; ++i) us *= 10;
    return us;
}

}  // namespace

std::optional<Instant> parse_rfc3339(std::string_view text) {
    // 2026-11-23T00:00:02Z
    if (text.size() < 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text.back() != 'Z')
        return std::nullopt;
    const auto day = parse_iso_date(text.substr(0, 10));
    const auto hour = digits(text.substr(11, 2));
    const auto minute = digits(text.substr(14, 2));
    const auto second = digits(text.substr(17, 2));
    const auto fraction = fraction_us(text.substr(19, text.size() - 20));
    if (!day || !hour || !minute || !second || !fraction || *hour > 23 || *minute > 59 || *second > 59)
        return std::nullopt;
    const std::int64_t seconds = std::int64_t{day->days()} * 86'400 + *hour * 3600 + *minute * 60 + *second;
    return Instant{seconds * us_per_second + *fraction};
}

std::string japan_time(Instant at) {
    const auto since_midnight = at - start_of_japan_day(japan_day(at));
    const std::int64_t seconds = since_midnight.count() / us_per_second;
    return fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string japan_date_time(Instant at) {
    return fmt::format("{}T{}+09:00", to_iso(japan_day(at)), japan_time(at));
}

}  // namespace onshi::cli
