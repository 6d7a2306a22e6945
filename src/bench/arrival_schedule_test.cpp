#include "bench/arrival_schedule.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "bench/limits.h"

namespace onshi::arrival_schedule_test {

using bench::ArrivalPattern;
using bench::ArrivalPlan;
using bench::ArrivalSchedule;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

std::vector<nanoseconds> all_of(const ArrivalPlan& plan) {
    auto schedule = ArrivalSchedule::make(plan);
    std::vector<nanoseconds> times;
    if (!schedule) return times;
    for (; schedule->next(); schedule->advance()) times.push_back(*schedule->next());
    return times;
}

TEST(arrival_schedule, even_arrivals_keep_their_distance) {
    const auto times = all_of({.per_second = 1'000, .duration = 1s, .pattern = ArrivalPattern::even, .seed = 1});
    ASSERT_EQ(times.size(), 1'000U);
    for (std::size_t i = 0; i < times.size(); ++i)
        EXPECT_NEAR(static_cast<double>(times[i].count()), 1e6 * static_cast<double>(i), 1);
}

TEST(arrival_schedule, poisson_arrivals_have_the_rate_and_exponential_gaps) {
    const auto times = all_of({.per_second = 10'000, .duration = 20s, .pattern = ArrivalPattern::poisson, .seed = 7});
    // 200,000 ± four standard deviations.
    EXPECT_NEAR(static_cast<double>(times.size()), 200'000, 4 * std::sqrt(200'000));
    double squares = 0;
    std::size_t above_mean = 0;
    for (std::size_t i = 1; i < times.size(); ++i) {
        const double gap = static_cast<double>((times[i] - times[i - 1]).count()) / 1e5;  // in mean gaps
        ASSERT_GE(gap, 0);
        squares += gap * gap;
        if (gap > 1) ++above_mean;
    }
    const auto gaps = static_cast<double>(times.size() - 1);
    EXPECT_NEAR(squares / gaps, 2, 0.05);  // E[x²] of an exponential
    EXPECT_NEAR(static_cast<double>(above_mean) / gaps, std::exp(-1.0), 0.01);
    EXPECT_LT(times.back(), 20s);
}

TEST(arrival_schedule, one_seed_gives_one_schedule) {
    const ArrivalPlan plan{.per_second = 1'000, .duration = 1s, .pattern = ArrivalPattern::poisson, .seed = 3};
    auto other = plan;
    other.seed = 4;
    EXPECT_EQ(all_of(plan), all_of(plan));
    EXPECT_NE(all_of(plan), all_of(other));
}

TEST(arrival_schedule, rates_and_durations_are_bounded) {
    struct Row {
        double per_second;
        nanoseconds duration;
        bool accepted;
    };
    const nanoseconds longest = bench::run_time_max;
    for (const auto& row :
         {Row{0, 1s, false}, Row{-1, 1s, false}, Row{std::nan(""), 1s, false}, Row{0.5, 1s, true},
          Row{bench::arrivals_per_second_max, 1s, true}, Row{bench::arrivals_per_second_max * 1.01, 1s, false},
          Row{1, 0s, false}, Row{1, longest, true}, Row{1, longest + 1ns, false}}) {
        const auto made = ArrivalSchedule::make({.per_second = row.per_second, .duration = row.duration});
        EXPECT_EQ(made.has_value(), row.accepted) << row.per_second << " " << row.duration.count();
        if (!made) EXPECT_EQ(made.error().code, ErrorCode::config_value);
    }
}

}  // namespace onshi::arrival_schedule_test
