#include "face_sface/aim_rules.h"

#include <cmath>

#include "face_sface/limits.h"

namespace onshi::sface {

using face::Hint;

std::optional<Hint> hint_for(const FaceMeasure& measure) {
    if (measure.faces == 0) return Hint::no_face;
    if (measure.faces > 1) return Hint::single;
    // Written so that what is not a number is never good.
    if (!(measure.eye_distance_px >= eye_distance_min_px)) return Hint::closer;
    if (!(measure.eye_distance_share <= eye_distance_share_max)) return Hint::farther;
    const bool front = measure.inside >= face_inside_min && measure.asymmetry <= asymmetry_max &&
                       std::abs(measure.tilt_degrees) <= tilt_max_degrees;
    if (!front) return Hint::front;
    if (!(measure.brightness >= brightness_min && measure.brightness <= brightness_max)) return Hint::light;
    if (!(measure.sharpness >= sharpness_min)) return Hint::still;
    return std::nullopt;
}

bool AimProgress::stands_well(SteadyTime at) {
    if (!good_since_ || at - good_at_ > good_gap_max) {
        good_since_ = at;
        good_frames_ = 0;
    }
    good_at_ = at;
    ++good_frames_;
    return good_frames_ >= good_frames_min && at - *good_since_ >= good_for_min;
}

AimProgress::Step AimProgress::take(const FaceMeasure& measure, SteadyTime at) {
    const auto hint = hint_for(measure);
    if (!hint) return {.tell = std::nullopt, .good = stands_well(at)};
    good_since_.reset();
    const bool first = !told_;
    const bool due = first || at - told_at_ >= (hint == told_ ? SteadyTime::duration(hint_repeat) : hint_gap_min);
    if (!due) return {.tell = std::nullopt, .good = false};
    told_ = hint;
    told_at_ = at;
    return {.tell = hint, .good = false};
}

}  // namespace onshi::sface
