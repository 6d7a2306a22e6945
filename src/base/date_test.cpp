#include "base/date.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace onshi::date_test {

Date iso(std::string_view text) {
    auto day = parse_iso_date(text);
    EXPECT_TRUE(day) << text;
    return day ? *day : Date();
}

ErrorCode code_of(const Result<Date>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorCode::internal_unexpected : result.error().code;
}

rc::Gen<Date> any_date() {
    return rc::gen::map(rc::gen::inRange<std::int64_t>(Date::first_day.days(), std::int64_t{Date::open_end.days()} + 1),
                        [](std::int64_t days) { return *Date::from_days(days); });
}

rc::Gen<Date> any_birth() {
    return rc::gen::map(rc::gen::inRange<std::int64_t>(Date::of(1890, 1, 1).days(), Date::of(2100, 1, 1).days()),
                        [](std::int64_t days) { return *Date::from_days(days); });
}

TEST(Date, knows_its_first_and_last_day) {
    EXPECT_EQ(to_iso(Date::first_day), "1868-01-01");
    EXPECT_EQ(to_iso(Date::open_end), "9999-12-31");
    EXPECT_EQ(to_iso(Date()), "1970-01-01");
    EXPECT_FALSE(Date::from_days(Date::first_day.days() - 1));
    EXPECT_TRUE(Date::from_days(Date::first_day.days()));
    EXPECT_TRUE(Date::from_days(Date::open_end.days()));
    EXPECT_FALSE(Date::from_days(std::int64_t{Date::open_end.days()} + 1));
    EXPECT_FALSE(Date::from_days(INT64_MIN));
    EXPECT_FALSE(Date::from_days(INT64_MAX));
}

TEST(Date, refuses_days_that_do_not_exist) {
    EXPECT_FALSE(Date::from_ymd(2026, 2, 29));
    EXPECT_TRUE(Date::from_ymd(2024, 2, 29));
    EXPECT_FALSE(Date::from_ymd(1900, 2, 29));
    EXPECT_TRUE(Date::from_ymd(2000, 2, 29));
    EXPECT_FALSE(Date::from_ymd(2026, 4, 31));
    EXPECT_FALSE(Date::from_ymd(2026, 0, 1));
    EXPECT_FALSE(Date::from_ymd(2026, 13, 1));
    EXPECT_FALSE(Date::from_ymd(2026, 1, 0));
    EXPECT_FALSE(Date::from_ymd(2026, 1, -1));
    EXPECT_FALSE(Date::from_ymd(1867, 12, 31));
    EXPECT_FALSE(Date::from_ymd(10000, 1, 1));
}

TEST(Date, reads_iso_dates_in_one_form_only) {
    struct Row {
        std::string_view text;
        ErrorCode code;
    };
    const std::vector<Row> refused{
        {"2026-1-01", ErrorCode::date_format},        {"2026/01/01", ErrorCode::date_format},
        {"20260101", ErrorCode::date_format},         {" 2026-01-01", ErrorCode::date_format},
        {"2026-01-01 ", ErrorCode::date_format},      {"", ErrorCode::date_format},
        {"2026-0a-01", ErrorCode::date_format},       {"+026-01-01", ErrorCode::date_format},
        {"2026-01--1", ErrorCode::date_format},       {"2026-02-29", ErrorCode::date_no_such_day},
        {"2026-00-10", ErrorCode::date_no_such_day},  {"2026-13-01", ErrorCode::date_no_such_day},
        {"2026-04-31", ErrorCode::date_no_such_day},  {"2026-01-00", ErrorCode::date_no_such_day},
        {"1867-12-31", ErrorCode::date_out_of_range}, {"0000-01-01", ErrorCode::date_out_of_range},
    };
    for (const Row& row : refused) EXPECT_EQ(code_of(parse_iso_date(row.text)), row.code) << row.text;
    EXPECT_EQ(iso("1868-01-01"), Date::first_day);
    EXPECT_EQ(iso("9999-12-31"), Date::open_end);
}

TEST(Date, reads_compact_dates_in_one_form_only) {
    EXPECT_EQ(parse_compact_date("20261123").value(), Date::of(2026, 11, 23));
    EXPECT_EQ(code_of(parse_compact_date("2026-11-23")), ErrorCode::date_format);
    EXPECT_EQ(code_of(parse_compact_date("2026112")), ErrorCode::date_format);
    EXPECT_EQ(code_of(parse_compact_date("2026112x")), ErrorCode::date_format);
    EXPECT_EQ(code_of(parse_compact_date("99999999")), ErrorCode::date_no_such_day);
    EXPECT_EQ(code_of(parse_compact_date("18671231")), ErrorCode::date_out_of_range);
}

TEST(Date, prints_what_it_reads) {
    EXPECT_TRUE(rc::check([] {
        const Date day = *any_date();
        RC_ASSERT(parse_iso_date(to_iso(day)).value() == day);
        RC_ASSERT(parse_compact_date(to_compact(day)).value() == day);
        const CivilDay civil = day.civil();
        RC_ASSERT(Date::from_ymd(civil.year, civil.month, civil.day) == day);
    }));
}

TEST(Date, counts_days_and_stays_in_its_range) {
    EXPECT_EQ(Date::of(2024, 2, 28).plus_days(1), Date::of(2024, 2, 29));
    EXPECT_EQ(Date::of(2026, 1, 1).plus_days(-1), Date::of(2025, 12, 31));
    EXPECT_EQ(Date::of(2026, 3, 1) - Date::of(2026, 2, 1), 28);
    EXPECT_EQ(Date::open_end.plus_days(1), Date::open_end);
    EXPECT_EQ(Date::open_end.plus_days(INT64_MAX), Date::open_end);
    EXPECT_EQ(Date::first_day.plus_days(-1), Date::first_day);
    EXPECT_EQ(Date::open_end.plus_days(INT64_MIN), Date::first_day);
}

TEST(Date, moves_by_months_to_the_last_day_that_exists) {
    struct Row {
        std::string_view from;
        int months;
        std::string_view to;
    };
    const std::vector<Row> rows{
        {"2026-01-31", 1, "2026-02-28"},  {"2024-01-31", 1, "2024-02-29"},  {"2026-01-31", -2, "2025-11-30"},
        {"2026-12-15", 1, "2027-01-15"},  {"2026-01-15", -1, "2025-12-15"}, {"2026-05-31", 12, "2027-05-31"},
        {"2024-02-29", 12, "2025-02-28"}, {"2026-11-23", 0, "2026-11-23"},  {"9999-12-31", 1, "9999-12-31"},
        {"1868-01-31", -1, "1868-01-01"}, {"9999-11-30", 1, "9999-12-30"},
    };
    for (const Row& row : rows) EXPECT_EQ(iso(row.from).plus_months_clamped(row.months), iso(row.to)) << row.from;
    EXPECT_EQ(Date::of(2026, 1, 1).plus_months_clamped(INT32_MAX), Date::open_end);
    EXPECT_EQ(Date::of(2026, 1, 1).plus_months_clamped(INT32_MIN), Date::first_day);
}

TEST(Date, knows_the_ends_of_its_month) {
    EXPECT_EQ(Date::of(2024, 2, 15).first_of_month(), Date::of(2024, 2, 1));
    EXPECT_EQ(Date::of(2024, 2, 15).last_of_month(), Date::of(2024, 2, 29));
    EXPECT_EQ(Date::open_end.last_of_month(), Date::open_end);
    EXPECT_TRUE(rc::check([] {
        const Date day = *any_date();
        RC_ASSERT(day.first_of_month() <= day);
        RC_ASSERT(day <= day.last_of_month());
        RC_ASSERT(day.first_of_month().month() == day.last_of_month().month());
        RC_ASSERT(day.first_of_month().day() == 1);
        RC_ASSERT(day.last_of_month().plus_days(1).day() == 1 || day.last_of_month() == Date::open_end);
    }));
}

TEST(DateRange, is_closed_at_both_ends) {
    const DateRange may{Date::of(2026, 5, 1), Date::of(2026, 5, 31)};
    EXPECT_TRUE(may.contains(Date::of(2026, 5, 1)));
    EXPECT_TRUE(may.contains(Date::of(2026, 5, 31)));
    EXPECT_FALSE(may.contains(Date::of(2026, 4, 30)));
    EXPECT_FALSE(may.contains(Date::of(2026, 6, 1)));
    EXPECT_TRUE(may.overlaps({Date::of(2026, 5, 31), Date::open_end}));
    EXPECT_FALSE(may.overlaps({Date::of(2026, 6, 1), Date::open_end}));
    EXPECT_FALSE(may.overlaps({Date::of(2026, 5, 20), Date::of(2026, 5, 10)}));
    EXPECT_TRUE((DateRange{Date::of(2026, 1, 1), Date::open_end}).is_open_ended());
    EXPECT_FALSE(may.is_open_ended());
}

TEST(DateRange, overlaps_exactly_when_some_day_is_in_both) {
    EXPECT_TRUE(rc::check([] {
        const auto any_near =
            rc::gen::map(rc::gen::inRange(0, 12), [](int n) { return Date::of(2026, 1, 1).plus_days(n); });
        const DateRange a{*any_near, *any_near};
        const DateRange b{*any_near, *any_near};
        bool shared = false;
        for (int n = 0; n < 12; ++n) {
            const Date day = Date::of(2026, 1, 1).plus_days(n);
            shared = shared || (a.contains(day) && b.contains(day));
        }
        RC_ASSERT(a.overlaps(b) == shared);
        RC_ASSERT(b.overlaps(a) == shared);
    }));
}

TEST(JapanDay, changes_at_15_hours_utc) {
    const std::int64_t day_us = 86'400'000'000;
    const std::int64_t midnight_utc = Date::of(2026, 11, 23).days() * day_us;
    EXPECT_EQ(japan_day({midnight_utc}), Date::of(2026, 11, 23));
    EXPECT_EQ(japan_day({midnight_utc + 15 * 3'600'000'000 - 1}), Date::of(2026, 11, 23));
    EXPECT_EQ(japan_day({midnight_utc + 15 * 3'600'000'000}), Date::of(2026, 11, 24));
    EXPECT_EQ(japan_day({-1}), Date::of(1970, 1, 1));
    EXPECT_EQ(japan_day({-9 * 3'600'000'000 - 1}), Date::of(1969, 12, 31));
    EXPECT_EQ(japan_day({INT64_MAX}), Date::open_end);
    EXPECT_EQ(japan_day({INT64_MIN}), Date::first_day);
}

TEST(JapanDay, starts_at_its_own_first_instant) {
    EXPECT_TRUE(rc::check([] {
        const Date day = *any_date();
        const Instant start = start_of_japan_day(day);
        RC_ASSERT(japan_day(start) == day);
        RC_ASSERT(japan_day({start.us - 1}) == day.plus_days(-1));
        RC_ASSERT(japan_day({start.us + 86'399'999'999}) == day);
    }));
}

TEST(Era, begins_on_its_first_day) {
    struct Row {
        std::string_view day;
        Era era;
        int year;
        std::string_view digits;
        std::string_view letters;
        std::string_view text;
    };
    const std::vector<Row> rows{
        {"1868-01-25", Era::meiji, 1, "1010125", "M010125", "明治元年1月25日"},
        {"1912-07-29", Era::meiji, 45, "1450729", "M450729", "明治45年7月29日"},
        {"1912-07-30", Era::taisho, 1, "2010730", "T010730", "大正元年7月30日"},
        {"1926-12-24", Era::taisho, 15, "2151224", "T151224", "大正15年12月24日"},
        {"1926-12-25", Era::showa, 1, "3011225", "S011225", "昭和元年12月25日"},
        {"1989-01-07", Era::showa, 64, "3640107", "S640107", "昭和64年1月7日"},
        {"1989-01-08", Era::heisei, 1, "4010108", "H010108", "平成元年1月8日"},
        {"2019-04-30", Era::heisei, 31, "4310430", "H310430", "平成31年4月30日"},
        {"2019-05-01", Era::reiwa, 1, "5010501", "R010501", "令和元年5月1日"},
        {"2026-12-02", Era::reiwa, 8, "5081202", "R081202", "令和8年12月2日"},
    };
    for (const Row& row : rows) {
        const Date day = iso(row.day);
        const auto date = to_era(day);
        ASSERT_TRUE(date);
        EXPECT_EQ(date->era, row.era) << row.day;
        EXPECT_EQ(date->year, row.year) << row.day;
        EXPECT_EQ(to_era_compact(day, EraCode::digit), row.digits);
        EXPECT_EQ(to_era_compact(day, EraCode::letter), row.letters);
        EXPECT_EQ(to_era_text(day), row.text);
        EXPECT_EQ(parse_era_compact(row.digits).value(), day);
        EXPECT_EQ(parse_era_compact(row.letters).value(), day);
        EXPECT_EQ(parse_era_text(row.text).value(), day);
    }
    EXPECT_FALSE(to_era(Date::of(1868, 1, 24)));
    EXPECT_FALSE(to_era_text(Date::of(1868, 1, 24)));
    EXPECT_FALSE(to_era_compact(Date::of(1868, 1, 24), EraCode::digit));
}

TEST(Era, refuses_days_outside_the_named_era) {
    for (const std::string_view text : {"3640108", "4010107", "4310501", "5010430", "1450731", "2151226", "2010729",
                                        "3011224", "1010124", "5000101"}) {
        EXPECT_EQ(code_of(parse_era_compact(text)), ErrorCode::date_era) << text;
    }
    EXPECT_EQ(code_of(parse_era_text("昭和64年1月8日")), ErrorCode::date_era);
    EXPECT_EQ(code_of(parse_era_text("令和0年1月8日")), ErrorCode::date_era);
    EXPECT_EQ(code_of(from_era({Era::showa, -1, 1, 1})), ErrorCode::date_era);
    EXPECT_EQ(code_of(from_era({Era::reiwa, 9000, 1, 1})), ErrorCode::date_out_of_range);
    EXPECT_EQ(code_of(from_era({Era::reiwa, 1'000'000'000, 1, 1})), ErrorCode::date_era);
}

TEST(Era, accepts_both_names_of_the_days_that_belong_to_two_eras) {
    EXPECT_EQ(parse_era_compact("1450730").value(), Date::of(1912, 7, 30));
    EXPECT_EQ(parse_era_compact("2151225").value(), Date::of(1926, 12, 25));
}

TEST(Era, refuses_other_forms) {
    for (const std::string_view text :
         {"", "0010101", "6010101", "X010101", "R11231", "R0112311", "R01123a", "R 11231"}) {
        EXPECT_EQ(code_of(parse_era_compact(text)), ErrorCode::date_format) << text;
    }
    for (const std::string_view text :
         {"", "令和", "令和年5月1日", "令和1年5月1", "令和1年5月1日 ", "8年12月2日", "令和1年5月001日",
          "令和12345年5月1日", "明治大正1年1月1日", "令和元元年5月1日", "令和1年5月一日"}) {
        EXPECT_EQ(code_of(parse_era_text(text)), ErrorCode::date_format) << text;
    }
    EXPECT_EQ(code_of(parse_era_compact("R010230")), ErrorCode::date_no_such_day);
    EXPECT_EQ(code_of(parse_era_text(std::string(1000, '1'))), ErrorCode::date_format);
}

TEST(Era, reads_full_width_digits_leading_zeros_and_small_letters) {
    EXPECT_EQ(parse_era_text("令和８年１２月２日").value(), Date::of(2026, 12, 2));
    EXPECT_EQ(parse_era_text("令和08年02月02日").value(), Date::of(2026, 2, 2));
    EXPECT_EQ(parse_era_text("令和1年5月1日").value(), Date::of(2019, 5, 1));
    EXPECT_EQ(parse_era_compact("r081202").value(), Date::of(2026, 12, 2));
    EXPECT_EQ(parse_era_text("令和７９８１年１２月３１日").value(), Date::open_end);
}

TEST(Era, comes_back_from_every_form) {
    EXPECT_TRUE(rc::check([] {
        const Date day = *any_date();
        const auto date = to_era(day);
        RC_ASSERT(date.has_value() == (day >= Date::of(1868, 1, 25)));
        if (!date) return;
        RC_ASSERT(from_era(*date).value() == day);
        RC_ASSERT(parse_era_text(*to_era_text(day)).value() == day);
        RC_ASSERT(to_era_compact(day, EraCode::digit).has_value() == (date->year <= 99));
        if (date->year > 99) return;
        RC_ASSERT(parse_era_compact(*to_era_compact(day, EraCode::digit)).value() == day);
        RC_ASSERT(parse_era_compact(*to_era_compact(day, EraCode::letter)).value() == day);
    }));
}

// domain-rules §4.2.
TEST(Age, preschool_ends_on_31_march_after_six) {
    struct Row {
        std::string_view birth;
        std::string_view last_day;
    };
    const std::vector<Row> rows{{"2000-02-02", "2006-03-31"}, {"2000-04-01", "2006-03-31"},
                                {"2000-04-02", "2007-03-31"}, {"2000-06-02", "2007-03-31"},
                                {"2020-02-29", "2026-03-31"}, {"2000-12-31", "2007-03-31"},
                                {"2001-01-01", "2007-03-31"}, {"9999-12-31", "9999-12-31"}};
    for (const Row& row : rows) EXPECT_EQ(preschool_end(iso(row.birth)), iso(row.last_day)) << row.birth;
}

TEST(Age, seventy_starts_with_the_month_after_it_is_attained) {
    struct Row {
        std::string_view birth;
        std::string_view start;
    };
    const std::vector<Row> rows{{"1956-11-01", "2026-11-01"},
                                {"1956-11-02", "2026-12-01"},
                                {"1956-12-01", "2026-12-01"},
                                {"1956-12-31", "2027-01-01"},
                                {"1956-02-29", "2026-03-01"}};
    for (const Row& row : rows) EXPECT_EQ(seventy_start(iso(row.birth)), iso(row.start)) << row.birth;
}

TEST(Age, late_elderly_from_the_75th_birthday_with_a_half_month_unless_it_is_a_first) {
    EXPECT_EQ(late_elderly_start(iso("1951-11-15")), iso("2026-11-15"));
    EXPECT_EQ(half_limit_month(iso("1951-11-15")), iso("2026-11-01"));
    EXPECT_EQ(late_elderly_start(iso("1951-11-01")), iso("2026-11-01"));
    EXPECT_FALSE(half_limit_month(iso("1951-11-01")));
    EXPECT_EQ(late_elderly_start(iso("1952-02-29")), iso("2027-03-01"));
    EXPECT_FALSE(half_limit_month(iso("1952-02-29")));
    EXPECT_EQ(half_limit_month(iso("1951-11-30")), iso("2026-11-01"));
}

TEST(Age, is_attained_at_the_end_of_the_day_before_the_birthday) {
    EXPECT_EQ(day_age_is_attained(iso("2000-04-01"), 6), iso("2006-03-31"));
    EXPECT_EQ(day_age_is_attained(iso("2020-02-29"), 6), iso("2026-02-28"));
    EXPECT_EQ(day_age_is_attained(iso("2020-02-29"), 8), iso("2028-02-28"));
    EXPECT_EQ(day_age_is_attained(iso("2000-03-01"), 4), iso("2004-02-29"));
    EXPECT_EQ(age_on(iso("2000-04-01"), iso("2006-03-31")), 5);
    EXPECT_EQ(age_on(iso("2000-04-01"), iso("2006-04-01")), 6);
    EXPECT_EQ(age_on(iso("2020-02-29"), iso("2026-02-28")), 5);
    EXPECT_EQ(age_on(iso("2020-02-29"), iso("2026-03-01")), 6);
    EXPECT_EQ(age_on(iso("2020-02-29"), iso("2028-02-28")), 7);
    EXPECT_EQ(age_on(iso("2020-02-29"), iso("2028-02-29")), 8);
    EXPECT_EQ(age_on(iso("2020-02-29"), iso("2020-02-29")), 0);
    EXPECT_FALSE(age_on(iso("2020-02-29"), iso("2020-02-28")));
}

TEST(Age, grows_by_one_on_every_birthday) {
    EXPECT_TRUE(rc::check([] {
        const Date birth = *any_birth();
        const int age = *rc::gen::inRange(0, 130);
        const Date day = birthday(birth, age);
        RC_ASSERT(age_on(birth, day) == age);
        RC_ASSERT(day_age_is_attained(birth, age).plus_days(1) == day);
        if (age > 0) RC_ASSERT(age_on(birth, day.plus_days(-1)) == age - 1);
    }));
}

TEST(Age, seventy_and_school_rules_follow_from_the_day_it_is_attained) {
    EXPECT_TRUE(rc::check([] {
        const Date birth = *any_birth();
        const Date six = day_age_is_attained(birth, 6);
        const Date end = preschool_end(birth);
        RC_ASSERT(end.month() == 3 && end.day() == 31);
        RC_ASSERT(six <= end && end - six <= 366);
        const Date seventy = day_age_is_attained(birth, 70);
        RC_ASSERT(seventy_start(birth).day() == 1);
        RC_ASSERT(seventy < seventy_start(birth) && seventy_start(birth) - seventy <= 31);
    }));
}

// domain-rules §6.9.
TEST(CertificateGrace, ends_with_the_third_month_after_the_month_of_expiry) {
    EXPECT_EQ(certificate_grace_end(iso("2026-08-15")), iso("2026-11-30"));
    EXPECT_EQ(certificate_grace_end(iso("2026-11-30")), iso("2027-02-28"));
    EXPECT_EQ(certificate_grace_end(iso("2027-11-01")), iso("2028-02-29"));
    EXPECT_EQ(certificate_grace_end(iso("2026-01-31")), iso("2026-04-30"));
    EXPECT_EQ(certificate_grace_end(Date::open_end), Date::open_end);
}

}  // namespace onshi::date_test
