#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "platform/sql/stores.h"

namespace onshi::sql {

using CompactProgress = std::function<void(std::string_view store, std::uint64_t bytes_done, std::uint64_t bytes)>;

// Writes one store anew without the room that a long life left between its rows: 8 to 12 % after a load and an intake.
// Takes as much free room again while it works. The embedded store is taken for itself (store.unavailable while a hub
// runs on it) and replaced in one step, so a power cut leaves the old one or the new one; PostgreSQL locks one table
// after the other, and hubs wait for it. store.full.
[[nodiscard]] Result<void> compact(const StoreOptions& options, Store store, const CompactProgress& progress);

}  // namespace onshi::sql
