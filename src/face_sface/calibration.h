#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

// Which threshold the operator's own pictures give (ux §13.3 rule 3). Pure.
namespace onshi::sface {

// One person's pictures: NAME_a.* stands for the card's photo, NAME_b.* for a frame of the camera.
struct PicturePair {
    std::string name;
    std::filesystem::path a;
    std::filesystem::path b;
};
// From the files of a folder, in the order of names. Files that are not called so are left out; `field.value` with a
// sentence when one of two is missing, when a name stands for several files, or when there are too many.
[[nodiscard]] Result<std::vector<PicturePair>> pair_up(std::span<const std::filesystem::path> files);

// How many trials went wrong, and between which rates the truth lies with 95 % confidence (Clopper–Pearson), if the
// trials are independent.
struct Rate {
    std::uint64_t errors = 0;
    std::uint64_t trials = 0;
    double value = 0;
    double low = 0;
    double high = 1;
};
[[nodiscard]] Rate rate_of(std::uint64_t errors, std::uint64_t trials);

// The rule of three: with fewer pairs not even none accepted would show the rate.
[[nodiscard]] std::uint64_t impostor_pairs_needed(double far);
// How many persons give so many pairs when every a is compared with every other one's b.
[[nodiscard]] std::uint64_t persons_needed(std::uint64_t pairs);

struct Calibration {
    double threshold = 0;  // three decimals, rounded up
    Rate far;              // strangers accepted
    Rate frr;              // the right person not accepted, by one frame
};
// The lowest threshold whose rate of accepted strangers is at most `far` with 95 % confidence (one-sided). Refuses
// with `field.range` and a sentence: another `far` than limits.h allows, too few pairs, no threshold that serves.
[[nodiscard]] Result<Calibration> calibrate(std::vector<float> genuine, std::vector<float> impostor, double far);

}  // namespace onshi::sface
