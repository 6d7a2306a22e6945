#include "synth/organisations.h"

#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "synth/text.h"

namespace onshi::synth {
namespace {

const Organisations& nation_one() {
    static const Organisations made(1);
    return made;
}

TEST(synth_organisations, insurers_come_in_the_real_numbers_per_law_code) {
    std::map<int, int> counted;
    for (const SyntheticInsurer& insurer : nation_one().insurers()) {
        ++counted[insurer.number.law_code().value_or(insurer.number.is_trade_society() ? -1 : 0)];
    }
    const std::map<int, int> expected{{-1, 160}, {0, 1'716}, {1, 47}, {2, 1},  {6, 1'380}, {7, 1},
                                      {31, 20},  {32, 61},   {33, 1}, {34, 2}, {39, 47},   {63, 56},
                                      {72, 1},   {73, 1},    {74, 1}, {75, 1}};
    EXPECT_EQ(counted, expected);
}

TEST(synth_organisations, insurer_numbers_are_valid_and_unique_and_names_are_invented) {
    std::set<std::int64_t> numbers;
    for (const SyntheticInsurer& insurer : nation_one().insurers()) {
        EXPECT_TRUE(InsurerNumber::parse(insurer.number.issued()).has_value());
        EXPECT_TRUE(numbers.insert(insurer.number.to_key()).second) << insurer.number.issued();
        EXPECT_TRUE(insurer.name.starts_with("架空")) << insurer.name;
        EXPECT_EQ(insurer.number.prefecture(), insurer.prefecture);
        EXPECT_LT(insurer.validity.first, insurer.validity.last);
        std::string telephone;
        append_insurer_telephone(insurer, telephone);
        EXPECT_TRUE(telephone.starts_with("03-0000-")) << telephone;
        EXPECT_EQ(telephone.size(), 12U);
    }
}

TEST(synth_organisations, runs_hold_insurers_of_their_scheme) {
    const Organisations& made = nation_one();
    const Organisations::Runs& runs = made.runs();
    const auto expect_scheme = [&made](IndexRun run, InsurerScheme scheme) {
        ASSERT_GT(run.count, 0);
        for (std::uint32_t i = 0; i < run.count; ++i) EXPECT_EQ(made.insurers()[run.at(i)].number.scheme(), scheme);
    };
    expect_scheme(runs.association, InsurerScheme::health_association);
    expect_scheme(runs.seamen, InsurerScheme::seamen);
    expect_scheme(runs.societies, InsurerScheme::health_society);
    expect_scheme(runs.self_defence, InsurerScheme::self_defence);
    expect_scheme(runs.national_servants, InsurerScheme::national_public_servants);
    expect_scheme(runs.local_servants, InsurerScheme::local_public_servants);
    expect_scheme(runs.police, InsurerScheme::police);
    expect_scheme(runs.schools, InsurerScheme::schools);
    expect_scheme(runs.late_elderly, InsurerScheme::late_elderly);
    expect_scheme(runs.retired_societies, InsurerScheme::specified_society);
    expect_scheme(runs.national_health, InsurerScheme::national_health);
    for (const IndexRun& run : runs.trade_societies) expect_scheme(run, InsurerScheme::national_health);
    for (int prefecture = 1; prefecture <= prefecture_count; ++prefecture) {
        const auto at = static_cast<std::uint32_t>(prefecture - 1);
        EXPECT_EQ(made.insurers()[runs.association.at(at)].prefecture, prefecture);
        EXPECT_EQ(made.insurers()[runs.local_servants.at(at)].prefecture, prefecture);
        EXPECT_EQ(made.insurers()[runs.late_elderly.at(at)].prefecture, prefecture);
    }
}

TEST(synth_organisations, the_newest_file_is_from_yesterday_or_from_its_weekday_in_the_last_seven_days) {
    SyntheticInsurer insurer = nation_one().insurers().front();
    const Date as_of = Date::of(2026, 11, 23);
    insurer.file_interval_days = 1;
    EXPECT_EQ(newest_file_on(insurer, as_of), Date::of(2026, 11, 22));
    insurer.file_interval_days = 7;
    std::set<Date> days;
    for (std::uint8_t weekday = 0; weekday < 7; ++weekday) {
        insurer.file_weekday = weekday;
        const Date newest = newest_file_on(insurer, as_of);
        days.insert(newest);
        EXPECT_EQ(newest_file_on(insurer, newest.plus_days(7)), newest);
        EXPECT_EQ(newest_file_on(insurer, newest.plus_days(8)), newest.plus_days(7));
    }
    EXPECT_EQ(days.size(), 7U);
    EXPECT_EQ(*days.begin(), Date::of(2026, 11, 16));
    EXPECT_EQ(*days.rbegin(), Date::of(2026, 11, 22));
}

TEST(synth_organisations, local_government_codes_have_the_published_check_digit) {
    // Published codes: Hokkaido 010006, Tokyo's Chiyoda 131016, Osaka 270008, Okinawa 470007.
    EXPECT_EQ(local_government_check(1'000), 6U);
    EXPECT_EQ(local_government_check(13'101), 6U);
    EXPECT_EQ(local_government_check(27'000), 8U);
    EXPECT_EQ(local_government_check(47'000), 7U);
}

TEST(synth_organisations,
     there_are_1741_municipalities_with_unique_codes_and_names_and_an_insurer_in_their_prefecture) {
    const Organisations& made = nation_one();
    ASSERT_EQ(made.municipalities().size(), 1'741U);
    std::set<std::uint32_t> codes;
    std::set<std::pair<int, std::string>> names;
    for (const Municipality& municipality : made.municipalities()) {
        EXPECT_TRUE(codes.insert(municipality.code).second);
        EXPECT_TRUE(names.emplace(municipality.prefecture, municipality.name).second) << municipality.name;
        EXPECT_EQ(municipality.code % 10, local_government_check(municipality.code / 10));
        EXPECT_TRUE(municipality.name.starts_with("架空"));
        EXPECT_LT(municipality.postal_code, 10'000U);
        const SyntheticInsurer& insurer = made.insurers()[municipality.national_insurer];
        EXPECT_EQ(insurer.number.scheme(), InsurerScheme::national_health);
        EXPECT_FALSE(insurer.number.is_trade_society());
        EXPECT_EQ(insurer.prefecture, municipality.prefecture);
    }
}

TEST(synth_organisations, all_facilities_have_valid_codes_that_no_other_has_and_kinds_in_their_real_shares) {
    const Organisations& made = nation_one();
    std::set<std::int64_t> codes;
    std::map<FacilityKind, double> kinds;
    double obliged = 0;
    for (std::uint32_t i = 0; i < facilities_max; ++i) {
        const SyntheticFacility facility = made.facility(i);
        ASSERT_TRUE(codes.insert(facility.code.to_key()).second) << i;
        ASSERT_EQ(facility.code.prefecture(), made.municipalities()[facility.municipality].prefecture);
        ASSERT_EQ(facility.terminals > 0, facility.obliged);
        kinds[facility.kind] += 1.0 / facilities_max;
        obliged += facility.obliged ? 1.0 / facilities_max : 0;
    }
    EXPECT_NEAR(kinds[FacilityKind::hospital], 0.0357 * 0.973, 0.002);
    EXPECT_NEAR(kinds[FacilityKind::clinic], 0.3905 * 0.973, 0.004);
    EXPECT_NEAR(kinds[FacilityKind::dental], 0.3062 * 0.973, 0.004);
    EXPECT_NEAR(kinds[FacilityKind::pharmacy], 0.2677 * 0.973, 0.004);
    EXPECT_NEAR(obliged, 0.930, 0.003);
}

TEST(synth_organisations, any_facility_is_the_same_alone_and_passes_the_parser) {
    const Organisations again(1);
    const bool held = rc::check([&again] {
        const auto index = *rc::gen::inRange<std::uint32_t>(0, facilities_max);
        const SyntheticFacility one = nation_one().facility(index);
        const SyntheticFacility two = again.facility(index);
        RC_ASSERT(one.code == two.code);
        RC_ASSERT(one.name == two.name);
        RC_ASSERT(FacilityCode::parse(one.code.text()).has_value());
        RC_ASSERT(one.name.starts_with("架空"));
        std::string telephone;
        append_facility_telephone(one, telephone);
        RC_ASSERT(telephone.size() == 12U);
        RC_ASSERT(telephone.starts_with("06-0"));
    });
    EXPECT_TRUE(held);
}

}  // namespace
}  // namespace onshi::synth
