#include "domain/organisations/rules_emergencies.h"

#include <gtest/gtest.h>

namespace onshi::organisations {
namespace {

constexpr std::chrono::microseconds one_us{1};

Disaster july() {
    return {.id = 1,
            .municipality = *MunicipalityCode::parse("131016"),
            .days = {Date::of(2026, 7, 8), Date::of(2026, 7, 14)},
            .declared_at = start_of_japan_day(Date::of(2026, 7, 7)),
            .declared_by = "sato"};
}

TEST(Disasters, open_from_the_first_midnight_to_the_stroke_of_the_last_day) {
    Disaster disaster = july();
    disaster.confirmed_at = disaster.declared_at;
    const Instant begins = start_of_japan_day(Date::of(2026, 7, 8));
    const Instant ends = start_of_japan_day(Date::of(2026, 7, 15));
    EXPECT_EQ(state_at(disaster, begins - one_us), DisasterState::announced);
    EXPECT_EQ(state_at(disaster, begins), DisasterState::open);
    EXPECT_EQ(state_at(disaster, ends - one_us), DisasterState::open);
    EXPECT_EQ(state_at(disaster, ends), DisasterState::over);
}

TEST(Disasters, open_nothing_before_a_second_person_and_nothing_after_their_end) {
    Disaster disaster = july();
    const Instant within = start_of_japan_day(Date::of(2026, 7, 10));
    EXPECT_EQ(state_at(disaster, within), DisasterState::waiting);
    EXPECT_EQ(state_at(disaster, start_of_japan_day(Date::of(2026, 7, 15))), DisasterState::over);
    disaster.confirmed_at = within;
    EXPECT_EQ(state_at(disaster, within), DisasterState::open);
    disaster.ended_at = within;
    EXPECT_EQ(state_at(disaster, within), DisasterState::over);
    EXPECT_EQ(state_at(disaster, within - one_us), DisasterState::over) << "a clock that steps back opens nothing";
}

TEST(Disasters, have_periods_that_are_not_over_and_not_too_long) {
    const Date today = Date::of(2026, 7, 8);
    const auto judged = [&](Date first, Date last) { return check_period({first, last}, today).has_value(); };
    EXPECT_TRUE(judged(today, today));
    EXPECT_TRUE(judged(Date::of(2026, 7, 1), today)) << "begun before it was declared";
    EXPECT_FALSE(judged(Date::of(2026, 7, 1), Date::of(2026, 7, 7)));
    EXPECT_FALSE(judged(Date::of(2026, 7, 9), Date::of(2026, 7, 8)));
    EXPECT_TRUE(judged(today, *Date::from_days(today.days() + disaster_days_max - 1)));
    EXPECT_FALSE(judged(today, *Date::from_days(today.days() + disaster_days_max)));
}

TEST(Outages, each_has_its_row) {
    EXPECT_EQ(mode_under(Dependency::card_status), DeskMode::coverage_only);
    EXPECT_EQ(mode_under(Dependency::resident_register), DeskMode::answers_late);
    EXPECT_EQ(mode_under(Dependency::insurer_files), DeskMode::answers_late);
    EXPECT_EQ(mode_under(Dependency::registry), DeskMode::without_hub);
    EXPECT_EQ(mode_under(Dependency::ledger), DeskMode::without_hub);
    for (const auto& [dependency, name] : dependency_names) {
        EXPECT_EQ(to_string(dependency), name);
        EXPECT_EQ(parse_dependency(name), dependency);
    }
    EXPECT_EQ(parse_dependency("weather"), std::nullopt);
}

TEST(Persons, are_the_same_however_they_are_typed) {
    EXPECT_TRUE(is_same_person("sato", " Sato "));
    EXPECT_FALSE(is_same_person("sato", "suzuki"));
    EXPECT_FALSE(is_same_person("sato", "sato2"));
}

}  // namespace
}  // namespace onshi::organisations
