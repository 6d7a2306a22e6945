#pragma once

#include <sched.h>

#include "base/result.h"

namespace onshi::bench {

// Of a child: where the caller may run.
inline constexpr int any_cpu = -1;

// Keeps the calling thread on one core until it goes; then the thread may run where it could before. Destroy it on the
// thread that made it. Movable.
class CpuPin {
  public:
    // `bench.machine` when there is no such core for us.
    [[nodiscard]] static Result<CpuPin> to(int cpu);
    CpuPin(CpuPin&& other) noexcept;
    CpuPin& operator=(CpuPin&&) = delete;
    ~CpuPin();

  private:
    explicit CpuPin(const cpu_set_t& before) : before_(before) {}
    cpu_set_t before_;
    bool active_ = true;
};

}  // namespace onshi::bench
