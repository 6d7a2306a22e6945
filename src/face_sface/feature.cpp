#include "face_sface/feature.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace onshi::sface {

std::optional<Feature> Feature::of(std::span<const float> values) {
    double square = 0;
    for (const float value : values) square += static_cast<double>(value) * static_cast<double>(value);
    if (!std::isfinite(square) || square < 1e-12) return std::nullopt;
    Feature feature;
    feature.values_.reserve(values.size());
    const double length = std::sqrt(square);
    for (const float value : values) feature.values_.push_back(static_cast<float>(value / length));
    return feature;
}

Feature& Feature::operator=(Feature&& other) noexcept {
    if (this != &other) {
        wipe();
        values_ = std::move(other.values_);
        other.values_.clear();
    }
    return *this;
}

void Feature::wipe() noexcept {
    if (!values_.empty()) ::explicit_bzero(values_.data(), values_.size() * sizeof(float));
}

double cosine(const Feature& a, const Feature& b) {
    const auto x = a.values();
    const auto y = b.values();
    if (x.size() != y.size()) return std::numeric_limits<double>::quiet_NaN();
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
    return sum;
}

}  // namespace onshi::sface
