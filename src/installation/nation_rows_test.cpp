#include "installation/nation_rows.h"

#include <gtest/gtest.h>

#include "domain/identity/store.h"
#include "installation/nation_loader.h"

namespace onshi::installation {

namespace {

using coverage::State;
using synth::CoverageState;

// 2026-11-23 is "today".
const synth::Nation& nation() {
    static const auto made = synth::Nation::create({});
    return *made;
}

constexpr Date never = Date::open_end;

struct Row {
    const char* story;
    Date first, last;
    Date known_on, loss_known_on, cancelled_on;
    CoverageState state;
    // What is known in the end: day of each version and what it says.
    struct Version {
        Date from;
        Date valid_to;
        State state;
    };
    std::vector<Version> versions;
};

const Row rows[]{
    {"told in time, still insured",
     Date::of(2024, 4, 1),
     never,
     Date::of(2024, 4, 5),
     never,
     never,
     CoverageState::active,
     {{Date::of(2024, 4, 5), never, State::active}}},
    {"ended, and told two months late",
     Date::of(2024, 4, 1),
     Date::of(2025, 3, 31),
     Date::of(2024, 4, 5),
     Date::of(2025, 5, 31),
     never,
     CoverageState::active,
     {{Date::of(2024, 4, 5), never, State::active}, {Date::of(2025, 5, 31), Date::of(2025, 3, 31), State::active}}},
    {"begin and end in one file",
     Date::of(2024, 4, 1),
     Date::of(2024, 4, 30),
     Date::of(2024, 6, 1),
     Date::of(2024, 6, 1),
     never,
     CoverageState::active,
     {{Date::of(2024, 6, 1), Date::of(2024, 4, 30), State::active}}},
    {"ended, but nobody knows yet",
     Date::of(2024, 4, 1),
     Date::of(2026, 11, 20),
     Date::of(2024, 4, 5),
     Date::of(2026, 11, 24),
     never,
     CoverageState::active,
     {{Date::of(2024, 4, 5), never, State::active}}},
    {"the end becomes known today",
     Date::of(2024, 4, 1),
     Date::of(2026, 11, 20),
     Date::of(2024, 4, 5),
     Date::of(2026, 11, 23),
     never,
     CoverageState::active,
     {{Date::of(2024, 4, 5), never, State::active}, {Date::of(2026, 11, 23), Date::of(2026, 11, 20), State::active}}},
    {"nobody knows of it",
     Date::of(2026, 11, 1),
     never,
     Date::of(2026, 11, 24),
     never,
     never,
     CoverageState::active,
     {}},
    {"begins next month and is known",
     Date::of(2026, 12, 1),
     never,
     Date::of(2026, 11, 20),
     never,
     never,
     CoverageState::active,
     {{Date::of(2026, 11, 20), never, State::active}}},
    {"withheld from the start",
     Date::of(2025, 4, 1),
     never,
     Date::of(2025, 4, 9),
     never,
     never,
     CoverageState::withheld,
     {{Date::of(2025, 4, 9), never, State::withheld}}},
    {"never existed, and that is known",
     Date::of(2025, 4, 1),
     never,
     Date::of(2025, 4, 6),
     never,
     Date::of(2025, 5, 1),
     CoverageState::cancelled,
     {{Date::of(2025, 4, 6), never, State::active}, {Date::of(2025, 5, 1), never, State::void_}}},
    {"never existed, to be found out",
     Date::of(2026, 11, 1),
     never,
     Date::of(2026, 11, 6),
     never,
     Date::of(2026, 12, 1),
     CoverageState::cancelled,
     {{Date::of(2026, 11, 6), never, State::active}}},
};

TEST(nation_rows, a_record_has_one_version_for_each_day_that_brought_news_of_it) {
    for (const Row& row : rows) {
        SCOPED_TRACE(row.story);
        synth::SyntheticPerson person;
        person.index = 41;
        synth::SyntheticCoverage told;
        told.identity.number = 7;
        told.identity.number_digits = 8;
        told.valid = {row.first, row.last};
        told.known_on = row.known_on;
        told.loss_known_on = row.loss_known_on;
        told.cancelled_on = row.cancelled_on;
        told.state = row.state;
        told.loss_reason = row.last == never ? synth::LossReason::none : synth::LossReason::other_insurance;
        person.coverages.push_back(told);
        std::vector<CoverageVersion> versions;
        append_versions(nation(), person, 0, versions);
        ASSERT_EQ(versions.size(), row.versions.size());
        for (std::size_t i = 0; i < versions.size(); ++i) {
            const coverage::Coverage& value = versions[i].value;
            EXPECT_EQ(value.key, coverage_key(41, 0));
            EXPECT_EQ(value.number, "00000007");
            EXPECT_EQ(value.acquired_on, row.first);
            EXPECT_EQ(value.known_from, known_seq_of(row.versions[i].from));
            EXPECT_EQ(value.file_day, row.versions[i].from);
            EXPECT_EQ(value.valid_to, row.versions[i].valid_to);
            EXPECT_EQ(value.loss_reason,
                      value.valid_to == never ? coverage::LossReason::none : coverage::LossReason::other_insurance);
            EXPECT_EQ(value.state, row.versions[i].state);
            const bool newest = i + 1 == versions.size();
            EXPECT_EQ(versions[i].known_to, newest ? identity::known_open : versions[i + 1].value.known_from);
        }
    }
}

TEST(nation_rows, commits_are_numbered_by_day_from_one) {
    EXPECT_EQ(known_seq_of(Date::of(1985, 4, 12)), 1);
    EXPECT_EQ(known_seq_of(Date::of(2021, 3, 4)), 1);
    EXPECT_EQ(known_seq_of(Date::of(2021, 3, 5)), 2);
    EXPECT_EQ(known_seq_of(Date::of(2022, 3, 4)), 366);
}

TEST(nation_rows, every_limit_category_is_written_with_its_code) {
    synth::SyntheticPerson person;
    for (const auto& [category, text] : {std::pair{synth::LimitCategory::a01, "A01"},
                                         {synth::LimitCategory::a06, "A06"},
                                         {synth::LimitCategory::b01, "B01"},
                                         {synth::LimitCategory::b10, "B10"}}) {
        person.coverages.clear();
        synth::SyntheticCoverage told;
        told.limit = category;
        told.known_on = Date::of(2025, 1, 1);
        person.coverages.push_back(told);
        std::vector<CoverageVersion> versions;
        append_versions(nation(), person, 0, versions);
        ASSERT_EQ(versions.size(), 1U);
        EXPECT_EQ(versions[0].value.limit_category, text);
    }
}

TEST(nation_rows, a_card_is_in_the_state_that_the_list_of_the_day_tells) {
    using cards::CertificateStatus;
    const Date today = Date::of(2026, 11, 23);
    synth::SyntheticCard card;
    EXPECT_EQ(status_on(card, today), CertificateStatus::good);
    card.status_since = today;
    card.status = synth::CertificateStatus::suspended;
    EXPECT_EQ(status_on(card, today), CertificateStatus::suspended);
    card.status = synth::CertificateStatus::revoked;
    EXPECT_EQ(status_on(card, today), CertificateStatus::revoked);
    card.status_since = today.plus_days(1);
    EXPECT_EQ(status_on(card, today), CertificateStatus::good);
}

TEST(nation_rows, a_cancelled_registration_counts_until_its_last_day) {
    const Date last = Date::of(2026, 11, 30);
    synth::SyntheticCard card;
    EXPECT_EQ(registration_on(card, last), std::nullopt);
    card.use = synth::UseRegistration::registered;
    card.registered_on = Date::of(2025, 2, 3);
    EXPECT_EQ(registration_on(card, last)->state, cards::UseState::registered);
    EXPECT_EQ(registration_on(card, last)->since, start_of_japan_day(Date::of(2025, 2, 3)));
    card.use = synth::UseRegistration::cancelled;
    card.cancelled_on = last;
    EXPECT_EQ(registration_on(card, last)->state, cards::UseState::cancel_requested);
    EXPECT_EQ(registration_on(card, last)->since, start_of_japan_day(Date::of(2026, 10, 1)));
    EXPECT_EQ(registration_on(card, last.plus_days(1))->state, cards::UseState::cancelled);
    EXPECT_EQ(registration_on(card, last.plus_days(1))->since, start_of_japan_day(Date::of(2026, 12, 1)));
}

}  // namespace

}  // namespace onshi::installation
