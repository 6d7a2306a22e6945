#include "bench/cpu_pin.h"

#include <utility>

#include <fmt/format.h>

namespace onshi::bench {

Result<CpuPin> CpuPin::to(int cpu) {
    cpu_set_t before;
    cpu_set_t wanted;
    CPU_ZERO(&wanted);
    if (cpu < 0 || cpu >= CPU_SETSIZE) return fail(ErrorCode::bench_machine, fmt::format("no core {}", cpu));
    CPU_SET(static_cast<unsigned>(cpu), &wanted);
    if (::sched_getaffinity(0, sizeof before, &before) != 0 || ::sched_setaffinity(0, sizeof wanted, &wanted) != 0) {
        return fail(ErrorCode::bench_machine, fmt::format("cannot stay on core {}", cpu));
    }
    return CpuPin(before);
}

CpuPin::CpuPin(CpuPin&& other) noexcept : before_(other.before_), active_(std::exchange(other.active_, false)) {}

CpuPin::~CpuPin() {
    // Fails only when the cores of before were taken away from us meanwhile; then there is nothing to go back to.
    if (active_) ::sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace onshi::bench
