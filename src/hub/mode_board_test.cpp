#include "hub/mode_board.h"

#include <gtest/gtest.h>

namespace onshi::hub {
namespace {

using organisations::Dependency;
using organisations::Outage;

constexpr Instant t0{1'800'000'000'000'000};

TEST(ModeBoard, what_was_found_out_counts_from_the_first_time_until_it_is_well_again) {
    ModeBoard board;
    EXPECT_TRUE(board.outages().empty());
    board.found(Dependency::ledger, true, t0);
    board.found(Dependency::ledger, true, t0 + std::chrono::seconds(1));
    EXPECT_EQ(board.outages(), (std::vector<Outage>{{Dependency::ledger, t0, {}}}));
    EXPECT_FALSE(board.is_declared(Dependency::ledger));
    board.found(Dependency::ledger, false, t0 + std::chrono::seconds(2));
    EXPECT_TRUE(board.outages().empty());
}

TEST(ModeBoard, what_people_declared_stays_until_they_lift_it) {
    ModeBoard board;
    board.found(Dependency::registry, true, t0);
    board.declared({{Dependency::registry, t0 + std::chrono::seconds(5), "sato"}}, {});
    ASSERT_EQ(board.outages().size(), 1U);
    EXPECT_EQ(board.outages().front().declared_by, "sato");
    EXPECT_TRUE(board.is_declared(Dependency::registry));
    board.found(Dependency::registry, false, t0 + std::chrono::seconds(6));
    EXPECT_EQ(board.outages().size(), 1U);
    board.declared({}, {});
    EXPECT_TRUE(board.outages().empty());
}

}  // namespace
}  // namespace onshi::hub
