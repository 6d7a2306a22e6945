#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "platform/sql/database.h"
#include "platform/sql/limits.h"
#include "platform/sql/migrations.h"
#include "platform/sql/sequencer.h"

namespace onshi::sql {

// Where read batches run: on the calling event loop while they are fast, or always on the reader threads (a store on a
// slow disk).
enum class Reads : std::uint8_t { adaptive, on_reader_threads };

struct SqliteOptions {
    std::string folder;  // registry.db and ledger.db lie here
    std::string vfs;     // empty: the system's; tests inject disk faults through one of their own
    CommitLimits commit;
    std::chrono::milliseconds busy_timeout{2000};  // how long a commit waits for another program's lock
    Reads reads = Reads::adaptive;
    std::int64_t mmap_bytes = std::int64_t{2} << 30U;  // per file; Debian's build caps it there
    std::int64_t cache_kib = 4096;                     // per connection: hot pages come through mmap
};

// Creates the files that are missing and brings both stores to the newest version, one transaction per migration. Each
// migration asserts its start version, so that two programs that start together apply it once. Not while a hub runs.
[[nodiscard]] Result<void> migrate(const SqliteOptions& options, std::span<const Migration> migrations);

// Opens both stores. The sequencers are claimed before this returns; they outlive the database. Fails with
// store.version when the schema is not at exactly the version of `migrations`.
[[nodiscard]] Result<std::unique_ptr<Database>> open_sqlite(const SqliteOptions& options,
                                                            std::span<const Migration> migrations,
                                                            Sequencer& registry_sequencer, Sequencer& ledger_sequencer);

// Bulk writes for loading and intake: one connection, no committer, one transaction until `commit`. The store's hub
// must not run. Not thread-safe.
class BulkWriter {
  public:
    [[nodiscard]] static Result<std::unique_ptr<BulkWriter>> open(const SqliteOptions& options, Store store);
    virtual ~BulkWriter() = default;
    [[nodiscard]] virtual Result<void> execute(const Statement& statement, const ParameterBuffer& parameters) = 0;
    [[nodiscard]] virtual Result<void> commit() = 0;
};

// Bytes on disk of one store, and of each of its tables (with its indexes).
struct TableSize {
    std::string table;
    std::int64_t bytes;
};
[[nodiscard]] Result<std::vector<TableSize>> table_sizes(const SqliteOptions& options, Store store);

}  // namespace onshi::sql
