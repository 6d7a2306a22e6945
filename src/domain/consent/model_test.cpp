#include "domain/consent/model.h"

#include <gtest/gtest.h>

namespace onshi::consent {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Instant t0{1'800'000'000'000'000};

Consent agreed_at(Instant at) {
    return {Item::medicines, Choice::agreed, at, at + life};
}

TEST(consent_in_force, lives_until_the_end_of_its_24_hours) {
    const std::vector<Consent> given{agreed_at(t0)};
    EXPECT_EQ(in_force(given, t0).size(), 1U);
    EXPECT_EQ(in_force(given, t0 + hours(24) - std::chrono::microseconds(1)).size(), 1U);
    EXPECT_TRUE(in_force(given, t0 + hours(24)).empty());
    EXPECT_TRUE(in_force(given, t0 + hours(24) + seconds(1)).empty());
}

TEST(consent_in_force, newest_choice_wins_at_once) {
    const Instant later = t0 + seconds(60);
    const std::vector<Consent> given{agreed_at(t0), {Item::medicines, Choice::refused, later, later + life}};
    EXPECT_EQ(in_force(given, later - seconds(1)), (std::vector<ItemChoice>{{Item::medicines, Choice::agreed}}));
    EXPECT_EQ(in_force(given, later), (std::vector<ItemChoice>{{Item::medicines, Choice::refused}}));
}

TEST(consent_in_force, an_expired_newer_refusal_does_not_revive_an_older_consent) {
    const Instant later = t0 + hours(1);
    Consent long_lived = agreed_at(t0);
    long_lived.expires_at = t0 + hours(100);
    const std::vector<Consent> given{long_lived, {Item::medicines, Choice::refused, later, later + life}};
    EXPECT_TRUE(in_force(given, later + life).empty());
}

TEST(consent_items, names_round_trip) {
    for (const auto& [item, name] : item_names) EXPECT_EQ(parse_item(to_string(item)), item) << name;
    EXPECT_EQ(parse_item("everything"), std::nullopt);
}

// Every pair of {nothing, agreed, refused, over} of one item at one facility.
TEST(merged_consents, are_the_stricter_and_merging_again_adds_nothing) {
    const Instant now = t0 + hours(20);
    const OrganisationKey clinic(3);
    enum class Said { nothing, agreed, refused, over };
    const auto consents = [&](Said said, Instant at) {
        std::vector<FacilityConsent> made;
        if (said == Said::nothing) return made;
        const Instant given = said == Said::over ? now - hours(24) : at;
        const Choice choice = said == Said::refused ? Choice::refused : Choice::agreed;
        made.push_back({clinic, {Item::medicines, choice, given, given + life}});
        return made;
    };
    const auto plain = [](const std::vector<FacilityConsent>& all) {
        std::vector<Consent> list;
        for (const auto& one : all) list.push_back(one.consent);
        return list;
    };
    for (const Said mine : {Said::nothing, Said::agreed, Said::refused, Said::over}) {
        for (const Said theirs : {Said::nothing, Said::agreed, Said::refused, Said::over}) {
            for (const Instant other_at : {t0 + hours(1), t0 + hours(3)}) {
                auto own = consents(mine, t0 + hours(2));
                const auto others = consents(theirs, other_at);
                const auto added = merge_consents(own, others, now);
                for (const auto& one : added) EXPECT_LE(one.consent.expires_at, other_at + life);
                own.insert(own.end(), added.begin(), added.end());
                const auto after = in_force(plain(own), now);
                const bool refused = mine == Said::refused || theirs == Said::refused;
                const bool agreed = mine == Said::agreed || theirs == Said::agreed;
                if (refused) {
                    EXPECT_EQ(after, (std::vector{ItemChoice{Item::medicines, Choice::refused}}));
                }
                if (!refused && agreed) {
                    EXPECT_EQ(after, (std::vector{ItemChoice{Item::medicines, Choice::agreed}}));
                }
                if (!refused && !agreed) {
                    EXPECT_TRUE(after.empty());
                }
                EXPECT_TRUE(merge_consents(own, others, now).empty()) << "again";
            }
        }
    }
}

TEST(merged_consents, last_no_longer_than_the_shorter_and_stay_with_their_facility) {
    const Instant now = t0 + hours(20);
    const std::vector<FacilityConsent> mine{{OrganisationKey(3), agreed_at(t0 + hours(2))}};
    const std::vector<FacilityConsent> others{{OrganisationKey(3), agreed_at(t0 + hours(1))},
                                              {OrganisationKey(4), agreed_at(t0 + hours(1))}};
    const auto added = merge_consents(mine, others, now);
    ASSERT_EQ(added.size(), 2U);
    EXPECT_EQ(added[0].organisation, OrganisationKey(3));
    EXPECT_EQ(added[1].organisation, OrganisationKey(4));
    for (const auto& one : added) {
        EXPECT_EQ(one.consent.expires_at, t0 + hours(25));
        EXPECT_EQ(one.consent.given_at, now);
    }
}

}  // namespace
}  // namespace onshi::consent
