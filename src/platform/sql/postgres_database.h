#pragma once

// Inside this folder only: what stores.h dispatches to for PostgreSQL.
#include "platform/sql/stores.h"

namespace onshi::sql {

// config.malformed when libpq does not read it, or when it holds a password.
[[nodiscard]] Result<void> check_postgres_address(const std::string& address);

[[nodiscard]] Result<void> migrate_postgres(const PostgresOptions& options, std::span<const Migration> migrations);
[[nodiscard]] Result<std::unique_ptr<Database>> open_postgres(const PostgresOptions& options,
                                                              std::span<const Migration> migrations,
                                                              Sequencer& registry_sequencer,
                                                              Sequencer& ledger_sequencer);
[[nodiscard]] Result<std::unique_ptr<BulkWriter>> open_postgres_bulk_writer(const PostgresOptions& options,
                                                                            Store store);
[[nodiscard]] Result<std::vector<TableSize>> postgres_table_sizes(const PostgresOptions& options, Store store);

}  // namespace onshi::sql
