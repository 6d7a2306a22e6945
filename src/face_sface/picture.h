#pragma once

// Inside this folder only: shows OpenCV.
#include <array>

#include <opencv2/core.hpp>

#include "base/time.h"

namespace onshi::sface {

// Pixels that show a person, overwritten on destruction. Owns them: nobody else may hold the same cv::Mat. Movable.
class Pixels {
  public:
    Pixels() = default;
    explicit Pixels(cv::Mat mat) : mat_(std::move(mat)) {}
    Pixels(Pixels&& other) noexcept : mat_(std::move(other.mat_)) { other.mat_ = cv::Mat(); }
    Pixels& operator=(Pixels&& other) noexcept;
    Pixels(const Pixels&) = delete;
    Pixels& operator=(const Pixels&) = delete;
    ~Pixels() { wipe(); }

    [[nodiscard]] const cv::Mat& mat() const { return mat_; }
    // For the OpenCV function that fills it.
    [[nodiscard]] cv::Mat& fill() { return mat_; }

  private:
    void wipe() noexcept;
    cv::Mat mat_;
};

// A frame of the camera: 8 bits, blue, green, red.
struct Picture {
    Pixels bgr;
    SteadyTime taken;
};

// Where a face is: box, right eye, left eye, nose, corners of the mouth, score, as FaceDetectorYN gives them and
// FaceRecognizerSF takes them. In pixels of the picture.
struct FacePlace {
    std::array<float, 15> row{};
};

}  // namespace onshi::sface
