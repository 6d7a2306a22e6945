#pragma once

// Inside this folder only.

#include <chrono>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/sql/database.h"

namespace onshi::hub {

// A step of the system's clock that is recorded and makes a hub not ready (design §9.3).
[[nodiscard]] constexpr bool is_clock_step(std::chrono::microseconds step) {
    constexpr std::chrono::seconds step_max{5};
    return step > step_max || step < -step_max;
}

// Puts every step of the system's clock on the audit chain, once. One coroutine at a time.
class ClockWatch {
  public:
    ClockWatch(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}
    // `offset` is how far the system's clock is from the hub's (SystemClock::step). Returns whether it has stepped
    // since the last recorded one; a step that could not be recorded is tried again at the next look.
    [[nodiscard]] Task<Result<bool>> look(std::chrono::microseconds offset, Deadline deadline);

  private:
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
    std::chrono::microseconds recorded_{0};
};

}  // namespace onshi::hub
