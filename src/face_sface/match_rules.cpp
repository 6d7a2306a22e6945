#include "face_sface/match_rules.h"

#include <algorithm>
#include <cmath>

#include "face_sface/limits.h"

namespace onshi::sface {

using face::Verdict;

FrameUse use_of(const FaceMeasure& measure) {
    const auto hint = hint_for(measure);
    if (!hint) return FrameUse::compare;
    const bool alone = hint != face::Hint::no_face && hint != face::Hint::single;
    return alone ? FrameUse::look_again : FrameUse::give_up;
}

Verdict decide(std::span<const Compared> frames, double threshold) {
    if (frames.size() < static_cast<std::size_t>(face::frames_min)) return Verdict::unusable;
    const bool numbers = std::ranges::all_of(frames, [](const Compared& one) { return std::isfinite(one.cosine); });
    // Written so that what is not a number is no motion.
    const bool moved =
        std::ranges::all_of(frames.subspan(1), [](const Compared& one) { return one.motion >= motion_min; });
    if (!numbers || !moved) return Verdict::unusable;
    const bool all = std::ranges::all_of(frames, [&](const Compared& one) { return one.cosine >= threshold; });
    return all && is_threshold(threshold) ? Verdict::matched : Verdict::not_matched;
}

bool is_threshold(double value) {
    return value >= threshold_min && value <= threshold_max;
}

}  // namespace onshi::sface
