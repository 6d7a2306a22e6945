#include "base/date.h"

#include <array>

namespace onshi {

namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::int64_t japan_offset_us = 9 * 3'600'000'000;

struct EraEntry {
    Era era;
    Date start;
    char letter;
    std::string_view name;
};

constexpr std::array<EraEntry, 5> eras{{
    {Era::meiji, Date::of(1868, 1, 25), 'M', "明治"},
    {Era::taisho, Date::of(1912, 7, 30), 'T', "大正"},
    {Era::showa, Date::of(1926, 12, 25), 'S', "昭和"},
    {Era::heisei, Date::of(1989, 1, 8), 'H', "平成"},
    {Era::reiwa, Date::of(2019, 5, 1), 'R', "令和"},
}};

constexpr std::string_view gannen = "元";
// Era, four digits, 年, two digits, 月, two digits, 日, each three bytes wide.
constexpr std::size_t era_text_bytes_max = 6 + 4 * 3 + 3 + 2 * 3 + 3 + 2 * 3 + 3;

const EraEntry& entry_of(Era era) {
    return eras[static_cast<std::size_t>(era) - 1];
}

// The last day that may be written in the era: up to 1926 the next era began on the day the old one ended.
Date last_day_of(Era era) {
    if (era == Era::reiwa) return Date::open_end;
    const Date next = eras[static_cast<std::size_t>(era)].start;
    return era == Era::meiji || era == Era::taisho ? next : next.plus_days(-1);
}

// The value of a run of ASCII digits, which the caller has bounded to at most nine.
std::optional<int> digits_value(std::string_view text) {
    if (text.empty()) return std::nullopt;
    int value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value;
}

void put_digits(char* out, int value, int width) {
    for (int i = width - 1; i >= 0; --i) {
        out[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

Result<Date> checked_day(std::optional<int> year, std::optional<int> month, std::optional<int> day) {
    if (!year || !month || !day) return fail(ErrorCode::date_format, "digits expected");
    if (const auto found = Date::from_ymd(*year, *month, *day)) return *found;
    const std::chrono::year_month_day ymd{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                          std::chrono::day(static_cast<unsigned>(*day))};
    if (!ymd.ok()) return fail(ErrorCode::date_no_such_day, "no such day in the calendar");
    return fail(ErrorCode::date_out_of_range, "1868-01-01..9999-12-31 expected");
}

// Takes a number of at most `digits_max` digits from the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits_max) {
    std::size_t length = 0;
    while (length < text.size() && length < digits_max && text[length] >= '0' && text[length] <= '9') ++length;
    const auto value = digits_value(text.substr(0, length));
    text.remove_prefix(length);
    return value;
}

bool take(std::string_view& text, std::string_view expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(expected.size());
    return true;
}

// Full-width digits U+FF10..U+FF19 (EF BC 90..99) become ASCII; everything else stays.
std::string with_ascii_digits(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto third = i + 2 < text.size() ? static_cast<unsigned char>(text[i + 2]) : 0U;
        if (text.substr(i, 2) == "\xEF\xBC" && third >= 0x90 && third <= 0x99) {
            out.push_back(static_cast<char>('0' + (third - 0x90)));
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

}  // namespace

Result<Date> parse_iso_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-')
        return fail(ErrorCode::date_format, "YYYY-MM-DD expected");
    return checked_day(digits_value(text.substr(0, 4)), digits_value(text.substr(5, 2)),
                       digits_value(text.substr(8, 2)));
}

Result<Date> parse_compact_date(std::string_view text) {
    if (text.size() != 8) return fail(ErrorCode::date_format, "YYYYMMDD expected");
    return checked_day(digits_value(text.substr(0, 4)), digits_value(text.substr(4, 2)),
                       digits_value(text.substr(6, 2)));
}

std::string to_iso(Date day) {
    const CivilDay civil = day.civil();
    std::string text("YYYY-MM-DD");
    put_digits(&text[0], civil.year, 4);
    put_digits(&text[5], civil.month, 2);
    put_digits(&text[8], civil.day, 2);
    return text;
}

std::string to_compact(Date day) {
    const CivilDay civil = day.civil();
    std::string text("YYYYMMDD");
    put_digits(&text[0], civil.year, 4);
    put_digits(&text[4], civil.month, 2);
    put_digits(&text[6], civil.day, 2);
    return text;
}

Date japan_day(Instant at) {
    // Divides first: adding the offset to an extreme instant would overflow.
    std::int64_t days = at.us / day_us;
    std::int64_t rest = at.us % day_us;
    if (rest < 0) {
        rest += day_us;
        --days;
    }
    if (rest + japan_offset_us >= day_us) ++days;
    return Date().plus_days(days);
}

Instant start_of_japan_day(Date day) {
    return {day.days() * day_us - japan_offset_us};
}

Date era_start(Era era) {
    return entry_of(era).start;
}

std::optional<Era> era_of_code(char code) {
    const char upper = code >= 'a' && code <= 'z' ? static_cast<char>(code - 'a' + 'A') : code;
    for (const EraEntry& entry : eras) {
        if (upper == entry.letter || upper == era_code(entry.era, EraCode::digit)) return entry.era;
    }
    return std::nullopt;
}

char era_code(Era era, EraCode form) {
    return form == EraCode::letter ? entry_of(era).letter : static_cast<char>('0' + static_cast<int>(era));
}

std::optional<EraDate> to_era(Date day) {
    if (day < eras.front().start) return std::nullopt;
    const EraEntry* entry = &eras.back();
    while (day < entry->start) --entry;
    const CivilDay civil = day.civil();
    return EraDate{entry->era, civil.year - entry->start.year() + 1, civil.month, civil.day};
}

Result<Date> from_era(EraDate date) {
    const Date start = era_start(date.era);
    if (date.year < 1 || date.year > 9999) return fail(ErrorCode::date_era, "years of an era start at 1");
    auto day = checked_day(start.year() + date.year - 1, date.month, date.day);
    if (!day) return day;
    if (*day < start || *day > last_day_of(date.era)) return fail(ErrorCode::date_era, "the day is not in the era");
    return day;
}

Result<Date> parse_era_compact(std::string_view text) {
    if (text.size() != 7) return fail(ErrorCode::date_format, "GYYMMDD expected");
    const auto era = era_of_code(text[0]);
    const auto year = digits_value(text.substr(1, 2));
    const auto month = digits_value(text.substr(3, 2));
    const auto day = digits_value(text.substr(5, 2));
    if (!era || !year || !month || !day) return fail(ErrorCode::date_format, "GYYMMDD expected");
    return from_era({*era, *year, *month, *day});
}

std::optional<std::string> to_era_compact(Date day, EraCode form) {
    const auto date = to_era(day);
    if (!date || date->year > 99) return std::nullopt;
    std::string text("GYYMMDD");
    text[0] = era_code(date->era, form);
    put_digits(&text[1], date->year, 2);
    put_digits(&text[3], date->month, 2);
    put_digits(&text[5], date->day, 2);
    return text;
}

Result<Date> parse_era_text(std::string_view text) {
    if (text.size() > era_text_bytes_max) return fail(ErrorCode::date_format, "era date too long");
    const std::string ascii = with_ascii_digits(text);
    std::string_view rest = ascii;
    const EraEntry* entry = nullptr;
    for (const EraEntry& candidate : eras) {
        if (entry == nullptr && take(rest, candidate.name)) entry = &candidate;
    }
    if (entry == nullptr) return fail(ErrorCode::date_format, "era name expected");
    const auto year = take(rest, gannen) ? std::optional(1) : take_number(rest, 4);
    const bool has_year = take(rest, "年");
    const auto month = take_number(rest, 2);
    const bool has_month = take(rest, "月");
    const auto day = take_number(rest, 2);
    const bool has_day = take(rest, "日");
    const bool complete = year && has_year && month && has_month && day && has_day && rest.empty();
    if (!complete) return fail(ErrorCode::date_format, "era, year, month and day expected");
    return from_era({entry->era, *year, *month, *day});
}

std::optional<std::string> to_era_text(Date day) {
    const auto date = to_era(day);
    if (!date) return std::nullopt;
    std::string text(entry_of(date->era).name);
    text += date->year == 1 ? std::string(gannen) : std::to_string(date->year);
    text += "年" + std::to_string(date->month) + "月" + std::to_string(date->day) + "日";
    return text;
}

Date birthday(Date birth, int age) {
    const CivilDay born = birth.civil();
    const int year = born.year + age;
    if (year > 9999) return Date::open_end;
    // Only 29 February can be missing: the day after 28 February is then the birthday.
    return Date::from_ymd(year, born.month, born.day).value_or(birth.plus_months_clamped(age * 12).plus_days(1));
}

std::optional<int> age_on(Date birth, Date day) {
    if (day < birth) return std::nullopt;
    const int years = day.year() - birth.year();
    return day < birthday(birth, years) ? years - 1 : years;
}

Date day_age_is_attained(Date birth, int age) {
    return birthday(birth, age).plus_days(-1);
}

Date preschool_end(Date birth) {
    const Date attained = day_age_is_attained(birth, 6);
    const int year = attained.month() <= 3 ? attained.year() : attained.year() + 1;
    return Date::from_ymd(year, 3, 31).value_or(Date::open_end);
}

Date seventy_start(Date birth) {
    return day_age_is_attained(birth, 70).last_of_month().plus_days(1);
}

Date late_elderly_start(Date birth) {
    return birthday(birth, 75);
}

std::optional<Date> half_limit_month(Date birth) {
    const Date start = late_elderly_start(birth);
    const Date month = start.first_of_month();
    if (start == month) return std::nullopt;
    return month;
}

Date certificate_grace_end(Date expiry) {
    return expiry.first_of_month().plus_months_clamped(3).last_of_month();
}

}  // namespace onshi
