#include "bench/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/random.h"

namespace onshi::latency_histogram_test {

using bench::LatencyHistogram;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

TEST(latency_histogram, is_empty_at_first) {
    const LatencyHistogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.percentile(99), 0ns);
    EXPECT_EQ(histogram.mean(), 0ns);
    EXPECT_EQ(histogram.max(), 0ns);
}

TEST(latency_histogram, percentiles_of_one_to_a_thousand_are_those_of_a_table) {
    LatencyHistogram histogram;
    for (int i = 1'000; i >= 1; --i) histogram.record(std::chrono::microseconds(i));
    struct Row {
        double percent;
        nanoseconds exact;
    };
    for (const auto& row :
         {Row{0, 1us}, Row{0.1, 1us}, Row{50, 500us}, Row{99, 990us}, Row{99.9, 999us}, Row{100, 1000us}}) {
        const auto given = histogram.percentile(row.percent);
        EXPECT_GE(given, row.exact) << row.percent;
        EXPECT_LE(given, row.exact + row.exact / 120) << row.percent;
    }
    EXPECT_EQ(histogram.max(), 1000us);
    EXPECT_EQ(histogram.mean(), 500'500ns);
}

TEST(latency_histogram, durations_out_of_range_count_as_the_nearest_end) {
    LatencyHistogram histogram;
    histogram.record(-5ns);
    EXPECT_EQ(histogram.percentile(100), 0ns);
    histogram.record(std::chrono::hours(2));
    EXPECT_EQ(histogram.count(), 2U);
    EXPECT_EQ(histogram.percentile(100), nanoseconds((1LL << 40) - 1));
}

TEST(latency_histogram, any_percentile_of_any_durations_is_at_most_one_percent_too_high_and_never_too_low) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        SeededRandom random(seed);
        const std::size_t size = 1 + random.next() % 500;
        std::vector<nanoseconds> all;
        LatencyHistogram histogram;
        LatencyHistogram other;
        for (std::size_t i = 0; i < size; ++i) {
            // All magnitudes from 1 ns to 18 minutes alike.
            const auto ns = nanoseconds(static_cast<std::int64_t>(random.next() >> (24 + random.next() % 40)));
            all.push_back(ns);
            (i % 2 == 0 ? histogram : other).record(ns);
        }
        histogram.add(other);
        std::ranges::sort(all);
        RC_ASSERT(histogram.count() == size);
        for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
            const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(size)));
            const auto exact = all[std::max<std::size_t>(rank, 1) - 1].count();
            const auto given = histogram.percentile(percent).count();
            RC_ASSERT(given >= exact);
            RC_ASSERT(static_cast<double>(given) <= static_cast<double>(exact) * 1.008 + 1);
        }
        RC_ASSERT(histogram.max() == all.back());
    }));
}

}  // namespace onshi::latency_histogram_test
