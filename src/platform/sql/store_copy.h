#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/sql/migrations.h"
#include "platform/sql/store_options.h"

namespace onshi::sql {

struct CopiedTable {
    Store store;
    std::string table;
    std::uint64_t rows;
};

enum class CopyStage : std::uint8_t { copying, comparing };
using CopyProgress =
    std::function<void(CopyStage stage, std::string_view table, std::uint64_t done, std::uint64_t total)>;

// Brings both stores to another place and engine, then reads every row of both sides again and compares. No hub may
// write to `from` meanwhile; none can open `to` before the copy is complete. `to` is new, empty, or holds a copy that
// was cut short, which goes on behind the last row that arrived. What comes out is durable.
// Errors: store.version (`from` is not at the version of `migrations`), store.not_empty (`to` holds something else),
// store.copy_differs (the sides differ: `from` was changed meanwhile; empty `to` and copy again), those of the stores.
// Blocks; one thread at a time in a program.
[[nodiscard]] Result<std::vector<CopiedTable>> copy_stores(const StoreOptions& from, const StoreOptions& to,
                                                           std::span<const Migration> migrations,
                                                           const CopyProgress& progress);

}  // namespace onshi::sql
