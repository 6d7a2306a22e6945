#include "bench/check_report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace onshi::check_report_test {

using bench::CheckBenchReport;
using bench::CheckPhase;
using namespace std::chrono_literals;

bench::LoadReport load_of(std::uint64_t good, std::chrono::microseconds each) {
    bench::LoadReport load;
    load.scheduled = load.sent = load.answered = load.good = load.good_in_time = good;
    load.statuses[200] = good;
    load.codes['1'] = good;
    load.elapsed = 20s;
    load.body_bytes = good * 2'000;
    for (std::uint64_t i = 0; i < good; ++i) load.latency.record(each);
    return load;
}

CheckBenchReport sample() {
    CheckBenchReport report;
    report.machine = {"AMD \"EPYC\"", "Linux 6.1", 2, 24'000'000'000};
    report.persons = 1'000'000;
    report.connections = 64;
    report.terminals = 8;
    report.registry_bytes = 345'600'000;
    report.full.load = load_of(320'000, 4ms);
    report.full.server = {.user = 14s, .system = 4'880ms, .major_faults = 2};
    report.full.counters = {
        .ledger_commits = 10'000, .ledger_sets = 320'000, .read_batches = 640'000, .pages_read = 1'600'000};
    report.half.load = load_of(160'000, 900us);
    report.half.server = {.user = 8s, .system = 3s, .major_faults = 0};
    report.half.offered_per_second = 8'000;
    report.memory = {.anonymous_bytes = 123'456'789, .file_bytes = 300'000'000, .shared_bytes = 32'768};
    report.nginx.load = load_of(1'000'000, 600us);
    report.nginx.server = {.user = 5s, .system = 6'800ms, .major_faults = 0};
    report.nginx.answer_bytes = 2'000;
    report.rsa = {.signatures = 2'048, .keys = 64, .verified = 100'000, .cpu_us = 20.5};
    return report;
}

TEST(check_report, the_last_line_holds_the_six_figures_and_no_more) {
    EXPECT_EQ(to_json_line(sample()),
              R"({"checks_per_second_per_core":16000,"ratio_to_bare_tls":0.2000,"cpu_us_per_check":59.00,)"
              R"("p99_ms_half_load":0.900,"resident_mb":123.5,"persons":1000000})");
}

TEST(check_report, the_details_are_one_json_object_on_one_line) {
    const auto text = to_json_details(sample());
    EXPECT_EQ(text.find('\n'), std::string::npos);
    const auto details = boost::json::parse(text);
    EXPECT_EQ(details.at("machine").at("cpu_model"), "AMD \"EPYC\"");
    EXPECT_EQ(details.at("full").at("good"), 320'000);
    EXPECT_EQ(details.at("full").at("sets_per_commit").as_double(), 32.0);
    EXPECT_EQ(details.at("full").at("pages_per_check").as_double(), 5.0);
    EXPECT_EQ(details.at("full").at("result_codes").at("1"), 320'000);
    EXPECT_EQ(details.at("half").at("offered_per_second").as_double(), 8'000.0);
    EXPECT_EQ(details.at("half").at("latency_us").at("p99").as_double(), 900.0);
    EXPECT_EQ(details.at("memory").at("file_bytes"), 300'000'000);
    EXPECT_EQ(details.at("nginx").at("cpu_us_per_request").as_double(), 11.8);
    EXPECT_EQ(details.at("rsa").at("keys"), 64);
}

TEST(check_report, an_empty_report_is_still_json) {
    const auto line = boost::json::parse(to_json_line(CheckBenchReport{}));
    EXPECT_EQ(line.as_object().size(), 6U);
    EXPECT_EQ(boost::json::parse(to_json_details(CheckBenchReport{})).at("persons"), 0);
}

TEST(check_report, the_text_says_of_each_target_whether_it_is_reached) {
    const bench::CheckTargets targets;
    auto report = sample();
    const auto marks = [&](const CheckBenchReport& of) {
        const auto text = to_text(of, targets);
        std::string found;
        for (std::size_t at = 0; at < text.size(); ++at) {
            if (text.compare(at, 3, "✔") == 0) found += '+';
            if (text.compare(at, 3, "✘") == 0) found += '-';
        }
        return found;
    };
    EXPECT_EQ(marks(report), "+++++");
    EXPECT_TRUE(report.reaches(targets));
    report.half.load = load_of(1'000, 10'100us);
    EXPECT_EQ(marks(report), "+++-+");
    EXPECT_FALSE(report.reaches(targets));
    report.memory.anonymous_bytes = 300'100'000;
    EXPECT_EQ(marks(report), "+++--");
    report.full.load.good_in_time = 299'999;
    EXPECT_EQ(marks(report), "-++--");
    report.full.server.user = 17s;
    EXPECT_EQ(marks(report), "--+--");
    report.nginx.server.user = 1s;
    EXPECT_EQ(marks(report), "-----");
}

}  // namespace onshi::check_report_test
