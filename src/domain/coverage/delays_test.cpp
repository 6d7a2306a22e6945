#include "domain/coverage/delays.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace onshi::coverage {
namespace {

const InsurerNumber one = *InsurerNumber::parse("06139463");
const InsurerNumber two = *InsurerNumber::parse("01130012");

TEST(delays, percentiles_are_those_of_the_sorted_records) {
    // Every small distribution of up to four values, against sorting them out one by one.
    for (int a = 0; a <= 6; ++a) {
        for (int b = 0; b <= 6; ++b) {
            for (int c = 0; c <= 6; ++c) {
                if (a + b + c == 0) continue;
                std::vector<Delay> delays;
                std::vector<std::int64_t> all;
                for (const auto& [days, records] : {std::pair{2, a}, {9, b}, {30, c}}) {
                    if (records > 0) delays.push_back({one, days, records});
                    all.insert(all.end(), static_cast<std::size_t>(records), days);
                }
                const auto nearest_rank = [&](std::size_t percent) {
                    return all[(all.size() * percent + 99) / 100 - 1];
                };
                const auto summaries = summarise(delays);
                ASSERT_EQ(summaries.size(), 1U);
                EXPECT_EQ(summaries[0].records, a + b + c);
                EXPECT_EQ(summaries[0].p50, nearest_rank(50)) << a << b << c;
                EXPECT_EQ(summaries[0].p90, nearest_rank(90)) << a << b << c;
                EXPECT_EQ(summaries[0].max, all.back());
                EXPECT_EQ(summaries[0].alerts, b + c);
                EXPECT_EQ(summaries[0].breaches, c);
            }
        }
    }
    EXPECT_TRUE(summarise({}).empty());
}

TEST(delays, insurers_are_told_apart_and_the_days_of_the_law_count) {
    const std::vector<Delay> delays{{two, 10, 1}, {two, 11, 1}, {one, 7, 5}, {one, 8, 1}};
    const auto summaries = summarise(delays);
    ASSERT_EQ(summaries.size(), 2U);
    EXPECT_EQ(summaries[0].insurer, two);
    EXPECT_EQ(summaries[0].breaches, 1);
    EXPECT_EQ(summaries[0].alerts, 2);
    EXPECT_EQ(summaries[1].alerts, 1);
    EXPECT_EQ(summaries[1].breaches, 0);
}

}  // namespace
}  // namespace onshi::coverage
