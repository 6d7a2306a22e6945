#include "bench/person_order.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace onshi::person_order_test {

using bench::PersonOrder;

TEST(person_order, gives_everybody_once_per_round) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        const auto count = *rc::gen::inRange<std::uint64_t>(1, 3'000);
        const PersonOrder order(count, seed);
        std::vector<int> times(count);
        for (std::uint64_t place = 0; place < 2 * count; ++place) ++times.at(order.at(place));
        for (const int each : times) RC_ASSERT(each == 2);
    }));
}

TEST(person_order, the_first_tenth_is_spread_evenly_over_all) {
    constexpr std::uint64_t count = 1'000'000;
    const PersonOrder order(count, 42);
    std::vector<int> hundredths(100);
    for (std::uint64_t place = 0; place < count / 10; ++place) ++hundredths[order.at(place) / (count / 100)];
    // 1,000 each, standard deviation 31.
    for (const int each : hundredths) EXPECT_NEAR(each, 1'000, 160);
}

TEST(person_order, another_seed_gives_another_order) {
    const PersonOrder one(1'000'000, 1);
    const PersonOrder other(1'000'000, 2);
    int same = 0;
    for (std::uint64_t place = 0; place < 1'000; ++place) same += one.at(place) == other.at(place) ? 1 : 0;
    EXPECT_LT(same, 5);
}

}  // namespace onshi::person_order_test
