// Any text into every date parser, and any days into the arithmetic.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/date.h"
#include "base/ensure.h"

namespace {

using namespace onshi;

void check_texts(std::string_view text) {
    if (const auto day = parse_iso_date(text)) ENSURE(to_iso(*day) == text);
    if (const auto day = parse_compact_date(text)) ENSURE(to_compact(*day) == text);
    if (const auto day = parse_era_compact(text)) {
        const auto era = era_of_code(text[0]);
        ENSURE(era && *day >= era_start(*era));
        ENSURE(parse_era_compact(to_era_compact(*day, EraCode::letter).value()).value() == *day);
        ENSURE(parse_era_compact(to_era_compact(*day, EraCode::digit).value()).value() == *day);
    }
    if (const auto day = parse_era_text(text)) ENSURE(parse_era_text(to_era_text(*day).value()).value() == *day);
}

void check_ages(Date birth, Date day) {
    const auto age = age_on(birth, day);
    ENSURE(age.has_value() == (birth <= day));
    if (age) {
        ENSURE(*age >= 0 && birthday(birth, *age) <= day);
        ENSURE(day < birthday(birth, *age + 1) || birthday(birth, *age + 1) == Date::open_end);
    }
    ENSURE(preschool_end(birth) >= day_age_is_attained(birth, 6));
    ENSURE(seventy_start(birth) >= day_age_is_attained(birth, 70));
    const auto half = half_limit_month(birth);
    if (half) ENSURE(*half < late_elderly_start(birth) && late_elderly_start(birth) <= half->last_of_month());
    ENSURE(certificate_grace_end(birth) >= birth);
}

void check_days(std::string_view bytes) {
    ByteReader reader(as_bytes(bytes));
    const auto first = Date::from_days(static_cast<std::int32_t>(reader.u32()) % 3'000'000);
    const auto second = Date::from_days(static_cast<std::int32_t>(reader.u32()) % 3'000'000);
    const auto count = reader.i64();
    if (!first || !second) return;
    const CivilDay civil = first->civil();
    ENSURE(Date::from_ymd(civil.year, civil.month, civil.day) == *first);
    ENSURE(first->plus_days(*second - *first) == *second);
    const Date moved = first->plus_days(count);
    ENSURE(Date::first_day <= moved && moved <= Date::open_end);
    const Date month = first->plus_months_clamped(static_cast<int>(count));
    ENSURE(Date::first_day <= month && month <= Date::open_end);
    const Date in_japan = japan_day({count});
    if (in_japan != Date::first_day && in_japan != Date::open_end) {
        ENSURE(start_of_japan_day(in_japan).us <= count && count < start_of_japan_day(in_japan.plus_days(1)).us);
    }
    const DateRange a{*first, *second};
    const DateRange b{*second, *first};
    ENSURE(a.overlaps(b) == (*first == *second));
    check_ages(*first, *second);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_texts(text);
    check_days(text);
    return 0;
}
