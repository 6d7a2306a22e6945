#include "bench/arrival_schedule.h"

#include <cmath>

#include "bench/limits.h"

namespace onshi::bench {

Result<ArrivalSchedule> ArrivalSchedule::make(const ArrivalPlan& plan) {
    if (!(plan.per_second > 0) || plan.per_second > arrivals_per_second_max) {
        return fail(ErrorCode::config_value, "arrivals per second out of range");
    }
    if (plan.duration <= std::chrono::nanoseconds(0) || plan.duration > run_time_max) {
        return fail(ErrorCode::config_value, "duration out of range");
    }
    return ArrivalSchedule(plan);
}

ArrivalSchedule::ArrivalSchedule(const ArrivalPlan& plan)
    : pattern_(plan.pattern),
      gap_ns_(1e9 / plan.per_second),
      end_ns_(static_cast<double>(plan.duration.count())),
      random_(plan.seed) {
    // Without a first gap, Poisson arrivals would all begin with one at zero.
    if (pattern_ == ArrivalPattern::poisson) advance();
}

void ArrivalSchedule::advance() {
    if (pattern_ == ArrivalPattern::even) {
        next_ns_ += gap_ns_;
        return;
    }
    // 53 bits, never 0: its logarithm must be finite.
    const double uniform = (static_cast<double>(random_.next() >> 11U) + 0.5) * 0x1p-53;
    next_ns_ += -std::log(uniform) * gap_ns_;
}

}  // namespace onshi::bench
