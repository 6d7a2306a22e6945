#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"
#include "base/task.h"
#include "exchange/capsule/capsule.h"
#include "terminal/hub_link.h"
#include "terminal/local_store.h"

// What this terminal verifies capsules with while the hub is away (design §9.11).
namespace onshi::terminal {

inline constexpr std::chrono::minutes trust_every{10};
inline constexpr std::chrono::seconds trust_retry{30};

// The list that was kept last; nullopt before the first one. Errors: those of the store; file.malformed.
[[nodiscard]] Task<Result<std::optional<capsule::Trust>>> held_trust(LocalStore& store);
// Asks the hub and keeps its list unless it is older than the one that is held. Errors: those of hub and store;
// file.malformed, signature.invalid.
[[nodiscard]] Task<Result<void>> refresh_trust(HubLink& hub, LocalStore& store, Instant now, Deadline deadline);

}  // namespace onshi::terminal
