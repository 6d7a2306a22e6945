#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/sql/database.h"
#include "platform/sql/migrations.h"
#include "platform/sql/sequencer.h"
#include "platform/sql/store_options.h"

namespace onshi::sql {

// What nobody but this folder does differently per engine: make, open, load and measure the stores.

// What the setting `store` says: a folder (also `sqlite:FOLDER`) or `postgresql://…`. config.malformed: another scheme,
// an address that libpq does not read, or one with a password (it would stand in configuration and process lists; a
// passfile holds it).
[[nodiscard]] Result<StoreOptions> parse_store(std::string_view text);

// Makes what is missing and brings both stores to the newest version, one transaction per migration. Each migration
// asserts its start version, so that two programs that start together apply it once. SQLite: not while a hub runs.
[[nodiscard]] Result<void> migrate(const StoreOptions& options, std::span<const Migration> migrations);

// Opens both stores. The sequencers are claimed before this returns; they outlive the database. Fails with
// store.version when the schema is not at exactly the version of `migrations`.
[[nodiscard]] Result<std::unique_ptr<Database>> open_database(const StoreOptions& options,
                                                              std::span<const Migration> migrations,
                                                              Sequencer& registry_sequencer,
                                                              Sequencer& ledger_sequencer);

// Bulk writes for loading and intake: one connection, no committer, one transaction until `commit`. With SQLite the
// store's hub must not run. A load that is cut short by a power cut is
// repeated, unless it was made durable. Not
// thread-safe.
class BulkWriter {
  public:
    [[nodiscard]] static Result<std::unique_ptr<BulkWriter>> open(const StoreOptions& options, Store store);
    virtual ~BulkWriter() = default;
    // May be written later, but before the commit, which then fails with what went wrong.
    [[nodiscard]] virtual Result<void> execute(const Statement& statement, const ParameterBuffer& parameters) = 0;
    [[nodiscard]] virtual Result<void> commit() = 0;
    // After the last commit: what was written survives a power cut.
    [[nodiscard]] virtual Result<void> make_durable() = 0;
};

// Bytes on disk of each table of one store (with its indexes), the largest first.
struct TableSize {
    std::string table;
    std::int64_t bytes;
};
[[nodiscard]] Result<std::vector<TableSize>> table_sizes(const StoreOptions& options, Store store);

}  // namespace onshi::sql
