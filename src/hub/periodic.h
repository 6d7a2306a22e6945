#pragma once

// Inside this folder only: what a hub does by itself.

#include <functional>

#include "hub/parts.h"

namespace onshi::hub {

inline constexpr std::chrono::seconds refresh_every{4};
inline constexpr std::chrono::seconds housekeeping_every{5};

// Reads what is cached (insurers, status sources) anew. Also once before the hub listens.
[[nodiscard]] Task<Result<void>> refresh(const Context& context);

// Until the alarm rings: refresh, seal the chain, end open intents, forget what guarded against repeats, record
// steps of the clock, publish what changes by itself.
// `on_fenced` is called, and the work ends, when another process has claimed this hub's lane.
[[nodiscard]] Task<void> run_periodic(const Context& context, audit::Sealer& sealer, Alarm& alarm,
                                      std::function<void()> on_fenced);

}  // namespace onshi::hub
