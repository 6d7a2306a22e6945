#include "bench/load_generator.h"

#include <atomic>
#include <set>
#include <thread>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/random.h"
#include "base/time.h"
#include "bench/test_peers.h"

namespace onshi::load_generator_test {

using namespace std::chrono_literals;
using bench::AnswerRules;
using bench::BodyUse;
using bench::LoadGenerator;
using bench::LoadTarget;
using bench::RequestBodies;
using bench::test::TestServer;

constexpr std::string_view code_text = R"("result":{"code":)";

AnswerRules check_rules() {
    AnswerRules rules;
    rules.required_text = code_text;
    rules.sample_every = 10;
    rules.parse_sample = [](std::string_view body) {
        boost::system::error_code error;
        const auto value = boost::json::parse(body, error);
        return !error && value.is_object();
    };
    return rules;
}

std::vector<RequestBodies> bodies(std::size_t lanes, std::size_t each) {
    std::vector<RequestBodies> all(lanes);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        for (std::size_t i = 0; i < each; ++i) all[lane].add("body " + std::to_string(lane) + "/" + std::to_string(i));
    }
    return all;
}

http::Response good_answer(std::size_t bytes = 2'000) {
    return http::json_response(R"({"result":{"code":1},"filler":")" + std::string(bytes, 'x') + R"("})");
}

TEST(load_generator, closed_loop_sends_every_body_once_in_its_own_lane) {
    TestServer server([](http::Request&) { return good_answer(); });
    auto target = server.target(3);
    target.connections = 7;
    auto generator = LoadGenerator::connect(target, check_rules());
    ASSERT_TRUE(generator) << generator.error().detail;
    auto lanes = bodies(3, 40);
    const auto report = generator->run(bench::ClosedLoop{10s}, lanes);
    ASSERT_TRUE(report);
    // Sending ends when one lane is empty; the others are within a few of it.
    EXPECT_TRUE(report->exhausted);
    EXPECT_TRUE(report->is_clean());
    EXPECT_GE(report->good, 40U);
    EXPECT_EQ(report->latency.count(), report->good);
    EXPECT_EQ(report->codes.at('1'), report->good);
    EXPECT_EQ(report->sampled, (report->good + 9) / 10);
    EXPECT_LT(report->elapsed, 10s);
    const auto seen = server.seen();
    EXPECT_EQ(seen.bodies.size(), report->good);
    EXPECT_EQ(seen.distinct_bodies(), report->good);
    EXPECT_EQ(seen.certificates_per_lane(), 1U);
    EXPECT_EQ(seen.certificates(), 3U);
}

class EachWaiting : public testing::TestWithParam<bench::Waiting> {};
INSTANTIATE_TEST_SUITE_P(load_generator, EachWaiting, testing::Values(bench::Waiting::polls, bench::Waiting::sleeps));

TEST_P(EachWaiting, closed_loop_ends_after_its_duration_and_can_run_again) {
    TestServer server([](http::Request&) { return good_answer(10); });
    auto target = server.target(1);
    target.waiting = GetParam();
    auto generator = LoadGenerator::connect(target, check_rules());
    ASSERT_TRUE(generator);
    for (int run = 0; run < 2; ++run) {
        auto lanes = bodies(1, 1);
        lanes[0].restart(BodyUse::over_and_over);
        const auto report = generator->run(bench::ClosedLoop{50ms}, lanes);
        ASSERT_TRUE(report);
        EXPECT_TRUE(report->is_clean());
        EXPECT_FALSE(report->exhausted);
        EXPECT_EQ(report->elapsed, 50ms);
        EXPECT_GT(report->good_per_second(), 100);
    }
}

TEST_P(EachWaiting, open_loop_sends_what_is_due_and_not_more) {
    TestServer server([](http::Request&) { return good_answer(); });
    auto target = server.target(2);
    target.waiting = GetParam();
    auto generator = LoadGenerator::connect(target, check_rules());
    ASSERT_TRUE(generator);
    auto lanes = bodies(2, 500);
    const bench::ArrivalPlan plan{
        .per_second = 2'000, .duration = 100ms, .pattern = bench::ArrivalPattern::even, .seed = 1};
    const auto report = generator->run(plan, lanes);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->scheduled, 200U);
    EXPECT_TRUE(report->is_clean());
    EXPECT_EQ(report->lateness.count(), 200U);
}

// Coordinated omission: one stall of the server must show in every request that was due during it.
TEST(load_generator, open_loop_counts_the_waiting_of_requests_that_could_not_be_sent) {
    std::atomic<int> served = 0;
    TestServer server([&](http::Request&) {
        if (++served == 20) std::this_thread::sleep_for(100ms);
        return good_answer(10);
    });
    auto target = server.target(1);
    target.connections = 1;
    auto generator = LoadGenerator::connect(target, check_rules());
    ASSERT_TRUE(generator);
    auto lanes = bodies(1, 400);
    const bench::ArrivalPlan plan{
        .per_second = 1'000, .duration = 200ms, .pattern = bench::ArrivalPattern::even, .seed = 1};
    const auto report = generator->run(plan, lanes);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->is_clean());
    EXPECT_EQ(report->scheduled, 200U);
    // About 100 requests were due during the stall and waited 50 ms in the mean; timed from sending only one would
    // have.
    EXPECT_GT(report->latency.percentile(75), 15ms);
    EXPECT_GE(report->latency.max(), 100ms);
    EXPECT_GT(report->lateness.max(), 80ms);
}

TEST(load_generator, open_loop_reports_what_it_could_not_send) {
    TestServer server([](http::Request&) { return good_answer(10); });
    auto generator = LoadGenerator::connect(server.target(1), check_rules());
    ASSERT_TRUE(generator);
    auto lanes = bodies(1, 30);
    const bench::ArrivalPlan plan{
        .per_second = 1'000, .duration = 100ms, .pattern = bench::ArrivalPattern::even, .seed = 1};
    const auto report = generator->run(plan, lanes);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->exhausted);
    EXPECT_EQ(report->scheduled, 100U);
    EXPECT_EQ(report->good, 30U);
    EXPECT_FALSE(report->is_clean());
}

TEST(load_generator, counts_refusals_and_answers_without_a_result) {
    std::atomic<int> served = 0;
    TestServer server([&](http::Request&) -> Result<http::Response> {
        switch (served++ % 4) {
            case 0: return fail(ErrorCode::challenge_used);
            case 1: return http::json_response(R"({"no":"result"})");
            case 2: return http::json_response(R"({"result":{"code":2},broken)");
            default: return good_answer(10);
        }
    });
    auto rules = check_rules();
    rules.sample_every = 1;
    auto target = server.target(1);
    target.connections = 1;
    auto generator = LoadGenerator::connect(target, std::move(rules));
    ASSERT_TRUE(generator);
    auto lanes = bodies(1, 40);
    const auto report = generator->run(bench::ClosedLoop{5s}, lanes);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->answered, 40U);
    EXPECT_EQ(report->refused, 10U);
    EXPECT_EQ(report->malformed, 20U);
    EXPECT_EQ(report->good, 10U);
    EXPECT_EQ(report->statuses.at(200), 30U);
    EXPECT_EQ(report->codes.at('2'), 10U);
    EXPECT_FALSE(report->is_clean());
}

Result<http::Response> busy(std::uint32_t after_ms) {
    Error error(ErrorCode::overload_busy, {});
    error.retry_after_ms = after_ms;
    return tl::unexpected(std::move(error));
}

AnswerRules patient_rules() {
    AnswerRules rules = check_rules();
    rules.advice = bench::Advice::followed;
    return rules;
}

TEST(load_generator, a_patient_client_sends_the_refused_body_again_when_it_was_told_to) {
    std::set<std::string, std::less<>> refused;
    TestServer server([&](http::Request& request) -> Result<http::Response> {
        if (refused.insert(std::string(request.body)).second) return busy(5);
        return good_answer(10);
    });
    auto target = server.target(1);
    target.connections = 1;
    auto generator = LoadGenerator::connect(target, patient_rules());
    ASSERT_TRUE(generator);
    auto lanes = bodies(1, 10);
    const auto report = generator->run(bench::ClosedLoop{10s}, lanes);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->good, 10U);
    EXPECT_EQ(report->refused, 10U);
    EXPECT_EQ(report->refused_without_advice, 0U);
    EXPECT_EQ(report->refused_latency.count(), 10U);
    EXPECT_EQ(report->good_latency.count(), 10U);
    EXPECT_GT(report->last_disturbed, 0ns);
    server.stop();
    EXPECT_EQ(server.seen().bodies.size(), 20U);
    EXPECT_EQ(server.seen().distinct_bodies(), 10U);
}

TEST(load_generator, what_is_due_while_every_client_waits_as_told_is_held_back) {
    TestServer server([](http::Request&) { return busy(60'000); });
    auto target = server.target(1);
    target.connections = 2;
    auto generator = LoadGenerator::connect(target, patient_rules());
    ASSERT_TRUE(generator);
    auto lanes = bodies(1, 40);
    const bench::ArrivalPlan plan{
        .per_second = 1'000, .duration = 50ms, .pattern = bench::ArrivalPattern::even, .seed = 1};
    const auto report = generator->run(plan, lanes);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->sent, 2U);
    EXPECT_EQ(report->refused, 2U);
    EXPECT_EQ(report->sent + report->held_back, 50U);
    // They go on waiting in the next run.
    const auto next = generator->run(plan, lanes);
    ASSERT_TRUE(next);
    EXPECT_EQ(next->sent, 0U);
    EXPECT_EQ(next->held_back, 50U);
}

TEST(load_generator, counts_refusals_that_do_not_say_when_to_come_back) {
    TestServer server([](http::Request&) {
        http::Response response = http::json_response("{}");
        response.status = 503;
        return response;
    });
    auto target = server.target(1);
    target.connections = 1;
    auto generator = LoadGenerator::connect(target, patient_rules());
    ASSERT_TRUE(generator);
    auto lanes = bodies(1, 1);
    const auto report = generator->run(bench::ClosedLoop{20ms}, lanes);
    ASSERT_TRUE(report);
    EXPECT_GT(report->refused, 0U);
    EXPECT_EQ(report->refused_without_advice, report->refused);
}

TEST(load_generator, reads_chunked_and_very_long_answers) {
    TestServer server([&](http::Request& request) {
        http::Response response = good_answer(60'000);
        if (request.body.ends_with('1')) {
            const auto body = std::make_shared<std::string>(std::move(response.body));
            response.stream = [body](http::ResponseStream& stream) -> Task<void> {
                const bool sent = co_await stream.write(*body);
                EXPECT_TRUE(sent);
            };
        }
        return response;
    });
    auto target = server.target(1);
    target.connections = 1;
    auto generator = LoadGenerator::connect(target, check_rules());
    ASSERT_TRUE(generator);
    auto lanes = bodies(1, 20);
    const auto report = generator->run(bench::ClosedLoop{5s}, lanes);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->good, 20U);
}

TEST(load_generator, an_answer_above_the_limit_loses_the_connection) {
    TestServer server([](http::Request&) { return good_answer(bench::answer_bytes_max); });
    auto target = server.target(1);
    target.connections = 1;
    auto generator = LoadGenerator::connect(target, check_rules());
    ASSERT_TRUE(generator);
    auto lanes = bodies(1, 3);
    const auto report = generator->run(bench::ClosedLoop{5s}, lanes);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->connections_lost, 1U);
    EXPECT_EQ(report->unanswered, 1U);
    EXPECT_EQ(report->good, 0U);
}

TEST(load_generator, ends_at_once_when_the_server_goes_away) {
    TestServer server([](http::Request&) { return good_answer(10); });
    auto generator = LoadGenerator::connect(server.target(1), check_rules());
    ASSERT_TRUE(generator);
    auto lanes = bodies(1, 1);
    lanes[0].restart(BodyUse::over_and_over);
    std::thread stopper([&] {
        std::this_thread::sleep_for(30ms);
        server.stop();
    });
    const auto before = std::chrono::steady_clock::now();
    const auto report = generator->run(bench::ClosedLoop{60s}, lanes);
    stopper.join();
    ASSERT_TRUE(report);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
    EXPECT_EQ(report->connections_lost, 8U);
    EXPECT_FALSE(report->is_clean());
}

TEST(load_generator, refuses_a_server_that_its_anchors_do_not_vouch_for) {
    TestServer server([](http::Request&) { return good_answer(10); });
    auto target = server.target(1);
    target.server_anchors = {bench::test::another_anchor()};
    const auto untrusted = LoadGenerator::connect(target, check_rules());
    ASSERT_FALSE(untrusted);
    EXPECT_EQ(untrusted.error().code, ErrorCode::peer_untrusted);
    target = server.target(1);
    target.server_name = "another.example";
    const auto misnamed = LoadGenerator::connect(target, check_rules());
    ASSERT_FALSE(misnamed);
    EXPECT_EQ(misnamed.error().code, ErrorCode::peer_untrusted);
}

TEST(load_generator, connections_are_at_least_one_per_identity_and_bounded) {
    TestServer server([](http::Request&) { return good_answer(10); });
    struct Row {
        std::size_t identities;
        std::size_t connections;
        bool accepted;
    };
    for (const auto& row : {Row{1, 0, false}, Row{1, 1, true}, Row{2, 1, false}, Row{2, 2, true}, Row{0, 1, false},
                            Row{1, bench::connections_max + 1, false}}) {
        auto target = server.target(row.identities);
        target.connections = row.connections;
        EXPECT_EQ(LoadGenerator::connect(target, check_rules()).has_value(), row.accepted)
            << row.identities << " " << row.connections;
    }
    auto target = server.target(1);
    target.port = 1;
    const auto nobody = LoadGenerator::connect(target, check_rules());
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code, ErrorCode::peer_unavailable);
}

}  // namespace onshi::load_generator_test
