#include "face_sface/calibration.h"

#include <gtest/gtest.h>

#include "face_sface/limits.h"

namespace onshi::sface {
namespace {

using Paths = std::vector<std::filesystem::path>;

TEST(PairUp, pictures_of_one_name_are_a_pair_and_other_files_are_left_out) {
    const auto pairs =
        pair_up(Paths{"d/p2_b.png", "d/p1_a.jp2", "d/notes.txt", "d/p1_b.png", "d/p2_a.jp2", "d/_a.png"});
    ASSERT_TRUE(pairs.has_value());
    ASSERT_EQ(pairs->size(), 2U);
    EXPECT_EQ(pairs->at(0).name, "p1");
    EXPECT_EQ(pairs->at(0).a, "d/p1_a.jp2");
    EXPECT_EQ(pairs->at(1).b, "d/p2_b.png");
}

TEST(PairUp, a_picture_without_its_other_one_is_named) {
    const auto pairs = pair_up(Paths{"p1_a.png", "p1_b.png", "p2_b.png"});
    ASSERT_FALSE(pairs.has_value());
    EXPECT_EQ(pairs.error().detail, "p2_a.* is missing");
}

TEST(PairUp, two_files_for_one_picture_are_refused) {
    EXPECT_FALSE(pair_up(Paths{"p1_a.png", "p1_a.jp2", "p1_b.png"}).has_value());
}

TEST(PairUp, takes_as_many_persons_as_its_limit_and_not_one_more) {
    Paths files;
    for (std::size_t i = 0; i < persons_max; ++i) {
        files.emplace_back(std::to_string(i) + "_a.png");
        files.emplace_back(std::to_string(i) + "_b.png");
    }
    EXPECT_EQ(pair_up(files)->size(), persons_max);
    files.emplace_back("more_a.png");
    files.emplace_back("more_b.png");
    EXPECT_FALSE(pair_up(files).has_value());
}

// Published values of the exact interval.
TEST(Rate, is_the_interval_of_clopper_and_pearson) {
    const Rate none = rate_of(0, 30);
    EXPECT_EQ(none.low, 0);
    EXPECT_NEAR(none.high, 0.1157, 1e-4);
    const Rate one = rate_of(1, 10);
    EXPECT_NEAR(one.low, 0.0025, 1e-4);
    EXPECT_NEAR(one.high, 0.4450, 1e-4);
    const Rate all = rate_of(10, 10);
    EXPECT_NEAR(all.low, 0.6915, 1e-4);
    EXPECT_EQ(all.high, 1);
    const Rate unknown = rate_of(0, 0);
    EXPECT_EQ(unknown.low, 0);
    EXPECT_EQ(unknown.high, 1);
}

TEST(RuleOfThree, says_how_many_pairs_and_persons_it_takes) {
    EXPECT_EQ(impostor_pairs_needed(1e-4), 30'000U);
    EXPECT_EQ(impostor_pairs_needed(0.01), 300U);
    EXPECT_EQ(persons_needed(300), 18U);  // 18 × 17 = 306
    EXPECT_EQ(persons_needed(30'000), 174U);
    EXPECT_EQ(persons_needed(0), 0U);
}

// Scores of strangers from 0.000 in steps of 0.001, up to 0.299 for 300 of them.
std::vector<float> strangers(std::size_t count, float step = 0.001F) {
    std::vector<float> scores;
    scores.reserve(count);
    for (std::size_t i = 0; i < count; ++i) scores.push_back(static_cast<float>(i) * step);
    return scores;
}

TEST(Calibrate, with_just_enough_pairs_no_stranger_may_be_accepted) {
    const auto found = calibrate({0.5F, 0.6F, 0.29F}, strangers(300), 0.01);
    ASSERT_TRUE(found.has_value());
    EXPECT_NEAR(found->threshold, 0.300, 1e-9);
    EXPECT_EQ(found->far.errors, 0U);
    EXPECT_EQ(found->far.trials, 300U);
    EXPECT_EQ(found->frr.errors, 1U);
    EXPECT_EQ(found->frr.trials, 3U);
}

TEST(Calibrate, one_pair_too_few_is_refused_with_the_number_it_takes) {
    const auto found = calibrate({0.5F}, strangers(299), 0.01);
    ASSERT_FALSE(found.has_value());
    EXPECT_NE(found.error().detail.find("300 pairs, that is 18 persons"), std::string::npos) << found.error().detail;
}

TEST(Calibrate, with_many_pairs_some_strangers_may_be_accepted_as_long_as_the_rate_is_shown) {
    const auto found = calibrate({0.5F}, strangers(10'000, 0.00005F), 0.01);
    ASSERT_TRUE(found.has_value());
    EXPECT_GT(found->far.errors, 0U);
    EXPECT_LT(found->far.value, 0.01);
    // One-sided at 95 %, about 83 of 10,000 still show a rate below 1 %; 20 of these scores share their three decimals.
    EXPECT_LE(found->far.errors, 84U);
    EXPECT_GE(found->far.errors, 62U);
}

TEST(Calibrate, never_gives_a_threshold_that_serve_refuses) {
    std::vector<float> low(300, -0.1F);
    EXPECT_NEAR(calibrate({0.5F}, low, 0.01)->threshold, threshold_min, 1e-9);
    std::vector<float> high(300, 0.97F);
    const auto refused = calibrate({0.99F}, high, 0.01);
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().detail.find("do not tell"), std::string::npos);
}

TEST(Calibrate, refuses_rates_beyond_its_limits_and_no_pairs_of_the_same_person) {
    for (const double far : {0.0, -1.0, 1e-7, 0.11, 1.0}) EXPECT_FALSE(calibrate({0.5F}, strangers(300), far)) << far;
    EXPECT_FALSE(calibrate({}, strangers(300), 0.01).has_value());
}

}  // namespace
}  // namespace onshi::sface
