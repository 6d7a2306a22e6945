#include "platform/sql/sqlite_database.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "base/ensure.h"
#include "platform/sql/committer.h"
#include "platform/sql/read_turns.h"
#include "platform/sql/sqlite_commit_engine.h"
#include "platform/sql/sqlite_connection.h"

namespace onshi::sql {

namespace asio = boost::asio;

namespace {

std::string file_of(const SqliteOptions& options, Store store) {
    return fmt::format("{}/{}.db", options.folder, to_string(store));
}

// Called once, before the first connection: without per-allocation statistics SQLite takes no global lock in malloc.
void configure_library_once() {
    static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    static_cast<void>(configured);
}

Result<std::unique_ptr<SqliteConnection>> open_writer(const SqliteOptions& options, Store store) {
    configure_library_once();
    auto connection =
        SqliteConnection::open(file_of(options, store), SqliteConnection::Access::read_write, options.vfs);
    if (!connection) return connection;
    // page_size counts for a new file only; automatic checkpoints are off because a thread of their own does them.
    const std::string pragmas = fmt::format(
        "PRAGMA page_size={}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
        "PRAGMA foreign_keys=ON; PRAGMA cache_size=-{}; PRAGMA mmap_size={};",
        store == Store::registry ? registry_page_bytes : ledger_page_bytes, options.cache_kib, options.mmap_bytes);
    auto set = (*connection)->run(pragmas.c_str());
    if (!set) return fail(std::move(set));
    return connection;
}

Result<std::unique_ptr<SqliteConnection>> open_reader(const SqliteOptions& options) {
    configure_library_once();
    auto connection =
        SqliteConnection::open(file_of(options, Store::registry), SqliteConnection::Access::read_only, options.vfs);
    if (!connection) return connection;
    auto attached = (*connection)->attach(file_of(options, Store::ledger), "ledger");
    if (!attached) return fail(std::move(attached));
    // Not the ledger: SQLite drops a mapping whenever another connection has committed, and that one changes all the
    // time.
    const std::string pragmas = fmt::format(
        "PRAGMA main.cache_size=-{0}; PRAGMA ledger.cache_size=-{0}; PRAGMA main.mmap_size={1};"
        "PRAGMA ledger.mmap_size=0; PRAGMA query_only=ON;",
        options.cache_kib, options.mmap_bytes);
    auto set = (*connection)->run(pragmas.c_str());
    if (!set) return fail(std::move(set));
    return connection;
}

constexpr const char* version_table =
    "CREATE TABLE IF NOT EXISTS schema_version (slice TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL) STRICT";

Result<int> version_of(SqliteConnection& connection, std::string_view slice) {
    const auto sql = fmt::format("SELECT coalesce(max(version), 0) FROM schema_version WHERE slice = '{}'", slice);
    auto version = connection.read_integer(sql.c_str());
    if (!version) return fail(std::move(version));
    return static_cast<int>(*version);
}

Result<void> apply_migration(SqliteConnection& connection, const Migration& migration) {
    auto begun = connection.run("BEGIN IMMEDIATE");
    if (!begun) return begun;
    auto version = version_of(connection, migration.slice);
    if (!version) return fail(std::move(version));
    if (*version >= migration.to) return connection.run("COMMIT");  // another program was first
    if (*version != migration.to - 1) {
        return fail(ErrorCode::store_version, fmt::format("{} is at version {}, {} starts from {}", migration.slice,
                                                          *version, migration.name, migration.to - 1));
    }
    auto ddl = sqlite_ddl(migration);
    if (!ddl) return fail(std::move(ddl));
    auto applied = connection.run(ddl->c_str());
    if (!applied) return applied;
    const auto note = fmt::format(
        "INSERT INTO schema_version (slice, version) VALUES ('{0}', {1}) ON CONFLICT (slice) DO UPDATE SET version = "
        "{1}",
        migration.slice, migration.to);
    auto noted = connection.run(note.c_str());
    if (!noted) return noted;
    return connection.run("COMMIT");
}

Result<void> assert_versions(SqliteConnection& connection, std::span<const Migration> migrations, Store store) {
    auto table = connection.run(version_table);
    if (!table) return table;
    return check_versions(migrations, store, [&](std::string_view slice) { return version_of(connection, slice); });
}

// Copies the write-ahead log back while the committer goes on. A steady writer never lets a passive checkpoint finish,
// so the committer is asked to end it with a restart when nearly all is copied; else the log grows without bound.
class Checkpointer {
  public:
    explicit Checkpointer(std::unique_ptr<SqliteConnection> connection) : connection_(std::move(connection)) {}
    ~Checkpointer() { stop(); }
    void start(SqliteCommitEngine& engine) {
        engine_ = &engine;
        thread_ = std::thread([this] { run(); });
    }
    void stop() {
        {
            const std::scoped_lock lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        if (thread_.joinable()) thread_.join();
    }
    void log_grew(int pages) {
        if (pages < wal_pages_checkpoint || wanted_.exchange(true, std::memory_order_relaxed)) return;
        wake_.notify_one();
    }

  private:
    void run() {
        // Copying is work for many; whoever waits for an answer goes first.
        setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), checkpoint_niceness);
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            wake_.wait_for(lock, std::chrono::milliseconds(200),
                           [this] { return stopping_ || wanted_.load(std::memory_order_relaxed); });
            if (stopping_ || !wanted_.load(std::memory_order_relaxed)) continue;
            lock.unlock();
            copy();
            engine_->count_checkpoint();
            engine_->request_log_restart();
            wanted_.store(false, std::memory_order_relaxed);
            lock.lock();
        }
    }
    // A second round copies what was committed during the first, so that the committer finds little left to do.
    void copy() {
        int before = 0;
        for (int round = 0; round < checkpoint_rounds_max; ++round) {
            int copied = 0;
            sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, &copied);
            if (copied - before <= checkpoint_rest_pages) return;
            before = copied;
        }
    }
    std::unique_ptr<SqliteConnection> connection_;
    SqliteCommitEngine* engine_ = nullptr;
    std::atomic<bool> wanted_{false};
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    std::thread thread_;
};

// Everything that writes one store. Destroyed in the reverse order: committer, checkpointer, engine.
struct StoreWriter {
    std::unique_ptr<SqliteCommitEngine> engine;
    std::unique_ptr<Checkpointer> checkpointer;
    std::unique_ptr<Committer> committer;
};

Result<StoreWriter> open_store(const SqliteOptions& options, Store store, std::span<const Migration> migrations,
                               Sequencer& sequencer) {
    auto connection = open_writer(options, store);
    if (!connection) return fail(std::move(connection));
    auto current = assert_versions(**connection, migrations, store);
    if (!current) return fail(std::move(current));
    auto second = open_writer(options, store);
    if (!second) return fail(std::move(second));
    StoreWriter writer;
    writer.checkpointer = std::make_unique<Checkpointer>(std::move(*second));
    writer.engine = std::make_unique<SqliteCommitEngine>(
        std::move(*connection), sequencer, [c = writer.checkpointer.get()](int pages) { c->log_grew(pages); },
        options.busy_timeout);
    auto opened = writer.engine->open();
    if (!opened) return fail(std::move(opened));
    writer.checkpointer->start(*writer.engine);
    writer.committer = std::make_unique<Committer>(*writer.engine, options.commit);
    return writer;
}

class SqliteDatabase final : public Database {
  public:
    SqliteDatabase(SqliteOptions options, StoreWriter registry, StoreWriter ledger)
        : options_(std::move(options)),
          id_(next_id_.fetch_add(1)),
          registry_(std::move(registry)),
          ledger_(std::move(ledger)),
          turns_([this](std::span<ReadTurns::Item> items) { read_turn(items); }),
          readers_pool_(reader_threads) {}
    ~SqliteDatabase() override { close(); }

    Task<Result<void>> read(ReadBatch& batch, Deadline deadline) override {
        if (deadline.passed()) co_return fail(ErrorCode::deadline_passed, "before the read");
        if (options_.reads == Reads::on_reader_threads || now_ns() < cold_until_ns_.load(std::memory_order_relaxed)) {
            auto answered = co_await read_on_pool(batch, deadline);
            co_return answered;
        }
        auto answered = co_await turns_.read(batch, deadline);
        co_return answered;
    }

    Task<Result<CommitPosition>> commit(WriteSet set, Deadline deadline) override {
        return writer(set.store()).committer->commit(std::move(set), deadline);
    }

    void close() override {
        registry_.committer->close();
        ledger_.committer->close();
        readers_pool_.join();
    }

    StoreCounters counters(Store store) const override {
        const auto& of = store == Store::registry ? registry_ : ledger_;
        StoreCounters counters = of.engine->counters();
        counters.sets_waiting = of.committer->waiting();
        return counters;
    }

    ReadCounters read_counters() const override {
        ReadCounters counters;
        counters.batches = batches_.load(std::memory_order_relaxed);
        counters.cold_batches = cold_batches_.load(std::memory_order_relaxed);
        counters.pages_read = pages_read_.load(std::memory_order_relaxed);
        return counters;
    }

  private:
    static std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

    StoreWriter& writer(Store store) { return store == Store::registry ? registry_ : ledger_; }

    // The calling thread's own connection, opened at its first read.
    Result<SqliteConnection*> reader() {
        struct Mine {
            std::uint64_t database;
            SqliteConnection* connection;
        };
        thread_local std::vector<Mine> mine;
        for (const auto& one : mine) {
            if (one.database == id_) return one.connection;
        }
        auto opened = open_reader(options_);
        if (!opened) return fail(std::move(opened));
        SqliteConnection* connection = opened->get();
        {
            const std::scoped_lock lock(readers_mutex_);
            readers_.push_back(std::move(*opened));
        }
        mine.push_back({id_, connection});
        return connection;
    }

    // On a reader thread.
    Result<void> read_alone(ReadBatch& batch) {
        auto connection = reader();
        if (!connection) return fail(std::move(connection));
        const std::int64_t begun = now_ns();
        auto answered = (*connection)->read(batch);
        note_read(**connection, begun);
        return answered;
    }

    // On an event loop: all batches of a turn see one snapshot, which begins after each of them was asked for.
    void read_turn(std::span<ReadTurns::Item> items) {
        auto connection = reader();
        Result<void> begun;
        if (connection) begun = (*connection)->begin_snapshot();
        if (!connection || !begun) {
            const Error& error = connection ? begun.error() : connection.error();
            for (auto& item : items) item.outcome = tl::unexpected(error);
            return;
        }
        for (auto& item : items) {
            if (item.deadline.passed()) {
                item.outcome = fail(ErrorCode::deadline_passed, "before the read");
                continue;
            }
            const std::int64_t since = now_ns();
            item.outcome = (*connection)->read_in_snapshot(*item.batch);
            note_read(**connection, since);
        }
        (*connection)->end_snapshot();
    }

    void note_read(SqliteConnection& connection, std::int64_t begun) {
        const auto batches = batches_.fetch_add(1, std::memory_order_relaxed);
        // Asking SQLite for its count costs more than some reads.
        if (batches % pages_counted_every == 0) {
            pages_read_.fetch_add(connection.new_cache_misses(), std::memory_order_relaxed);
        }
        const std::int64_t ended = now_ns();
        if (ended - begun > std::chrono::nanoseconds(cold_read_threshold).count() && has_waited_for_disk()) {
            cold_until_ns_.store(ended + std::chrono::nanoseconds(cold_reads_pause).count(), std::memory_order_relaxed);
        }
    }

    // Whether this thread has waited for the disk since it was last asked. A read that was slow without that has only
    // lost its core for a moment, and another thread would wait for the same core.
    static bool has_waited_for_disk() {
        thread_local std::int64_t seen = 0;
        rusage usage{};
        getrusage(RUSAGE_THREAD, &usage);
        const std::int64_t waits = usage.ru_majflt + usage.ru_inblock;
        return std::exchange(seen, waits) != waits;
    }

    Task<Result<void>> read_on_pool(ReadBatch& batch, Deadline deadline) {
        if (reads_waiting_.fetch_add(1) >= reads_waiting_max) {
            reads_waiting_.fetch_sub(1);
            co_return fail(ErrorCode::overload_busy, "cold reads");
        }
        cold_batches_.fetch_add(1, std::memory_order_relaxed);
        auto initiate = [this, &batch, deadline](auto&& handler) {
            asio::post(readers_pool_, [this, &batch, deadline, h = std::forward<decltype(handler)>(handler)]() mutable {
                // Nobody waits for it any more: the disk is for those behind it.
                auto answered = deadline.passed() ? Result<void>(fail(ErrorCode::deadline_passed, "cold reads"))
                                                  : read_alone(batch);
                reads_waiting_.fetch_sub(1);
                auto executor = asio::get_associated_executor(h);
                asio::post(executor, [h = std::move(h), a = std::move(answered)]() mutable { h(std::move(a)); });
            });
        };
        co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(initiate,
                                                                                                   asio::use_awaitable);
    }

    static inline std::atomic<std::uint64_t> next_id_{1};
    const SqliteOptions options_;
    const std::uint64_t id_;
    StoreWriter registry_;
    StoreWriter ledger_;
    std::mutex readers_mutex_;
    std::vector<std::unique_ptr<SqliteConnection>> readers_;
    std::atomic<std::int64_t> cold_until_ns_{0};
    std::atomic<std::size_t> reads_waiting_{0};
    std::atomic<std::uint64_t> batches_{0};
    std::atomic<std::uint64_t> cold_batches_{0};
    std::atomic<std::uint64_t> pages_read_{0};
    ReadTurns turns_;
    asio::thread_pool readers_pool_;
};

class SqliteBulkWriter final : public BulkWriter {
  public:
    explicit SqliteBulkWriter(std::unique_ptr<SqliteConnection> connection) : connection_(std::move(connection)) {}
    Result<void> execute(const Statement& statement, const ParameterBuffer& parameters) override {
        if (!open_) {
            auto begun = connection_->run("BEGIN IMMEDIATE");
            if (!begun) return begun;
            open_ = true;
        }
        auto rows =
            connection_->execute({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, {});
        if (!rows) return fail(std::move(rows));
        return {};
    }
    Result<void> commit() override {
        if (!open_) return {};
        open_ = false;
        auto committed = connection_->run("COMMIT");
        if (!committed) return committed;
        return connection_->run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    Result<void> make_durable() override {
        const int file = ::open(sqlite3_db_filename(connection_->handle(), "main"), O_RDONLY | O_CLOEXEC);
        if (file < 0) return fail(ErrorCode::store_unavailable, "sqlite: the file cannot be synced");
        const bool synced = ::fsync(file) == 0;
        ::close(file);
        if (!synced) return fail(ErrorCode::store_unavailable, "sqlite: the file cannot be synced");
        return {};
    }

  private:
    std::unique_ptr<SqliteConnection> connection_;
    bool open_ = false;
};

}  // namespace

Result<void> migrate_sqlite(const SqliteOptions& options, std::span<const Migration> migrations) {
    std::error_code error;
    std::filesystem::create_directories(options.folder, error);
    if (error) return fail(ErrorCode::store_unavailable, "the store's folder cannot be made: " + error.message());
    for (const Store store : {Store::registry, Store::ledger}) {
        auto connection = open_writer(options, store);
        if (!connection) return fail(std::move(connection));
        auto table = (*connection)->run(version_table);
        if (!table) return table;
        for (const auto& migration : migrations) {
            if (migration.store != store) continue;
            auto applied = apply_migration(**connection, migration);
            if (!applied) return applied;
        }
    }
    return {};
}

Result<std::unique_ptr<Database>> open_sqlite(const SqliteOptions& options, std::span<const Migration> migrations,
                                              Sequencer& registry_sequencer, Sequencer& ledger_sequencer) {
    auto registry = open_store(options, Store::registry, migrations, registry_sequencer);
    if (!registry) return fail(std::move(registry));
    auto ledger = open_store(options, Store::ledger, migrations, ledger_sequencer);
    if (!ledger) return fail(std::move(ledger));
    return std::unique_ptr<Database>(new SqliteDatabase(options, std::move(*registry), std::move(*ledger)));
}

Result<std::unique_ptr<BulkWriter>> open_sqlite_bulk_writer(const SqliteOptions& options, Store store) {
    auto connection = open_writer(options, store);
    if (!connection) return fail(std::move(connection));
    // A load that is cut short is repeated, so it need not survive a power cut; the big cache keeps inner pages in
    // memory.
    auto tuned = (*connection)->run("PRAGMA synchronous=OFF; PRAGMA cache_size=-262144; PRAGMA mmap_size=0;");
    if (!tuned) return fail(std::move(tuned));
    return std::unique_ptr<BulkWriter>(new SqliteBulkWriter(std::move(*connection)));
}

Result<std::vector<TableSize>> sqlite_table_sizes(const SqliteOptions& options, Store store) {
    auto connection = open_writer(options, store);
    if (!connection) return fail(std::move(connection));
    // Page by page: dbstat's own sums are of 32 bits, and a nation's tables are larger.
    const char* sql =
        "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name "
        "GROUP BY m.tbl_name ORDER BY 2 DESC";
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2((*connection)->handle(), sql, -1, &statement, nullptr) != SQLITE_OK) {
        return fail(ErrorCode::store_unavailable, "this SQLite cannot measure tables");
    }
    std::vector<TableSize> sizes;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        sizes.push_back(
            {reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)), sqlite3_column_int64(statement, 1)});
    }
    sqlite3_finalize(statement);
    return sizes;
}

}  // namespace onshi::sql
