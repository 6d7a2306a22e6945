#include "platform/sql/store_compact.h"

#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>

#include <fmt/format.h>
#include <sqlite3.h>

#include "platform/sql/postgres_connection.h"
#include "platform/sql/sqlite_connection.h"

namespace onshi::sql {

namespace {

namespace fs = std::filesystem;

// Steps of SQLite's machine between two looks at how far it is.
constexpr int steps_per_look = 200'000;
// Of PostgreSQL; a store of a whole nation takes half an hour.
constexpr std::chrono::hours postgres_time{6};

Result<void> sync(const fs::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail(ErrorCode::store_unavailable, "compact: a file cannot be opened");
    const bool synced = ::fsync(file) == 0;
    ::close(file);
    if (!synced) return fail(ErrorCode::store_unavailable, "compact: a file cannot be synced");
    return {};
}

struct Look {
    const CompactProgress& progress;
    Store store;
    fs::path target;
    std::uint64_t bytes;
};

int look(void* context) {
    const auto& at = *static_cast<const Look*>(context);
    std::error_code error;
    const auto written = fs::file_size(at.target, error);
    if (!error && at.progress) at.progress(to_string(at.store), written, at.bytes);
    return 0;
}

Result<void> compact_sqlite(const SqliteOptions& options, Store store, const CompactProgress& progress) {
    const fs::path file = fs::path(options.folder) / fmt::format("{}.db", to_string(store));
    const fs::path target = file.string() + ".compact";
    std::error_code error;
    const auto bytes = fs::file_size(file, error);
    if (error) return fail(ErrorCode::store_unavailable, fmt::format("{} does not exist", file.string()));
    auto connection = SqliteConnection::open(file, SqliteConnection::Access::read_write, options.vfs);
    if (!connection) return fail(std::move(connection));
    // Whoever else has the file open keeps it from leaving its log mode; afterwards nobody else can open it.
    auto mine =
        (*connection)->run("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE; COMMIT");
    const auto mode = (*connection)->read_integer("SELECT journal_mode = 'delete' FROM pragma_journal_mode");
    if (!mine || !mode || *mode != 1) {
        return fail(ErrorCode::store_unavailable, "compact: the store is in use; stop its hub first");
    }
    // What a run that was cut short left.
    fs::remove(target, error);
    Look at{progress, store, target, bytes};
    sqlite3_progress_handler((*connection)->handle(), steps_per_look, look, &at);
    auto written = (*connection)->run(fmt::format("VACUUM INTO '{}'", target.string()).c_str());
    sqlite3_progress_handler((*connection)->handle(), 0, nullptr, nullptr);
    if (written) written = sync(target);
    if (!written) {
        fs::remove(target, error);
        return written;
    }
    // The locks on the old file hold until it has gone.
    fs::rename(target, file, error);
    if (error) return fail(ErrorCode::store_unavailable, "compact: the new file cannot take its place");
    return sync(fs::path(options.folder));
}

Result<void> compact_postgres(const PostgresOptions& options, Store store) {
    auto connection = PostgresConnection::open(options, write_use(store), Deadline::in(options.connect_timeout));
    if (!connection) return fail(std::move(connection));
    const Deadline deadline = Deadline::in(postgres_time);
    auto ready = (*connection)->run("SET statement_timeout = 0", deadline);
    if (!ready) return fail(std::move(ready));
    auto tables =
        (*connection)
            ->run(fmt::format("SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables "
                              "WHERE schemaname = '{}' ORDER BY tablename",
                              to_string(store))
                      .c_str(),
                  deadline);
    if (!tables) return fail(std::move(tables));
    for (int i = 0; i < PQntuples(tables->get()); ++i) {
        auto done =
            (*connection)
                ->run(fmt::format("VACUUM (FULL, ANALYZE) {}", PQgetvalue(tables->get(), i, 0)).c_str(), deadline);
        if (!done) return fail(std::move(done));
    }
    return {};
}

}  // namespace

Result<void> compact(const StoreOptions& options, Store store, const CompactProgress& progress) {
    if (const auto* embedded = std::get_if<SqliteOptions>(&options)) return compact_sqlite(*embedded, store, progress);
    return compact_postgres(std::get<PostgresOptions>(options), store);
}

}  // namespace onshi::sql
