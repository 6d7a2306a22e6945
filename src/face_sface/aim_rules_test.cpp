#include "face_sface/aim_rules.h"

#include <limits>

#include <gtest/gtest.h>

#include "face_sface/limits.h"

namespace onshi::sface {
namespace {

using face::Hint;
using std::chrono::milliseconds;

FaceMeasure good_measure() {
    return {.faces = 1,
            .eye_distance_px = 120,
            .eye_distance_share = 0.25,
            .inside = 1,
            .asymmetry = 0.05,
            .tilt_degrees = 2,
            .brightness = 130,
            .sharpness = 200};
}

template <class F>
std::optional<Hint> hint_with(F change) {
    FaceMeasure measure = good_measure();
    change(measure);
    return hint_for(measure);
}

TEST(AimRules, a_good_picture_gets_no_hint) {
    EXPECT_EQ(hint_for(good_measure()), std::nullopt);
}

TEST(AimRules, nobody_and_several_come_first) {
    EXPECT_EQ(hint_for(FaceMeasure{}), Hint::no_face);
    EXPECT_EQ(hint_with([](auto& m) { m.faces = 2; }), Hint::single);
}

TEST(AimRules, each_measure_has_its_hint_just_beyond_its_limit_and_none_at_it) {
    struct Row {
        double FaceMeasure::* measure;
        double limit;
        double beyond;
        Hint hint;
    };
    for (const Row& row :
         {Row{&FaceMeasure::eye_distance_px, 100, 99.9, Hint::closer},
          Row{&FaceMeasure::eye_distance_share, 0.4, 0.41, Hint::farther},
          Row{&FaceMeasure::inside, 0.9, 0.89, Hint::front}, Row{&FaceMeasure::asymmetry, 0.25, 0.26, Hint::front},
          Row{&FaceMeasure::tilt_degrees, 20, 20.1, Hint::front},
          Row{&FaceMeasure::tilt_degrees, -20, -20.1, Hint::front}, Row{&FaceMeasure::brightness, 60, 59, Hint::light},
          Row{&FaceMeasure::brightness, 210, 211, Hint::light}, Row{&FaceMeasure::sharpness, 25, 24.9, Hint::still}}) {
        EXPECT_EQ(hint_with([&](auto& m) { m.*row.measure = row.limit; }), std::nullopt) << row.limit;
        EXPECT_EQ(hint_with([&](auto& m) { m.*row.measure = row.beyond; }), row.hint) << row.beyond;
    }
}

TEST(AimRules, what_is_not_a_number_is_never_good) {
    for (const auto member :
         {&FaceMeasure::eye_distance_px, &FaceMeasure::eye_distance_share, &FaceMeasure::inside,
          &FaceMeasure::asymmetry, &FaceMeasure::tilt_degrees, &FaceMeasure::brightness, &FaceMeasure::sharpness}) {
        EXPECT_TRUE(hint_with([&](auto& m) { m.*member = std::numeric_limits<double>::quiet_NaN(); }).has_value());
    }
}

// Feeds one frame every 100 ms.
struct Aim {
    AimProgress progress;
    SteadyTime at;
    AimProgress::Step take(const FaceMeasure& measure, milliseconds gap = milliseconds(100)) {
        at += gap;
        return progress.take(measure, at);
    }
    // How many good frames it takes from here.
    int until_good() {
        int frames = 1;
        while (frames < 100 && !take(good_measure()).good) ++frames;
        return frames;
    }
};

TEST(AimProgress, is_good_after_0_8_seconds_of_good_frames) {
    Aim aim;
    EXPECT_EQ(aim.until_good(), 9);
}

TEST(AimProgress, a_bad_frame_starts_the_time_anew) {
    Aim aim;
    for (int i = 0; i < 8; ++i) EXPECT_FALSE(aim.take(good_measure()).good);
    EXPECT_FALSE(aim.take(FaceMeasure{}).good);
    EXPECT_EQ(aim.until_good(), 9);
}

TEST(AimProgress, what_was_not_seen_for_long_does_not_count) {
    Aim aim;
    EXPECT_FALSE(aim.take(good_measure()).good);
    EXPECT_FALSE(aim.take(good_measure(), milliseconds(701)).good);
    EXPECT_EQ(aim.until_good(), 8);
}

TEST(AimProgress, two_frames_are_too_few_however_long_they_take) {
    Aim aim;
    EXPECT_FALSE(aim.take(good_measure()).good);
    EXPECT_FALSE(aim.take(good_measure(), milliseconds(700)).good);
    EXPECT_TRUE(aim.take(good_measure(), milliseconds(700)).good);
}

TEST(AimProgress, a_hint_is_told_at_once_and_again_after_two_seconds) {
    Aim aim;
    EXPECT_EQ(aim.take(FaceMeasure{}).tell, Hint::no_face);
    for (int i = 0; i < 19; ++i) EXPECT_EQ(aim.take(FaceMeasure{}).tell, std::nullopt);
    EXPECT_EQ(aim.take(FaceMeasure{}).tell, Hint::no_face);
}

TEST(AimProgress, another_hint_waits_until_the_last_one_can_have_been_read) {
    FaceMeasure far = good_measure();
    far.eye_distance_px = 50;
    Aim aim;
    EXPECT_EQ(aim.take(FaceMeasure{}).tell, Hint::no_face);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(aim.take(far).tell, std::nullopt);
    EXPECT_EQ(aim.take(far).tell, Hint::closer);
}

}  // namespace
}  // namespace onshi::sface
