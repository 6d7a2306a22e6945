#include "terminal/hub_modes.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "terminal/limits.h"

namespace onshi::terminal {
namespace {

using organisations::DeskMode;

TEST(HubModes, the_strictest_outage_counts_and_none_is_normal) {
    const auto told = read_modes(
        R"({"outages":[{"dependency":"card_status","since":"2026-11-23T00:00:00.000000Z","mode":"coverage_only"},)"
        R"({"dependency":"ledger","since":"2026-11-23T00:00:00.000000Z","mode":"without_hub"},)"
        R"({"dependency":"insurer_files","since":"2026-11-23T00:00:00.000000Z","mode":"answers_late"}]})");
    ASSERT_TRUE(told);
    ASSERT_EQ(told->size(), 3U);
    HubModes modes;
    EXPECT_EQ(modes.mode(), DeskMode::normal);
    modes.replace(*told);
    EXPECT_EQ(modes.mode(), DeskMode::without_hub);
    EXPECT_TRUE(modes.without_hub());
    EXPECT_EQ(modes.outages(), *told);
    modes.replace({told->front()});
    EXPECT_EQ(modes.mode(), DeskMode::coverage_only);
    modes.replace({});
    EXPECT_EQ(modes.mode(), DeskMode::normal);
}

// A hub of a later version may have parts that this terminal has never heard of.
TEST(HubModes, an_unknown_dependency_counts_by_its_mode_and_an_unknown_mode_changes_nothing) {
    const auto told = read_modes(R"({"outages":[{"dependency":"prescriptions","since":"x","mode":"answers_late"},)"
                                 R"({"dependency":"weather","since":"x","mode":"umbrella"}],"more":1})");
    ASSERT_TRUE(told);
    EXPECT_EQ(told->at(0).mode, DeskMode::answers_late);
    EXPECT_EQ(told->at(1).mode, DeskMode::normal);
}

TEST(HubModes, what_is_no_answer_of_a_hub_is_refused) {
    EXPECT_EQ(read_modes("no").error().code, ErrorCode::peer_protocol);
    EXPECT_EQ(read_modes(R"({"outages":[{"mode":"without_hub"}]})").error().code, ErrorCode::peer_protocol);
    std::string many;
    for (std::size_t i = 0; i < outages_max; ++i) {
        many.append(fmt::format(R"({}{{"dependency":"d{}","since":"x","mode":"normal"}})", i == 0 ? "" : ",", i));
    }
    EXPECT_TRUE(read_modes(fmt::format(R"({{"outages":[{}]}})", many)));
    many.append(R"(,{"dependency":"one more","since":"x","mode":"normal"})");
    EXPECT_EQ(read_modes(fmt::format(R"({{"outages":[{}]}})", many)).error().code, ErrorCode::peer_protocol);
}

}  // namespace
}  // namespace onshi::terminal
