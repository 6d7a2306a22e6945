#include "base/time.h"

namespace onshi {

namespace {

Instant wall_clock() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count()};
}

}  // namespace

SystemClock::SystemClock() : started_at_(wall_clock()), started_(std::chrono::steady_clock::now()) {}

Instant SystemClock::now() const {
    const auto elapsed = std::chrono::steady_clock::now() - started_;
    return started_at_ + std::chrono::duration_cast<std::chrono::microseconds>(elapsed);
}

std::chrono::microseconds SystemClock::step() const {
    return wall_clock() - now();
}

}  // namespace onshi
