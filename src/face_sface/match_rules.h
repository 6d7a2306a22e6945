#pragma once

#include <cstdint>
#include <span>

#include "exchange/face_engine/messages.h"
#include "face_sface/aim_rules.h"

// What the compared frames decide together. Pure.
namespace onshi::sface {

// What happens to a frame of a match. Chosen before anything is compared, so that no frame is left out for its score.
enum class FrameUse : std::uint8_t {
    compare,
    look_again,  // the face is there, the picture is not good
    give_up,     // nobody, or a second one: it may be somebody else who stands there next
};
[[nodiscard]] FrameUse use_of(const FaceMeasure& measure);

// What one compared frame gave. Stays inside the engine.
struct Compared {
    double cosine = 0;
    double motion = 0;  // against the frame compared before; of the first it means nothing
};

// All frames decide (ux §13.3 rule 4): one that does not reach the threshold is enough for `not_matched`. Fewer than
// face::frames_min, or two in a row that are the same picture: `unusable`. The latter hinders a replay; it says
// nothing about whether somebody is alive.
[[nodiscard]] face::Verdict decide(std::span<const Compared> frames, double threshold);

// Whether this is a threshold that calibration can have given.
[[nodiscard]] bool is_threshold(double value);

}  // namespace onshi::sface
