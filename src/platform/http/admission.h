#pragma once

// Internal: who is let in. Pure decisions over given times; the server brings the clock.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "platform/http/server.h"

namespace onshi::http {

// Requests in flight, together and per class. Thread-safe, lock-free.
class InFlight {
  public:
    // Gives its place back when it ends. Movable.
    class Slot {
      public:
        Slot() = default;
        Slot(InFlight* owner, AdmissionClass admission) : owner_(owner), admission_(admission) {}
        Slot(Slot&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), admission_(other.admission_) {}
        Slot& operator=(Slot&& other) noexcept {
            release();
            owner_ = std::exchange(other.owner_, nullptr);
            admission_ = other.admission_;
            return *this;
        }
        ~Slot() { release(); }
        void release() noexcept;

      private:
        InFlight* owner_ = nullptr;
        AdmissionClass admission_ = AdmissionClass::exempt;
    };

    InFlight(const AdmissionOptions& options, std::size_t loops)
        : total_max_(options.requests_in_flight_max * loops), class_max_(options.class_in_flight_max) {
        for (auto& max : class_max_) max *= loops;
    }

    // nullopt when the server or the class is full; `exempt` always gets one and is not counted.
    [[nodiscard]] std::optional<Slot> enter(AdmissionClass admission);
    [[nodiscard]] std::size_t count(AdmissionClass admission) const;

  private:
    std::size_t total_max_;
    std::array<std::size_t, admission_classes> class_max_;
    std::atomic<std::size_t> total_ = 0;
    std::array<std::atomic<std::size_t>, admission_classes> by_class_{};
};

// A bounded amount that many take from: connections, streams, bytes of bodies. Thread-safe, lock-free.
class Budget {
  public:
    explicit Budget(std::size_t max) : max_(max) {}
    [[nodiscard]] bool take(std::size_t amount) {
        if (used_.fetch_add(amount, std::memory_order_relaxed) + amount <= max_) return true;
        give_back(amount);
        return false;
    }
    void give_back(std::size_t amount) { used_.fetch_sub(amount, std::memory_order_relaxed); }
    [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_relaxed); }

  private:
    std::size_t max_;
    std::atomic<std::size_t> used_ = 0;
};

// Decides from measured waiting times of one loop (see QueueDelay in server.h). Belongs to its loop.
class QueueDelayGate {
  public:
    explicit QueueDelayGate(const QueueDelay& options) : options_(options) {}
    void measured(SteadyTime now, std::chrono::microseconds waited);
    [[nodiscard]] bool refuses(AdmissionClass admission) const;
    [[nodiscard]] bool overloaded() const { return overloaded_; }
    [[nodiscard]] std::chrono::microseconds last() const { return last_; }

  private:
    QueueDelay options_;
    std::chrono::microseconds last_{0};
    std::chrono::microseconds shortest_ = std::chrono::microseconds::max();
    std::chrono::microseconds longest_{0};
    SteadyTime interval_began_{};
    bool overloaded_ = false;
};

// One peer's rate as one number: the moment at which its savings would be full again (generic cell rate algorithm).
// Thread-safe, lock-free.
class RateBucket {
  public:
    // Zero: admitted. Otherwise how long until the next request would be.
    [[nodiscard]] std::chrono::nanoseconds take(SteadyTime now, const RateLimit& limit);
    [[nodiscard]] bool full(SteadyTime now) const { return full_at_.load(std::memory_order_relaxed) <= ticks(now); }

  private:
    static std::int64_t ticks(SteadyTime at) {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
    }
    std::atomic<std::int64_t> full_at_ = 0;
};

// The buckets of all peers, asked once per connection. A bucket is kept until it is full again, so that a new
// connection does not bring new savings. Thread-safe.
class RateTable {
  public:
    explicit RateTable(std::size_t peers_max = rate_peers_max) : peers_max_(peers_max) {}
    [[nodiscard]] std::shared_ptr<RateBucket> bucket(const std::string& peer, SteadyTime now);
    [[nodiscard]] std::size_t size() const;

  private:
    void forget_full(SteadyTime now);

    mutable std::mutex mutex_;
    std::size_t peers_max_;
    SteadyTime swept_{};
    std::unordered_map<std::string, std::shared_ptr<RateBucket>> buckets_;
    std::shared_ptr<RateBucket> common_ = std::make_shared<RateBucket>();
};

// Connections per address. Thread-safe.
class AddressTable {
  public:
    explicit AddressTable(std::size_t per_address_max) : per_address_max_(per_address_max) {}
    [[nodiscard]] bool enter(const std::string& address);
    void leave(const std::string& address);

  private:
    std::mutex mutex_;
    std::size_t per_address_max_;
    std::unordered_map<std::string, std::size_t> open_;
};

// When those who were refused may come back: each gets a place in a row that moves at `per_second`, so that turning
// people away again does not eat up the time for those who are served. Belongs to its loop.
class ReturnPlan {
  public:
    ReturnPlan(std::uint32_t per_second, std::chrono::milliseconds wait_max)
        : per_second_(per_second), wait_max_(wait_max) {}
    // `wanted`: what the next one would be told if it were alone. A row that is longer than `wait_max` is not made
    // longer: its end is shared, from half of `wait_max` on, by `share` (0 … 1).
    [[nodiscard]] std::chrono::milliseconds next(SteadyTime now, std::chrono::milliseconds wanted, double share);

  private:
    std::uint32_t per_second_;
    std::chrono::milliseconds wait_max_;
    SteadyTime free_at_{};
};

// So many per second, no savings beyond a tenth of a second. Belongs to its loop.
class Pace {
  public:
    explicit Pace(std::uint32_t per_second) : per_second_(per_second) {}
    // When the next one may begin; `now` or earlier: at once.
    [[nodiscard]] SteadyTime next(SteadyTime now);

  private:
    std::uint32_t per_second_;
    SteadyTime free_at_{};
};

}  // namespace onshi::http
