#include "synth/subsidies.h"

#include <gtest/gtest.h>

namespace onshi::synth {
namespace {

const Nation& nation() {
    static const Nation made = *Nation::create({});
    return made;
}

constexpr std::uint64_t people = 20'000;

TEST(synth_subsidies, belong_to_the_place_and_count_on_the_nations_day) {
    std::size_t children = 0;
    std::size_t national = 0;
    for (std::uint64_t index = 0; index < people; ++index) {
        const SyntheticPerson person = nation().person(index);
        const Municipality& home = nation().organisations().municipalities()[person.address.municipality];
        for (const auto& each : subsidies_of(nation(), person)) {
            EXPECT_TRUE(each.valid.contains(nation().settings().as_of)) << index;
            EXPECT_EQ(each.payer.prefecture(), home.prefecture);
            EXPECT_EQ(local_government_check(each.issuer / 10), each.issuer % 10);
            EXPECT_LE(each.income, 5);
            if (each.payer.law_code() >= 80) {
                EXPECT_EQ(each.issuer, home.code);
                EXPECT_TRUE(is_connected(nation(), person.address.municipality));
            } else {
                EXPECT_EQ(each.issuer, prefecture_code(home.prefecture));
                EXPECT_TRUE(each.monthly_cap);
                ++national;
            }
            children += each.payer.law_code() == child_subsidy_law_code ? 1U : 0U;
        }
    }
    EXPECT_GT(children, 0U);
    EXPECT_GT(national, 0U);
}

// design §9.10: the three must not be told apart by what they hold.
TEST(synth_subsidies, undisclosed_persons_and_their_twins_hold_nothing) {
    std::size_t trios = 0;
    for (std::uint64_t index = 0; index < people; ++index) {
        const SyntheticPerson person = nation().person(index);
        if (person.protection == ProtectionRole::none) continue;
        ++trios;
        EXPECT_TRUE(subsidies_of(nation(), person).empty());
        EXPECT_FALSE(holds_limit_certificate(nation(), person));
    }
    EXPECT_GT(trios, 0U);
}

TEST(synth_subsidies, about_every_ninth_municipality_is_connected) {
    std::size_t connected = 0;
    const std::size_t all = nation().organisations().municipalities().size();
    for (std::size_t i = 0; i < all; ++i) connected += is_connected(nation(), static_cast<std::uint16_t>(i)) ? 1U : 0U;
    EXPECT_GT(connected, all / 14);
    EXPECT_LT(connected, all / 7);
}

}  // namespace
}  // namespace onshi::synth
