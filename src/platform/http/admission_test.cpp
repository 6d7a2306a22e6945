#include "platform/http/admission.h"

#include <gtest/gtest.h>

namespace onshi::http::admission_test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const SteadyTime start = SteadyTime() + 1000h;

TEST(return_plan, whoever_is_refused_alone_waits_as_wanted) {
    ReturnPlan plan(100, 4s);
    for (int second = 0; second < 5; ++second) {
        EXPECT_EQ(plan.next(start + std::chrono::seconds(second), 700ms, 0.5), 700ms);
    }
}

TEST(return_plan, many_who_are_refused_together_come_back_one_after_the_other) {
    ReturnPlan plan(100, 4s);
    for (int i = 0; i <= 400; ++i) {
        EXPECT_EQ(plan.next(start, 0ms, 0.5), milliseconds(10 * i)) << i;
    }
}

TEST(return_plan, nobody_is_sent_away_for_longer_than_the_longest_wait) {
    ReturnPlan plan(100, 4s);
    for (int i = 0; i <= 400; ++i) static_cast<void>(plan.next(start, 0ms, 0));
    EXPECT_EQ(plan.next(start, 500ms, 0), 2s);
    EXPECT_EQ(plan.next(start, 500ms, 0.5), 3s);
    EXPECT_EQ(plan.next(start, 500ms, 1), 4s);
    EXPECT_EQ(plan.next(start, 3500ms, 0), 3500ms) << "never earlier than wanted";
    // The row moves on.
    EXPECT_EQ(plan.next(start + 1s, 0ms, 0), 3010ms);
    EXPECT_EQ(plan.next(start + 10s, 0ms, 0), 0ms);
}

TEST(queue_delay_gate, refuses_by_class_only_while_every_measurement_of_an_interval_was_long) {
    const QueueDelay options;
    QueueDelayGate gate(options);
    SteadyTime now = start;
    gate.measured(now, 1ms);
    gate.measured(now += 10ms, 30ms);
    EXPECT_FALSE(gate.refuses(AdmissionClass::normal)) << "one long wait is a burst";
    for (int i = 0; i < 3; ++i) gate.measured(now += 100ms, 30ms);
    EXPECT_TRUE(gate.overloaded());
    EXPECT_TRUE(gate.refuses(AdmissionClass::bulk));
    EXPECT_TRUE(gate.refuses(AdmissionClass::normal));
    EXPECT_FALSE(gate.refuses(AdmissionClass::urgent));
    EXPECT_FALSE(gate.refuses(AdmissionClass::exempt));
    gate.measured(now += 10ms, 41ms);
    EXPECT_TRUE(gate.refuses(AdmissionClass::urgent));
    gate.measured(now += 10ms, 1ms);
    EXPECT_FALSE(gate.refuses(AdmissionClass::bulk)) << "there is room at this moment";
    for (int i = 0; i < 3; ++i) gate.measured(now += 100ms, 1ms);
    EXPECT_FALSE(gate.overloaded());
}

TEST(queue_delay_gate, a_wait_beyond_the_longest_refuses_everything_at_once) {
    QueueDelayGate gate{QueueDelay()};
    gate.measured(start, 201ms);
    EXPECT_TRUE(gate.refuses(AdmissionClass::urgent));
    EXPECT_FALSE(gate.refuses(AdmissionClass::exempt));
}

TEST(rate_bucket, admits_the_burst_and_then_the_rate) {
    RateBucket bucket;
    const RateLimit limit{10, 3};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.take(start, limit), 0ns) << i;
    EXPECT_EQ(bucket.take(start, limit), 100ms);
    EXPECT_EQ(bucket.take(start + 99ms, limit), 1ms);
    EXPECT_EQ(bucket.take(start + 100ms, limit), 0ns);
    EXPECT_FALSE(bucket.full(start + 399ms));
    EXPECT_TRUE(bucket.full(start + 400ms));
}

TEST(pace, spaces_out_and_saves_up_no_more_than_a_tenth_of_a_second) {
    Pace pace(100);
    EXPECT_LE(pace.next(start), start);
    SteadyTime last = start;
    for (int i = 0; i < 20; ++i) last = pace.next(start);
    EXPECT_EQ(last, start + 100ms);
    EXPECT_EQ(pace.next(start + 1h), start + 1h - 100ms);
}

}  // namespace onshi::http::admission_test
