#pragma once

// Inside this folder only: what stores.h dispatches to for SQLite.
#include "platform/sql/stores.h"

namespace onshi::sql {

[[nodiscard]] Result<void> migrate_sqlite(const SqliteOptions& options, std::span<const Migration> migrations);
[[nodiscard]] Result<std::unique_ptr<Database>> open_sqlite(const SqliteOptions& options,
                                                            std::span<const Migration> migrations,
                                                            Sequencer& registry_sequencer, Sequencer& ledger_sequencer);
[[nodiscard]] Result<std::unique_ptr<BulkWriter>> open_sqlite_bulk_writer(const SqliteOptions& options, Store store);
[[nodiscard]] Result<std::vector<TableSize>> sqlite_table_sizes(const SqliteOptions& options, Store store);

}  // namespace onshi::sql
