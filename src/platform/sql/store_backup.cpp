#include "platform/sql/store_backup.h"

#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <unistd.h>

#include <fmt/format.h>
#include <sqlite3.h>

#include "platform/sql/sqlite_connection.h"

namespace onshi::sql {

namespace {

namespace fs = std::filesystem;

constexpr int pages_per_step = 4096;

std::string file_of(const std::string& folder, Store store) {
    return fs::path(folder) / fmt::format("{}.db", to_string(store));
}

Result<void> sync(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail(ErrorCode::store_unavailable, "backup: a file cannot be opened");
    const bool synced = ::fsync(file) == 0;
    ::close(file);
    if (!synced) return fail(ErrorCode::store_unavailable, "backup: a file cannot be synced");
    return {};
}

using Connection = std::unique_ptr<SqliteConnection>;

Result<Connection> open_existing(const SqliteOptions& options, Store store, SqliteConnection::Access access) {
    std::error_code error;
    if (!fs::is_regular_file(file_of(options.folder, store), error)) {
        return fail(ErrorCode::store_unavailable, fmt::format("{} does not exist", file_of(options.folder, store)));
    }
    auto connection = SqliteConnection::open(file_of(options.folder, store), access, options.vfs);
    if (connection) {
        sqlite3_busy_timeout((*connection)->handle(), static_cast<int>(options.busy_timeout.count()));
    }
    return connection;
}

// Both stores as they were while nobody could write to either.
struct Snapshots {
    Connection registry;
    Connection ledger;
};

Result<Snapshots> take_snapshots(const SqliteOptions& options) {
    const auto access = SqliteConnection::Access::read_write;
    auto registry_lock = open_existing(options, Store::registry, access);
    auto ledger_lock = open_existing(options, Store::ledger, access);
    auto registry = open_existing(options, Store::registry, SqliteConnection::Access::read_only);
    auto ledger = open_existing(options, Store::ledger, SqliteConnection::Access::read_only);
    for (const auto* connection : {&registry_lock, &ledger_lock, &registry, &ledger}) {
        if (!*connection) return fail(connection->error().code, connection->error().detail);
    }
    auto done = (*ledger_lock)->run("BEGIN IMMEDIATE");
    if (done) done = (*registry_lock)->run("BEGIN IMMEDIATE");
    // A snapshot begins with its first read.
    for (const auto& connection : {registry->get(), ledger->get()}) {
        if (done) done = connection->run("BEGIN; SELECT count(*) FROM sqlite_schema;");
    }
    // The locks end with their connections.
    if (!done) return fail(std::move(done));
    return Snapshots{std::move(*registry), std::move(*ledger)};
}

Result<void> copy_pages(SqliteConnection& from, Store store, const std::string& path, const BackupProgress& progress) {
    auto target = SqliteConnection::open(path, SqliteConnection::Access::read_write, "");
    if (!target) return fail(std::move(target));
    sqlite3_backup* backup = sqlite3_backup_init((*target)->handle(), "main", from.handle(), "main");
    if (backup == nullptr) return fail(ErrorCode::store_unavailable, "backup: it cannot be begun");
    int code = SQLITE_OK;
    while (code == SQLITE_OK) {
        code = sqlite3_backup_step(backup, pages_per_step);
        const auto pages = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup));
        if (progress) {
            progress(to_string(store), pages - static_cast<std::uint64_t>(sqlite3_backup_remaining(backup)), pages);
        }
    }
    const int finished = sqlite3_backup_finish(backup);
    if (code == SQLITE_FULL) return fail(ErrorCode::store_full, "backup");
    if (code != SQLITE_DONE || finished != SQLITE_OK) {
        return fail(ErrorCode::store_unavailable, fmt::format("backup: SQLite ended with {}", code));
    }
    target->reset();
    return sync(path);
}

Result<void> check_pages(const std::string& folder, Store store) {
    SqliteOptions options;
    options.folder = folder;
    auto connection = open_existing(options, store, SqliteConnection::Access::read_only);
    if (!connection) return fail(std::move(connection));
    auto found =
        (*connection)->read_integer("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
    if (!found) return fail(std::move(found));
    if (*found != 0) return fail(ErrorCode::store_corrupt, fmt::format("backup: {}", to_string(store)));
    return {};
}

}  // namespace

Result<void> back_up_sqlite(const SqliteOptions& from, const std::string& folder, const BackupProgress& progress) {
    auto snapshots = take_snapshots(from);
    if (!snapshots) return fail(std::move(snapshots));
    auto done = copy_pages(*snapshots->registry, Store::registry, file_of(folder, Store::registry), progress);
    if (done) done = copy_pages(*snapshots->ledger, Store::ledger, file_of(folder, Store::ledger), progress);
    if (done) done = sync(folder);
    return done;
}

Result<void> restore_sqlite(const std::string& folder, const SqliteOptions& to) {
    std::error_code error;
    fs::create_directories(to.folder, error);
    if (error) return fail(ErrorCode::store_unavailable, "the folder cannot be made: " + error.message());
    for (const Store store : {Store::registry, Store::ledger}) {
        if (fs::exists(file_of(to.folder, store), error)) return fail(ErrorCode::store_not_empty, to.folder);
        auto sound = check_pages(folder, store);
        if (!sound) return sound;
    }
    for (const Store store : {Store::registry, Store::ledger}) {
        fs::copy_file(file_of(folder, store), file_of(to.folder, store), error);
        if (error) return fail(ErrorCode::store_unavailable, "a file cannot be put back: " + error.message());
        auto synced = sync(file_of(to.folder, store));
        if (!synced) return synced;
    }
    return sync(to.folder);
}

}  // namespace onshi::sql
