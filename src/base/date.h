#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace onshi {

struct CivilDay {
    int year;
    int month;  // 1..12
    int day;    // 1..31
    bool operator==(const CivilDay&) const = default;
};

// A day of the Gregorian calendar between 1868-01-01 and 9999-12-31, kept as days since 1970-01-01 (design §9.3).
// Arithmetic stays inside that range: what would leave it becomes its first or last day, so an open end stays open.
// A value; thread-safe.
class Date {
  public:
    static const Date first_day;  // 1868-01-01
    static const Date open_end;   // 9999-12-31, the end of what has no end; never NULL in a store

    constexpr Date() = default;  // 1970-01-01
    // nullopt for a day that does not exist or lies outside the range.
    [[nodiscard]] static constexpr std::optional<Date> from_ymd(int year, int month, int day);
    // For days that stand in the program: one that does not exist is a compile error.
    [[nodiscard]] static consteval Date of(int year, int month, int day) { return *from_ymd(year, month, day); }
    // For values from a store or the wire: nullopt outside the range.
    [[nodiscard]] static constexpr std::optional<Date> from_days(std::int64_t days);

    [[nodiscard]] constexpr std::int32_t days() const { return days_; }
    [[nodiscard]] constexpr CivilDay civil() const;
    [[nodiscard]] constexpr int year() const { return civil().year; }
    [[nodiscard]] constexpr int month() const { return civil().month; }
    [[nodiscard]] constexpr int day() const { return civil().day; }

    [[nodiscard]] constexpr Date plus_days(std::int64_t count) const;
    // The same day of another month, or that month's last day when it has no such day.
    [[nodiscard]] constexpr Date plus_months_clamped(int count) const;
    [[nodiscard]] constexpr Date first_of_month() const { return Date(days_ - civil().day + 1); }
    [[nodiscard]] constexpr Date last_of_month() const;

    friend constexpr auto operator<=>(Date, Date) = default;
    // Days from `b` to `a`.
    friend constexpr std::int32_t operator-(Date a, Date b) { return a.days_ - b.days_; }

  private:
    static constexpr std::int32_t first_days = -37255;
    static constexpr std::int32_t last_days = 2932896;
    constexpr explicit Date(std::int32_t days) : days_(days) {}
    [[nodiscard]] static constexpr Date clamped(std::int64_t days);
    std::int32_t days_ = 0;
};

constexpr std::optional<Date> Date::from_ymd(int year, int month, int day) {
    if (year < 1868 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return std::nullopt;
    const std::chrono::year_month_day ymd{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                          std::chrono::day(static_cast<unsigned>(day))};
    if (!ymd.ok()) return std::nullopt;
    return Date(static_cast<std::int32_t>(std::chrono::sys_days(ymd).time_since_epoch().count()));
}

constexpr std::optional<Date> Date::from_days(std::int64_t days) {
    if (days < first_days || days > last_days) return std::nullopt;
    return Date(static_cast<std::int32_t>(days));
}

constexpr CivilDay Date::civil() const {
    const std::chrono::year_month_day ymd{std::chrono::sys_days(std::chrono::days(days_))};
    return {static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
            static_cast<int>(static_cast<unsigned>(ymd.day()))};
}

constexpr Date Date::clamped(std::int64_t days) {
    if (days < first_days) return Date(first_days);
    return days > last_days ? Date(last_days) : Date(static_cast<std::int32_t>(days));
}

constexpr Date Date::plus_days(std::int64_t count) const {
    // Two steps of the whole range suffice, and the sum cannot overflow.
    constexpr std::int64_t reach = last_days - first_days;
    const std::int64_t bounded = count > reach ? reach : (count < -reach ? -reach : count);
    return clamped(days_ + bounded);
}

constexpr Date Date::plus_months_clamped(int count) const {
    const CivilDay from = civil();
    const std::int64_t months = std::int64_t{from.year} * 12 + from.month - 1 + count;
    if (months < 1868 * 12) return Date(first_days);
    if (months > 9999 * 12 + 11) return Date(last_days);
    const std::chrono::year year(static_cast<int>(months / 12));
    const std::chrono::month month(static_cast<unsigned>(months % 12 + 1));
    const unsigned last = static_cast<unsigned>((year / month / std::chrono::last).day());
    const unsigned day = static_cast<unsigned>(from.day) < last ? static_cast<unsigned>(from.day) : last;
    return Date(static_cast<std::int32_t>(
        std::chrono::sys_days(year / month / std::chrono::day(day)).time_since_epoch().count()));
}

constexpr Date Date::last_of_month() const {
    const CivilDay from = civil();
    const std::chrono::year_month_day_last last(
        std::chrono::year(from.year),
        std::chrono::month_day_last(std::chrono::month(static_cast<unsigned>(from.month))));
    return Date(static_cast<std::int32_t>(std::chrono::sys_days(last).time_since_epoch().count()));
}

inline constexpr Date Date::first_day{Date::first_days};
inline constexpr Date Date::open_end{Date::last_days};

// A closed range of days. `last` = Date::open_end means without end.
struct DateRange {
    Date first;
    Date last;

    [[nodiscard]] constexpr bool is_empty() const { return last < first; }
    [[nodiscard]] constexpr bool contains(Date day) const { return first <= day && day <= last; }
    // Empty ranges overlap nothing.
    [[nodiscard]] constexpr bool overlaps(const DateRange& other) const {
        return !is_empty() && !other.is_empty() && first <= other.last && other.first <= last;
    }
    [[nodiscard]] constexpr bool is_open_ended() const { return last == Date::open_end; }
    bool operator==(const DateRange&) const = default;
};

// `YYYY-MM-DD`, exactly. Errors: date.format, date.no_such_day, date.out_of_range.
[[nodiscard]] Result<Date> parse_iso_date(std::string_view text);
// `YYYYMMDD`, exactly (oqs §1.4). Errors as above.
[[nodiscard]] Result<Date> parse_compact_date(std::string_view text);
[[nodiscard]] std::string to_iso(Date day);
[[nodiscard]] std::string to_compact(Date day);

// The day in Japan (UTC+9; no instant of ours lies in the years with summer time, 1948-1951) at an instant.
[[nodiscard]] Date japan_day(Instant at);
[[nodiscard]] Instant start_of_japan_day(Date day);

// Japanese eras. The numbers are the code digits of claim files; the letters are M T S H R.
enum class Era : std::uint8_t { meiji = 1, taisho = 2, showa = 3, heisei = 4, reiwa = 5 };

struct EraDate {
    Era era;
    int year;  // 1 is gannen (元年)
    int month;
    int day;
    bool operator==(const EraDate&) const = default;
};

enum class EraCode : std::uint8_t { digit, letter };

// The first day that carries the era's name: 1868-01-25 (the edict of Keio 4-9-8 reached back to that year's first
// day), 1912-07-30, 1926-12-25, 1989-01-08, 2019-05-01.
[[nodiscard]] Date era_start(Era era);
// '1'..'5', or a letter in either case.
[[nodiscard]] std::optional<Era> era_of_code(char code);
[[nodiscard]] char era_code(Era era, EraCode form);
// nullopt before 1868-01-25. A day on which an era began carries the new name.
[[nodiscard]] std::optional<EraDate> to_era(Date day);
// Refuses (date.era) days outside the named era: Showa 64-01-08 is not read as Heisei 1-01-08, since one of era, year
// and day must be mistyped. 1912-07-30 and 1926-12-25 are accepted under both names, because both eras hold them: the
// new one began on the day the old one ended. Meiji 1-5 are read in the Gregorian calendar, like every other year.
[[nodiscard]] Result<Date> from_era(EraDate date);
// `GYYMMDD` with G a code digit or letter, e.g. `3640107` or `R011231`.
[[nodiscard]] Result<Date> parse_era_compact(std::string_view text);
[[nodiscard]] std::optional<std::string> to_era_compact(Date day, EraCode form);
// `令和元年5月1日`. Reads 元 or 1 for the first year, ASCII or full-width digits with or without a leading zero.
[[nodiscard]] Result<Date> parse_era_text(std::string_view text);
[[nodiscard]] std::optional<std::string> to_era_text(Date day);

// Age (domain-rules §4.2): a person attains age n at the end of the day before the n-th birthday. Someone born on 29
// February has the birthday on 1 March in other years. Ages are 0..200; a result beyond 9999-12-31 is that day.

// Completed years on a day; nullopt before birth.
[[nodiscard]] std::optional<int> age_on(Date birth, Date day);
[[nodiscard]] Date birthday(Date birth, int age);
// The day at whose end the age is attained.
[[nodiscard]] Date day_age_is_attained(Date birth, int age);
// Last pre-school day (未就学): the first 31 March on or after the day on which 6 is attained.
[[nodiscard]] Date preschool_end(Date birth);
// First day of the rules for 70 and over: the first of the month after the month in which 70 is attained.
[[nodiscard]] Date seventy_start(Date birth);
// First day in the late-elderly scheme: the 75th birthday.
[[nodiscard]] Date late_elderly_start(Date birth);
// The first day of the month whose limits are halved (§3.7); nullopt when the 75th birthday is the first of its month.
[[nodiscard]] std::optional<Date> half_limit_month(Date birth);
// Last day on which an expired card certificate still proves coverage: the end of the third month after the month of
// expiry (§6.9).
[[nodiscard]] Date certificate_grace_end(Date expiry);

}  // namespace onshi

template <>
struct std::hash<onshi::Date> {
    std::size_t operator()(onshi::Date day) const noexcept { return std::hash<std::int32_t>()(day.days()); }
};
