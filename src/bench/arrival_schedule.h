#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/random.h"
#include "base/result.h"

namespace onshi::bench {

enum class ArrivalPattern : std::uint8_t {
    poisson,  // independent clients: gaps are exponential
    even,     // a metronome
};

struct ArrivalPlan {
    double per_second = 0;  // above 0, at most arrivals_per_second_max
    std::chrono::nanoseconds duration{0};
    ArrivalPattern pattern = ArrivalPattern::poisson;
    std::uint64_t seed = 1;
};

// The moments at which an open loop's requests are due, counted from the start of the run. They do not depend on how
// the server does: a request that is sent late is late from the moment it was due (no coordinated omission). Not
// thread-safe; no allocation, so a schedule of any length costs nothing.
class ArrivalSchedule {
  public:
    // `config.value` for a rate or duration out of range.
    [[nodiscard]] static Result<ArrivalSchedule> make(const ArrivalPlan& plan);

    // When the next request is due; nullopt when the rest would be after the duration.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> next() const {
        if (next_ns_ >= end_ns_) return std::nullopt;
        return std::chrono::nanoseconds(static_cast<std::int64_t>(next_ns_));
    }
    void advance();

  private:
    explicit ArrivalSchedule(const ArrivalPlan& plan);
    ArrivalPattern pattern_;
    double gap_ns_;
    double end_ns_;
    double next_ns_ = 0;
    SeededRandom random_;
};

}  // namespace onshi::bench
