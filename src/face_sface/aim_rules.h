#pragma once

#include <optional>

#include "base/time.h"
#include "exchange/face_engine/messages.h"

// Which picture is good enough to be compared, and what to say when it is not. Pure.
namespace onshi::sface {

// What was measured in one picture. All but `faces` is about the one face and means nothing unless there is one.
struct FaceMeasure {
    int faces = 0;
    double eye_distance_px = 0;
    double eye_distance_share = 0;  // of the picture's shorter side
    double inside = 1;              // share of the face's box that lies in the picture
    double asymmetry = 0;           // nose and mouth away from the middle of the eyes, in eye distances
    double tilt_degrees = 0;        // of the line through the eyes
    double brightness = 0;          // mean of the face, 0 to 255
    double sharpness = 0;           // variance of the Laplacian over the face at a fixed size
};

// nullopt: good. The first that applies, in the order in which a person can act on them.
[[nodiscard]] std::optional<face::Hint> hint_for(const FaceMeasure& measure);

// Follows one aim from frame to frame. One thread.
class AimProgress {
  public:
    struct Step {
        std::optional<face::Hint> tell;  // new, or worth repeating
        bool good = false;               // somebody has stood well long enough
    };
    [[nodiscard]] Step take(const FaceMeasure& measure, SteadyTime at);

  private:
    [[nodiscard]] bool stands_well(SteadyTime at);
    std::optional<SteadyTime> good_since_;
    SteadyTime good_at_;
    int good_frames_ = 0;
    std::optional<face::Hint> told_;
    SteadyTime told_at_;
};

}  // namespace onshi::sface
