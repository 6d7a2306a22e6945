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

}  // namespace
}  // namespace onshi::consent
