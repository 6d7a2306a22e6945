#include "face_sface/calibration.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <boost/math/distributions/binomial.hpp>
#include <fmt/format.h>

#include "face_sface/limits.h"

namespace onshi::sface {

namespace {

using Binomial = boost::math::binomial_distribution<double>;

// One-sided; exact.
double upper_bound(std::uint64_t errors, std::uint64_t trials, double alpha) {
    if (errors >= trials) return 1;
    return Binomial::find_upper_bound_on_p(static_cast<double>(trials), static_cast<double>(errors), alpha);
}

double lower_bound(std::uint64_t errors, std::uint64_t trials, double alpha) {
    if (errors == 0) return 0;
    return Binomial::find_lower_bound_on_p(static_cast<double>(trials), static_cast<double>(errors), alpha);
}

// The most accepted strangers of so many that still show the rate.
std::uint64_t errors_allowed(std::uint64_t trials, double far) {
    std::uint64_t low = 0;
    std::uint64_t high = static_cast<std::uint64_t>(std::ceil(far * static_cast<double>(trials))) + 1;
    while (low < high) {
        const std::uint64_t middle = (low + high + 1) / 2;
        if (upper_bound(middle, trials, 1 - confidence) <= far) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

double above(double score) {
    return (std::floor(score * 1000) + 1) / 1000;
}

}  // namespace

Result<std::vector<PicturePair>> pair_up(std::span<const std::filesystem::path> files) {
    std::map<std::string, PicturePair> pairs;
    for (const auto& file : files) {
        const std::string stem = file.stem().string();
        if (stem.size() < 3 || !(stem.ends_with("_a") || stem.ends_with("_b"))) continue;
        const std::string name = stem.substr(0, stem.size() - 2);
        auto& pair = pairs[name];
        pair.name = name;
        auto& place = stem.back() == 'a' ? pair.a : pair.b;
        if (!place.empty()) {
            return fail(ErrorCode::field_value, fmt::format("{} and {} stand for the same picture",
                                                            place.filename().string(), file.filename().string()));
        }
        place = file;
    }
    if (pairs.size() > persons_max) {
        return fail(ErrorCode::field_value, fmt::format("{} persons; at most {} are taken", pairs.size(), persons_max));
    }
    std::vector<PicturePair> out;
    for (auto& [name, pair] : pairs) {
        if (pair.a.empty() || pair.b.empty()) {
            const char missing = pair.a.empty() ? 'a' : 'b';
            return fail(ErrorCode::field_value, fmt::format("{}_{}.* is missing", name, missing));
        }
        out.push_back(std::move(pair));
    }
    return out;
}

Rate rate_of(std::uint64_t errors, std::uint64_t trials) {
    Rate rate{.errors = errors, .trials = trials, .value = 0, .low = 0, .high = 1};
    if (trials == 0) return rate;
    const double alpha = (1 - confidence) / 2;
    rate.value = static_cast<double>(errors) / static_cast<double>(trials);
    rate.low = lower_bound(errors, trials, alpha);
    rate.high = upper_bound(errors, trials, alpha);
    return rate;
}

std::uint64_t impostor_pairs_needed(double far) {
    return static_cast<std::uint64_t>(std::ceil(3 / far - 1e-6));
}

std::uint64_t persons_needed(std::uint64_t pairs) {
    auto persons = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(pairs)));
    while (persons * (persons == 0 ? 0 : persons - 1) < pairs) ++persons;
    return persons;
}

Result<Calibration> calibrate(std::vector<float> genuine, std::vector<float> impostor, double far) {
    if (!(far >= far_min && far <= far_max)) {
        return fail(ErrorCode::field_range, fmt::format("--far must be from {} to {}", far_min, far_max));
    }
    const std::uint64_t needed = impostor_pairs_needed(far);
    if (impostor.size() < needed) {
        return fail(ErrorCode::field_range,
                    fmt::format("{} pairs of strangers cannot show a rate of {}; it takes 3/FAR = {} pairs, that is {} "
                                "persons with two pictures each",
                                impostor.size(), far, needed, persons_needed(needed)));
    }
    if (genuine.empty()) return fail(ErrorCode::field_range, "there is no pair of the same person");
    std::ranges::sort(impostor, std::greater<>());
    const std::uint64_t allowed = errors_allowed(impostor.size(), far);
    double threshold = allowed < impostor.size() ? above(static_cast<double>(impostor[allowed])) : threshold_min;
    threshold = std::max(threshold, threshold_min);
    if (threshold > threshold_max) {
        return fail(ErrorCode::field_range,
                    fmt::format("the threshold would be {:.3f}, above {}: these models do not tell these people apart, "
                                "or somebody stands in the folder of strangers under two names",
                                threshold, threshold_max));
    }
    const auto accepted =
        std::ranges::count_if(impostor, [&](float score) { return static_cast<double>(score) >= threshold; });
    const auto refused =
        std::ranges::count_if(genuine, [&](float score) { return !(static_cast<double>(score) >= threshold); });
    return Calibration{.threshold = threshold,
                       .far = rate_of(static_cast<std::uint64_t>(accepted), impostor.size()),
                       .frr = rate_of(static_cast<std::uint64_t>(refused), genuine.size())};
}

}  // namespace onshi::sface
