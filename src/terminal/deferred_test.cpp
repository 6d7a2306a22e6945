#include "terminal/deferred.h"

#include <gtest/gtest.h>

namespace onshi::terminal {
namespace {

using std::chrono::hours;

TEST(Deferred, a_record_comes_back_whole_and_half_a_record_is_none) {
    const DeferredCheck check{"202611230001", {}, "<XmlMsg/>", Instant{5}};
    const std::string packed = pack(check);
    const auto again = unpack_deferred(packed, Instant{5});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->suffix, check.suffix);
    EXPECT_EQ(again->origin, check.origin);
    EXPECT_EQ(again->bytes, check.bytes);
    EXPECT_EQ(again->asked_at, Instant{5});
    for (std::size_t size = 0; size < packed.size(); ++size) {
        EXPECT_FALSE(unpack_deferred(std::string_view(packed).substr(0, size), Instant{5})) << size;
    }
    EXPECT_FALSE(unpack_deferred(packed + "x", Instant{5}));
}

TEST(Deferred, escalates_on_the_third_and_on_the_tenth_day) {
    const Instant asked{1'000'000};
    const auto after = [&](std::chrono::microseconds age) { return escalation_of(asked, asked + age); };
    EXPECT_EQ(after(hours(0)), Escalation::none);
    EXPECT_EQ(after(hours(72) - std::chrono::microseconds(1)), Escalation::none);
    EXPECT_EQ(after(hours(72)), Escalation::staff);
    EXPECT_EQ(after(hours(240) - std::chrono::microseconds(1)), Escalation::staff);
    EXPECT_EQ(after(hours(240)), Escalation::insurer);
}

TEST(Deferred, waits_longer_after_each_failure_up_to_half_a_minute) {
    EXPECT_EQ(deferred_wait(1), std::chrono::seconds(1));
    EXPECT_EQ(deferred_wait(2), std::chrono::seconds(2));
    EXPECT_EQ(deferred_wait(5), std::chrono::seconds(16));
    EXPECT_EQ(deferred_wait(6), std::chrono::seconds(30));
    EXPECT_EQ(deferred_wait(1'000'000), std::chrono::seconds(30));
}

}  // namespace
}  // namespace onshi::terminal
