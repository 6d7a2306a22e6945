#include "bench/reconnect_storm.h"

#include <atomic>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "bench/limits.h"
#include "bench/test_peers.h"

namespace onshi::reconnect_storm_test {

using namespace std::chrono_literals;
using bench::TerminalCrowd;
using bench::test::TestServer;

constexpr std::size_t terminals = 30;

SecretBytes ticket_secret() {
    const std::string secret(32, 't');
    return SecretBytes(as_bytes(secret));
}

std::function<void(http::Server&)> challenges(http::Handler handler) {
    return [handler = std::move(handler)](http::Server& server) {
        server.route(http::Method::post, "/v1/challenges", {}, handler);
    };
}

Task<Result<http::Response>> give(http::Request&, Deadline) {
    co_return http::json_response(R"({"challenges":[]})");
}

Result<http::Response> unused(http::Request&) {
    return http::json_response("{}");
}

TEST(reconnect_storm, everybody_comes_at_once_and_resumes_the_session_the_next_time) {
    TestServer server(&unused, challenges(&give), ticket_secret());
    auto target = server.target(3);
    target.source_addresses = 4;
    auto crowd = TerminalCrowd::make(target, terminals);
    ASSERT_TRUE(crowd) << crowd.error().detail;
    for (int visit = 0; visit < 3; ++visit) {
        const auto report = crowd->storm(server.port(), 10s);
        ASSERT_TRUE(report);
        EXPECT_EQ(report->answered, terminals);
        EXPECT_EQ(report->resumed, visit == 0 ? 0 : terminals);
        EXPECT_EQ(report->latency.count(), terminals);
        EXPECT_GT(report->elapsed, 0ns);
    }
}

TEST(reconnect_storm, whoever_is_told_to_come_back_does) {
    std::atomic<int> asked = 0;
    TestServer server(&unused,
                      challenges([&asked](http::Request& request, Deadline deadline) -> Task<Result<http::Response>> {
                          if (++asked <= 7) {
                              Error error(ErrorCode::overload_busy, {});
                              error.retry_after_ms = 1;
                              co_return tl::unexpected(std::move(error));
                          }
                          auto given = co_await give(request, deadline);
                          co_return given;
                      }),
                      ticket_secret());
    auto crowd = TerminalCrowd::make(server.target(1), terminals);
    ASSERT_TRUE(crowd);
    const auto report = crowd->storm(server.port(), 10s);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->answered, terminals);
    EXPECT_EQ(report->refused, 7U);
}

TEST(reconnect_storm, a_server_that_is_away_answers_nobody_and_the_storm_ends) {
    TestServer server(&unused, challenges(&give), ticket_secret());
    auto crowd = TerminalCrowd::make(server.target(1), terminals);
    ASSERT_TRUE(crowd);
    server.stop();
    const auto report = crowd->storm(server.port(), 50ms);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->answered, 0U);
    EXPECT_GE(report->connections_refused, terminals);
}

TEST(reconnect_storm, limits_are_kept) {
    TestServer server(&unused, challenges(&give), ticket_secret());
    auto target = server.target(1);
    EXPECT_FALSE(TerminalCrowd::make(target, 0));
    EXPECT_FALSE(TerminalCrowd::make(target, bench::connections_max + 1));
    target.source_addresses = bench::source_addresses_max + 1;
    EXPECT_FALSE(TerminalCrowd::make(target, 1));
    target.source_addresses = bench::source_addresses_max;
    auto crowd = TerminalCrowd::make(target, 1);
    ASSERT_TRUE(crowd);
    EXPECT_FALSE(crowd->storm(server.port(), 0s));
    EXPECT_FALSE(crowd->storm(server.port(), bench::run_time_max + 1ns));
}

}  // namespace onshi::reconnect_storm_test
