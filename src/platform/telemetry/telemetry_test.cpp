#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/telemetry/limits.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"

namespace onshi::telemetry_test {

// Collects lines for one test and puts the default back afterwards.
class CapturedLog {
  public:
    explicit CapturedLog(Level level = Level::debug, std::uint32_t lines_per_second_max = 1'000'000) {
        LogOptions options;
        options.level = level;
        options.target = LogToFunction{[this](std::string_view line) { lines.emplace_back(line); }};
        options.lines_per_second_max = lines_per_second_max;
        EXPECT_TRUE(configure_log(std::move(options)).has_value());
    }
    ~CapturedLog() {
        LogOptions options;
        options.level = Level::warn;
        EXPECT_TRUE(configure_log(std::move(options)).has_value());
    }
    std::vector<std::string> lines;
};

std::string after_time(const std::string& line) {
    return line.substr(line.find(",\"level\""));
}

TEST(log, writes_one_json_object_per_line_with_time_level_event_and_fields) {
    CapturedLog log;
    log_event(Level::info, "http.request",
              {{"method", "GET"},
               {"route", open_text("/v1/checks/{receipt}")},
               {"status", 200},
               {"duration_us", 12UL},
               {"value", 0.5},
               {"shed", false}});
    ASSERT_EQ(log.lines.size(), 1U);
    EXPECT_TRUE(log.lines[0].starts_with("{\"ts\":\"20"));
    EXPECT_EQ(log.lines[0].find(",\"level\""), std::string("{\"ts\":\"2026-11-23T00:00:00.000000Z\"").size());
    EXPECT_EQ(after_time(log.lines[0]),
              R"(,"level":"info","event":"http.request","method":"GET","route":"/v1/checks/{receipt}","status":200,)"
              R"("duration_us":12,"value":0.5,"shed":false})");
}

TEST(log, says_code_detail_and_place_of_a_failure) {
    CapturedLog log;
    const Error error(ErrorCode::store_unavailable, "no connection within 200 ms");
    log_failure(Level::error, "store.failed", error, *TraceId::from_hex("0af7651916cd43dd8448eb211c80319c"));
    ASSERT_EQ(log.lines.size(), 1U);
    EXPECT_NE(log.lines[0].find(R"("trace_id":"0af7651916cd43dd8448eb211c80319c","code":"store.unavailable")"),
              std::string::npos);
    EXPECT_NE(log.lines[0].find(R"("detail":"no connection within 200 ms")"), std::string::npos);
    EXPECT_NE(log.lines[0].find("telemetry_test.cpp"), std::string::npos);
}

TEST(log, writes_only_lines_of_its_level_and_above) {
    CapturedLog log(Level::warn);
    log_event(Level::info, "a.b");
    EXPECT_FALSE(log_enabled(Level::info));
    log_event(Level::warn, "a.c");
    set_log_level(Level::off);
    log_event(Level::error, "a.d");
    ASSERT_EQ(log.lines.size(), 1U);
    EXPECT_NE(log.lines[0].find("a.c"), std::string::npos);
}

TEST(log, escapes_what_would_break_the_line) {
    CapturedLog log;
    log_event(Level::info, "a.b",
              {{"detail", open_text("a\"b\\c\nd\x01\xE9")}, {"value", std::numeric_limits<double>::infinity()}});
    EXPECT_NE(log.lines.at(0).find(R"("detail":"a\"b\\c\u000ad\u0001?","value":null})"), std::string::npos);
}

TEST(log, of_any_text_is_one_line_of_printable_ascii) {
    CapturedLog log;
    EXPECT_TRUE(rc::check([&log](const std::string& text) {
        log.lines.clear();
        log_event(Level::info, "a.b", {{"detail", open_text(text)}});
        RC_ASSERT(log.lines.size() == 1U);
        RC_ASSERT(std::ranges::all_of(log.lines[0], [](char c) { return c >= 0x20 && c < 0x7F; }));
        RC_ASSERT(log.lines[0].ends_with("\"}"));
    }));
}

TEST(log, cuts_a_text_and_a_line_at_their_limits) {
    CapturedLog log;
    const std::string longest(log_text_bytes_max, 'x');
    log_event(Level::info, "a.b", {{"detail", open_text(longest + "y")}});
    EXPECT_NE(log.lines.at(0).find("\"" + longest + "\""), std::string::npos);
    const OpenText much = open_text(longest);
    log_event(Level::info, "a.b",
              {{"detail", much},
               {"detail", much},
               {"detail", much},
               {"detail", much},
               {"detail", much},
               {"detail", much},
               {"detail", much},
               {"detail", much},
               {"count", 1}});
    EXPECT_LE(log.lines.at(1).size(), log_line_bytes_max);
    EXPECT_TRUE(log.lines.at(1).ends_with(R"("cut":true})"));
}

TEST(log, drops_and_counts_lines_beyond_the_bound_per_second) {
    CapturedLog log(Level::debug, 10);
    // Two whole seconds may lie in here at most, so of 1000 lines at most 20 and two counts are written.
    for (int i = 0; i < 1000; ++i) log_event(Level::info, "a.b");
    EXPECT_GE(log.lines.size(), 10U);
    EXPECT_LE(log.lines.size(), 22U);
}

TEST(log, goes_to_a_file_that_rotates_and_refuses_a_folder_that_is_not_there) {
    const std::filesystem::path folder =
        std::filesystem::temp_directory_path() / ("onshi-log-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    LogOptions options;
    options.target = LogToFile{folder / "onshi.log", log_file_bytes_min, 2};
    ASSERT_TRUE(configure_log(options).has_value());
    for (int i = 0; i < 200; ++i) log_event(Level::info, "a.b", {{"count", i}});
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        ++files;
        EXPECT_LE(entry.file_size(), log_file_bytes_min);
    }
    EXPECT_EQ(files, 2U);
    options.target = LogToFile{"/proc/self/none/onshi.log", log_file_bytes_min, 2};
    const auto refused = configure_log(options);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::config_log);
    options.target = LogToFile{folder / "onshi.log", log_file_bytes_min - 1, 2};
    EXPECT_FALSE(configure_log(options).has_value());
    CapturedLog restore;
    std::filesystem::remove_all(folder);
}

TEST(log, levels_have_names) {
    EXPECT_EQ(find_level("warn"), Level::warn);
    EXPECT_EQ(find_level("off"), Level::off);
    EXPECT_EQ(find_level("verbose"), std::nullopt);
}

TEST(metrics, appear_in_the_text_with_their_labels) {
    Metrics metrics;
    metrics.counter("onshi_http_requests_total", "Requests.", {{"route", "/v1/checks"}, {"status", "200"}}).add();
    metrics.counter("onshi_http_requests_total", "Requests.", {{"route", "/v1/checks"}, {"status", "200"}}).add(2);
    metrics.gauge("onshi_http_in_flight", "Now.").set(7);
    metrics.histogram("onshi_http_duration_seconds", "Time.").observe(0.003);
    const std::string text = metrics.text();
    EXPECT_NE(text.find("onshi_http_requests_total{route=\"/v1/checks\",status=\"200\"} 3"), std::string::npos) << text;
    EXPECT_NE(text.find("onshi_http_in_flight 7"), std::string::npos);
    EXPECT_NE(text.find("onshi_http_duration_seconds_bucket{le=\"0.005\"} 1"), std::string::npos) << text;
    EXPECT_NE(text.find("onshi_http_duration_seconds_bucket{le=\"0.0025\"} 0"), std::string::npos);
}

TEST(metrics, of_a_default_made_handle_go_nowhere) {
    Counter().add();
    Gauge().set(1);
    Histogram().observe(1);
}

TEST(metrics, beyond_the_most_series_are_counted_together) {
    Metrics metrics;
    for (std::size_t i = 0; i < metric_series_max + 3; ++i) {
        metrics.counter("onshi_test_total", "Test.", {{"kind", std::to_string(i)}}).add();
    }
    EXPECT_NE(metrics.text().find("{kind=\"" + std::to_string(metric_series_max - 1) + "\"} 1"), std::string::npos);
    EXPECT_EQ(metrics.text().find("{kind=\"" + std::to_string(metric_series_max) + "\"}"), std::string::npos);
    EXPECT_NE(metrics.text().find("{kind=\"other\"} 3"), std::string::npos);
}

TEST(metrics, can_be_counted_from_several_threads) {
    Metrics metrics;
    const Counter counter = metrics.counter("onshi_test_total", "Test.");
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([counter] {
            for (int i = 0; i < 1000; ++i) counter.add();
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_NE(metrics.text().find("onshi_test_total 4000"), std::string::npos);
}

struct TraceparentCase {
    std::string_view field;
    bool accepted;
};

TEST(trace_id, reads_the_w3c_field_and_refuses_others) {
    const TraceparentCase cases[] = {
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true},
        {"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later", true},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", false},
        {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
        {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false},
        {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false},
        {"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
        {"", false},
    };
    for (const auto& c : cases) EXPECT_EQ(TraceId::from_traceparent(c.field).has_value(), c.accepted) << c.field;
}

TEST(trace_id, comes_back_from_its_own_field) {
    EXPECT_TRUE(rc::check([](std::array<std::uint8_t, 16> bytes, std::uint64_t span) {
        RC_PRE(bytes != (std::array<std::uint8_t, 16>{}));
        RC_PRE(span != 0U);
        const TraceId id(bytes);
        RC_ASSERT(TraceId::from_traceparent(id.traceparent(span)) == id);
        const auto hex = id.hex();
        RC_ASSERT(TraceId::from_hex(std::string_view(hex.data(), hex.size())) == id);
    }));
}

}  // namespace onshi::telemetry_test
