#include "hub/nightly_proof.h"

#include <gtest/gtest.h>

namespace onshi::hub {
namespace {

TEST(nightly_proof, is_due_once_a_day_from_its_hour_on) {
    const Date day = Date::of(2026, 11, 23);
    const Instant midnight = start_of_japan_day(day);
    using std::chrono::hours;
    using std::chrono::microseconds;
    EXPECT_FALSE(is_proof_due(midnight + hours(3) - microseconds(1), 3, std::nullopt));
    EXPECT_TRUE(is_proof_due(midnight + hours(3), 3, std::nullopt));
    EXPECT_TRUE(is_proof_due(midnight + hours(23), 3, day.plus_days(-1)));
    EXPECT_FALSE(is_proof_due(midnight + hours(23), 3, day));
    EXPECT_FALSE(is_proof_due(midnight + hours(24), 3, day)) << "not before its hour of the next day";
    EXPECT_TRUE(is_proof_due(midnight + hours(27), 3, day));
    EXPECT_TRUE(is_proof_due(midnight, 0, day.plus_days(-1)));
    EXPECT_FALSE(is_proof_due(midnight + hours(23), -1, std::nullopt));
}

}  // namespace
}  // namespace onshi::hub
