#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

#include "platform/sql/limits.h"

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

// One PostgreSQL database (15 or newer) with both stores as schemas, `registry` and `ledger`.
struct PostgresOptions {
    // libpq's form, `postgresql://…` or `host=… dbname=…`; several hosts with target_session_attrs=read-write follow a
    // fail-over. Passwords come from a passfile, never from here.
    std::string address;
    CommitLimits commit;
    std::chrono::milliseconds connect_timeout{2000};
    // The longest any statement may run or wait for another's lock; also how long a silent server is believed in.
    std::chrono::milliseconds statement_timeout{5000};
    // The first pause after a failed attempt to connect; doubles up to `reconnect_max`, each drawn from half to whole.
    std::chrono::milliseconds reconnect_first{20};
    std::chrono::milliseconds reconnect_max{500};
    std::string session_name = "onshi";  // what the server's own lists show
};

// Which engine holds the stores of a hub, and where.
using StoreOptions = std::variant<SqliteOptions, PostgresOptions>;

// What people may read of it: the folder, or "postgresql".
[[nodiscard]] std::string describe(const StoreOptions& options);

}  // namespace onshi::sql
