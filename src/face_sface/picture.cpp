#include "face_sface/picture.h"

#include <cstring>

namespace onshi::sface {

Pixels& Pixels::operator=(Pixels&& other) noexcept {
    if (this != &other) {
        wipe();
        mat_ = std::move(other.mat_);
        other.mat_ = cv::Mat();
    }
    return *this;
}

void Pixels::wipe() noexcept {
    if (mat_.empty()) return;
    const std::size_t row_bytes = static_cast<std::size_t>(mat_.cols) * mat_.elemSize();
    for (int row = 0; row < mat_.rows; ++row) ::explicit_bzero(mat_.ptr(row), row_bytes);
}

}  // namespace onshi::sface
