#include "bench/overload_bench.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace onshi::overload_bench_test {

using namespace std::chrono_literals;
using bench::OverloadReport;
using bench::OverloadTargets;

OverloadReport good_report() {
    OverloadReport report;
    report.sustainable.load.good_in_time = 10'000;
    report.sustainable.load.elapsed = 1s;
    auto& load = report.overload.load;
    load.good_in_time = 9'000;
    load.elapsed = 1s;
    load.sent = 15'000;
    load.refused = 6'000;
    load.held_back = 15'000;
    load.good_latency.record(20ms);
    load.refused_latency.record(10ms);
    report.recovery.load.last_disturbed = 1'500ms;
    report.storm.terminals = report.storm.answered = report.storm.resumed = 2'000;
    report.storm.elapsed = 5s;
    report.offered_per_second = 30'000;
    report.desks = 8'000;
    return report;
}

TEST(overload_bench, what_holds_under_overload_reaches_the_targets) {
    const auto report = good_report();
    EXPECT_DOUBLE_EQ(report.goodput_ratio(), 0.9);
    EXPECT_DOUBLE_EQ(report.sent_ratio(), 0.5);
    EXPECT_DOUBLE_EQ(report.recovery_s(), 1.5);
    EXPECT_DOUBLE_EQ(report.resumed_share(), 1);
    EXPECT_TRUE(report.reaches(OverloadTargets()));
}

TEST(overload_bench, each_target_alone_can_be_missed) {
    const OverloadTargets targets;
    const std::vector<std::function<void(OverloadReport&)>> misses{
        [](OverloadReport& r) { r.overload.load.good_in_time = 7'999; },
        [](OverloadReport& r) { r.overload.load.refused_latency.record(80ms); },
        [](OverloadReport& r) { r.overload.load.good_latency.record(2s); },
        [](OverloadReport& r) { r.recovery.load.last_disturbed = 5'100ms; },
        [](OverloadReport& r) { r.storm.answered = 1'999; },
        [](OverloadReport& r) { r.storm.resumed = 1'900; },
        [](OverloadReport& r) { r.storm.elapsed = 31s; },
    };
    for (std::size_t i = 0; i < misses.size(); ++i) {
        auto report = good_report();
        misses[i](report);
        EXPECT_FALSE(report.reaches(targets)) << i;
    }
}

TEST(overload_bench, the_last_line_is_one_json_object_with_the_figures) {
    const auto line = to_json_line(good_report());
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto figures = boost::json::parse({line.data(), line.size()}).as_object();
    EXPECT_DOUBLE_EQ(figures.at("goodput_ratio").to_number<double>(), 0.9);
    EXPECT_EQ(figures.at("refused").to_number<int>(), 6'000);
    EXPECT_EQ(figures.at("storm_resumed").to_number<int>(), 2'000);
    EXPECT_NE(to_text(good_report(), OverloadTargets()).find("0.90 of the sustainable"), std::string::npos);
}

}  // namespace onshi::overload_bench_test
