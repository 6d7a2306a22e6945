#pragma once

#include <optional>
#include <span>
#include <vector>

namespace onshi::sface {

// What a recogniser makes of a face, of length 1. It tells people apart, so it is wiped on destruction. Movable.
class Feature {
  public:
    // nullopt for nothing, for what is not a number, and for what has no direction.
    [[nodiscard]] static std::optional<Feature> of(std::span<const float> values);
    Feature(Feature&& other) noexcept : values_(std::move(other.values_)) { other.values_.clear(); }
    Feature& operator=(Feature&& other) noexcept;
    Feature(const Feature&) = delete;
    Feature& operator=(const Feature&) = delete;
    ~Feature() { wipe(); }

    [[nodiscard]] std::span<const float> values() const { return values_; }

  private:
    Feature() = default;
    void wipe() noexcept;
    std::vector<float> values_;
};

// −1 to 1; not a number for features of different sizes, which no threshold accepts.
[[nodiscard]] double cosine(const Feature& a, const Feature& b);

}  // namespace onshi::sface
