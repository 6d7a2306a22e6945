#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace onshi {

// A moment: microseconds since 1970-01-01T00:00:00Z. What is stored and sent.
struct Instant {
    std::int64_t us = 0;
    auto operator<=>(const Instant&) const = default;
    friend constexpr Instant operator+(Instant at, std::chrono::microseconds d) { return {at.us + d.count()}; }
    friend constexpr Instant operator-(Instant at, std::chrono::microseconds d) { return {at.us - d.count()}; }
    friend constexpr std::chrono::microseconds operator-(Instant a, Instant b) {
        return std::chrono::microseconds(a.us - b.us);
    }
};

using SteadyTime = std::chrono::steady_clock::time_point;

// Until when an answer is of use to the caller. On the steady clock, so a step of the wall clock does not move it.
class Deadline {
  public:
    constexpr explicit Deadline(SteadyTime at) : at_(at) {}
    [[nodiscard]] static Deadline in(std::chrono::milliseconds duration) {
        return Deadline(std::chrono::steady_clock::now() + duration);
    }
    [[nodiscard]] constexpr SteadyTime at() const { return at_; }
    [[nodiscard]] bool passed() const { return std::chrono::steady_clock::now() >= at_; }

  private:
    SteadyTime at_;
};

// Where the program gets the time from, so that a test can set it. Thread-safe.
class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Instant now() const = 0;
};

// Wall time at start plus the steady clock: a step of the system's clock does not move expiries (design §9.3).
// `step()` is how far the system's clock has moved away since the start; more than 5 s turns /readyz red.
class SystemClock final : public Clock {
  public:
    SystemClock();
    [[nodiscard]] Instant now() const override;
    [[nodiscard]] std::chrono::microseconds step() const;

  private:
    Instant started_at_;
    SteadyTime started_;
};

// A clock that stands still until it is moved. Thread-safe.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(Instant at) : us_(at.us) {}
    [[nodiscard]] Instant now() const override { return {__atomic_load_n(&us_, __ATOMIC_RELAXED)}; }
    void set(Instant at) { __atomic_store_n(&us_, at.us, __ATOMIC_RELAXED); }
    void advance(std::chrono::microseconds by) { __atomic_fetch_add(&us_, by.count(), __ATOMIC_RELAXED); }

  private:
    std::int64_t us_;
};

}  // namespace onshi
