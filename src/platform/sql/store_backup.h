#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/sql/store_options.h"

namespace onshi::sql {

using BackupProgress = std::function<void(std::string_view store, std::uint64_t pages_done, std::uint64_t pages)>;

// Copies both stores' files as they are at one instant into `folder`, beside a working hub: its writes wait for some
// milliseconds, then go on. Durable when it returns. Errors: store.unavailable (a lock was not had within the busy
// timeout, a file cannot be written), store.full.
[[nodiscard]] Result<void> back_up_sqlite(const SqliteOptions& from, const std::string& folder,
                                          const BackupProgress& progress);

// Puts such files into `to.folder`, which is made and must hold no stores (store.not_empty), after SQLite itself has
// looked at every page of them (store.corrupt).
[[nodiscard]] Result<void> restore_sqlite(const std::string& folder, const SqliteOptions& to);

}  // namespace onshi::sql
