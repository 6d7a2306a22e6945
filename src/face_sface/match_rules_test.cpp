#include "face_sface/match_rules.h"

#include <array>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "face_sface/feature.h"
#include "face_sface/limits.h"

namespace onshi::sface {
namespace {

using face::Verdict;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// The first frame has no motion.
std::vector<Compared> frames_of(std::initializer_list<double> cosines, double motion = 1) {
    std::vector<Compared> frames;
    for (const double cosine : cosines) frames.push_back({.cosine = cosine, .motion = frames.empty() ? 0 : motion});
    return frames;
}

TEST(MatchRules, matched_when_every_frame_reaches_the_threshold) {
    EXPECT_EQ(decide(frames_of({0.4, 0.5, 0.6}), 0.4), Verdict::matched);
}

TEST(MatchRules, one_frame_below_is_enough_for_not_matched_however_good_the_best_is) {
    EXPECT_EQ(decide(frames_of({0.99, 0.39, 0.99}), 0.4), Verdict::not_matched);
    EXPECT_EQ(decide(frames_of({0.1, 0.2, 0.1}), 0.4), Verdict::not_matched);
}

TEST(MatchRules, fewer_than_three_frames_decide_nothing) {
    EXPECT_EQ(decide({}, 0.4), Verdict::unusable);
    EXPECT_EQ(decide(frames_of({0.9, 0.9}), 0.4), Verdict::unusable);
}

TEST(MatchRules, frames_that_are_the_same_picture_decide_nothing) {
    EXPECT_EQ(decide(frames_of({0.9, 0.9, 0.9}, 0), 0.4), Verdict::unusable);
    EXPECT_EQ(decide(frames_of({0.9, 0.9, 0.9}, motion_min / 2), 0.4), Verdict::unusable);
    auto frames = frames_of({0.9, 0.9, 0.9});
    frames[2].motion = 0;
    EXPECT_EQ(decide(frames, 0.4), Verdict::unusable);
    frames[2].motion = not_a_number;
    EXPECT_EQ(decide(frames, 0.4), Verdict::unusable);
}

TEST(MatchRules, what_is_not_a_number_matches_nobody) {
    EXPECT_EQ(decide(frames_of({0.9, not_a_number, 0.9}), 0.4), Verdict::unusable);
    EXPECT_EQ(decide(frames_of({0.9, 0.9, 0.9}), not_a_number), Verdict::not_matched);
}

TEST(MatchRules, a_threshold_that_calibration_cannot_have_given_is_refused) {
    EXPECT_TRUE(is_threshold(0.2));
    EXPECT_TRUE(is_threshold(0.95));
    for (const double wrong : {-1.0, 0.0, 0.199, 0.951, 1.0, not_a_number}) EXPECT_FALSE(is_threshold(wrong)) << wrong;
    EXPECT_EQ(decide(frames_of({0.9, 0.9, 0.9}), 0.1), Verdict::not_matched);
}

TEST(MatchRules, a_frame_without_one_person_ends_the_match_and_a_poor_one_is_looked_at_again) {
    FaceMeasure measure{.faces = 1,
                        .eye_distance_px = 120,
                        .eye_distance_share = 0.25,
                        .inside = 1,
                        .asymmetry = 0,
                        .tilt_degrees = 0,
                        .brightness = 120,
                        .sharpness = 100};
    EXPECT_EQ(use_of(measure), FrameUse::compare);
    measure.sharpness = 1;
    EXPECT_EQ(use_of(measure), FrameUse::look_again);
    measure.faces = 2;
    EXPECT_EQ(use_of(measure), FrameUse::give_up);
    measure.faces = 0;
    EXPECT_EQ(use_of(measure), FrameUse::give_up);
}

TEST(Feature, cosine_is_that_of_the_angle_whatever_the_length) {
    const auto a = Feature::of(std::array{3.0F, 0.0F});
    const auto b = Feature::of(std::array{5.0F, 5.0F});
    const auto c = Feature::of(std::array{-1.0F, 0.0F});
    ASSERT_TRUE(a && b && c);
    EXPECT_NEAR(cosine(*a, *a), 1, 1e-6);
    EXPECT_NEAR(cosine(*a, *b), 0.70711, 1e-4);
    EXPECT_NEAR(cosine(*a, *c), -1, 1e-6);
}

TEST(Feature, of_nothing_or_of_no_numbers_there_is_none) {
    EXPECT_FALSE(Feature::of({}).has_value());
    EXPECT_FALSE(Feature::of(std::array{0.0F, 0.0F}).has_value());
    EXPECT_FALSE(Feature::of(std::array{1.0F, std::numeric_limits<float>::quiet_NaN()}).has_value());
    EXPECT_FALSE(Feature::of(std::array{1.0F, std::numeric_limits<float>::infinity()}).has_value());
}

TEST(Feature, of_different_models_match_no_threshold) {
    const auto a = Feature::of(std::array{1.0F});
    const auto b = Feature::of(std::array{1.0F, 0.0F});
    EXPECT_FALSE(cosine(*a, *b) >= -1);
}

}  // namespace
}  // namespace onshi::sface
