#include "platform/http/admission.h"

#include <algorithm>

namespace onshi::http {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

void InFlight::Slot::release() noexcept {
    InFlight* owner = std::exchange(owner_, nullptr);
    if (owner == nullptr || admission_ == AdmissionClass::exempt) return;
    owner->by_class_[static_cast<std::size_t>(admission_)].fetch_sub(1, std::memory_order_relaxed);
    owner->total_.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<InFlight::Slot> InFlight::enter(AdmissionClass admission) {
    if (admission == AdmissionClass::exempt) return Slot(this, admission);
    const auto index = static_cast<std::size_t>(admission);
    const bool room = total_.fetch_add(1, std::memory_order_relaxed) < total_max_;
    const bool class_room = by_class_[index].fetch_add(1, std::memory_order_relaxed) < class_max_[index];
    Slot slot(this, admission);
    if (!room || !class_room) return std::nullopt;
    return slot;
}

std::size_t InFlight::count(AdmissionClass admission) const {
    if (admission == AdmissionClass::exempt) return 0;
    return by_class_[static_cast<std::size_t>(admission)].load(std::memory_order_relaxed);
}

void QueueDelayGate::measured(SteadyTime now, microseconds waited) {
    last_ = waited;
    shortest_ = std::min(shortest_, waited);
    longest_ = std::max(longest_, waited);
    if (now - interval_began_ < options_.interval) return;
    if (!overloaded_ && shortest_ > options_.target) overloaded_ = true;
    if (overloaded_ && longest_ < options_.target) overloaded_ = false;
    interval_began_ = now;
    shortest_ = microseconds::max();
    longest_ = microseconds{0};
}

bool QueueDelayGate::refuses(AdmissionClass admission) const {
    if (admission == AdmissionClass::exempt) return false;
    if (last_ > options_.delay_max) return true;
    if (!overloaded_) return false;
    switch (admission) {
        case AdmissionClass::urgent: return last_ > 2 * options_.target;
        case AdmissionClass::normal: return last_ > options_.target;
        case AdmissionClass::bulk: return last_ > options_.target / 2;
        case AdmissionClass::exempt: return false;
    }
    return false;
}

nanoseconds RateBucket::take(SteadyTime now, const RateLimit& limit) {
    const auto step = static_cast<std::int64_t>(1e9 / limit.per_second);
    const auto savings = static_cast<std::int64_t>(1e9 / limit.per_second * limit.burst);
    std::int64_t full_at = full_at_.load(std::memory_order_relaxed);
    for (;;) {
        const std::int64_t after = std::max(full_at, ticks(now)) + step;
        if (after - ticks(now) > savings) return nanoseconds(after - ticks(now) - savings);
        if (full_at_.compare_exchange_weak(full_at, after, std::memory_order_relaxed)) return nanoseconds(0);
    }
}

std::shared_ptr<RateBucket> RateTable::bucket(const std::string& peer, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    if (const auto known = buckets_.find(peer); known != buckets_.end()) return known->second;
    if (buckets_.size() >= peers_max_) forget_full(now);
    if (buckets_.size() >= peers_max_) return common_;
    return buckets_.emplace(peer, std::make_shared<RateBucket>()).first->second;
}

void RateTable::forget_full(SteadyTime now) {
    // The sweep costs some milliseconds, so a flood of new peers must not cause one each.
    if (now - swept_ < std::chrono::seconds(1)) return;
    swept_ = now;
    std::erase_if(buckets_,
                  [now](const auto& entry) { return entry.second.use_count() == 1 && entry.second->full(now); });
}

std::size_t RateTable::size() const {
    const std::scoped_lock lock(mutex_);
    return buckets_.size();
}

bool AddressTable::enter(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    std::size_t& open = open_[address];
    if (open >= per_address_max_) return false;
    ++open;
    return true;
}

void AddressTable::leave(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    const auto found = open_.find(address);
    if (found != open_.end() && --found->second == 0) open_.erase(found);
}

std::chrono::milliseconds ReturnPlan::next(SteadyTime now, std::chrono::milliseconds wanted, double share) {
    free_at_ = std::max(free_at_, now);
    const auto row = std::chrono::ceil<std::chrono::milliseconds>(free_at_ - now);
    if (row > wait_max_) {
        const auto half = static_cast<double>(wait_max_.count()) / 2;
        return std::max(wanted, std::chrono::milliseconds(static_cast<std::int64_t>(half + half * share)));
    }
    free_at_ += nanoseconds(1'000'000'000 / std::max<std::uint32_t>(per_second_, 1));
    return std::max(wanted, row);
}

SteadyTime Pace::next(SteadyTime now) {
    const auto step = nanoseconds(1'000'000'000 / std::max<std::uint32_t>(per_second_, 1));
    free_at_ = std::max(free_at_, now - std::chrono::milliseconds(100));
    const SteadyTime at = free_at_;
    free_at_ += step;
    return at;
}

}  // namespace onshi::http
