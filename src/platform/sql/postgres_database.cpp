#include "platform/sql/postgres_database.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include "base/ensure.h"
#include "platform/sql/committer.h"
#include "platform/sql/postgres_commit_engine.h"
#include "platform/sql/postgres_connection.h"
#include "platform/sql/postgres_reader.h"

namespace onshi::sql {

namespace asio = boost::asio;

namespace {

constexpr int server_version_min = 150000;
constexpr std::chrono::minutes ddl_time_max{10};
constexpr std::size_t bulk_statements_in_flight = 512;

// Everything that writes one store. Destroyed in the reverse order: committer, engine.
struct StoreWriter {
    std::unique_ptr<PostgresCommitEngine> engine;
    std::unique_ptr<Committer> committer;
};

Result<int> version_of(PostgresConnection& connection, std::string_view slice, Deadline deadline) {
    const auto sql =
        fmt::format("SELECT CAST(coalesce(max(version), 0) AS TEXT) FROM schema_version WHERE slice = '{}'", slice);
    auto answer = connection.run(sql.c_str(), deadline);
    if (!answer) return fail(std::move(answer));
    return std::atoi(PQgetvalue(answer->get(), 0, 0));
}

Result<void> run_all(PostgresConnection& connection, std::initializer_list<std::string> texts, Deadline deadline) {
    for (const auto& text : texts) {
        auto done = connection.run(text.c_str(), deadline);
        if (!done) return fail(std::move(done));
    }
    return {};
}

// IF NOT EXISTS alone fails one of two programs that find it missing at the same moment: the catalog has the other's
// row by the time theirs comes. So one makes it and the next one finds it.
Result<void> make_schema(PostgresConnection& connection, Store store, Deadline deadline) {
    return run_all(connection,
                   {"BEGIN", "SELECT CAST(pg_advisory_xact_lock(hashtext('onshi schema')) AS TEXT)",
                    fmt::format("CREATE SCHEMA IF NOT EXISTS {}", to_string(store)),
                    "DO $$ BEGIN IF to_regtype('blob') IS NULL THEN CREATE DOMAIN blob AS bytea; END IF; END $$",
                    "CREATE TABLE IF NOT EXISTS schema_version "
                    "(slice TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, version BIGINT NOT NULL)",
                    "COMMIT"},
                   deadline);
}

// The statements of one migration, one by one: a pipeline takes no text of several.
std::vector<std::string> statements_of(const std::string& ddl) {
    std::vector<std::string> statements;
    std::size_t from = 0;
    for (std::size_t at = ddl.find(";\n"); at != std::string::npos; at = ddl.find(";\n", from)) {
        statements.push_back(ddl.substr(from, at - from));
        from = at + 2;
    }
    return statements;
}

Result<void> apply_migration(PostgresConnection& connection, const Migration& migration, Deadline deadline) {
    auto ddl = postgres_ddl(migration);
    if (!ddl) return fail(std::move(ddl));
    // The lock makes whoever comes second wait, and find the step done.
    auto begun = run_all(connection, {"BEGIN", "LOCK TABLE schema_version IN EXCLUSIVE MODE"}, deadline);
    if (!begun) return begun;
    auto version = version_of(connection, migration.slice, deadline);
    if (!version) return fail(std::move(version));
    if (*version >= migration.to) return run_all(connection, {"COMMIT"}, deadline);
    if (*version != migration.to - 1) {
        return fail(ErrorCode::store_version, fmt::format("{} is at version {}, {} starts from {}", migration.slice,
                                                          *version, migration.name, migration.to - 1));
    }
    for (const auto& statement : statements_of(*ddl)) {
        auto done = connection.run(statement.c_str(), deadline);
        if (!done) {
            return fail(done.error().code, fmt::format("{}: {}", migration.name, done.error().detail));
        }
    }
    return run_all(connection,
                   {fmt::format("INSERT INTO schema_version (slice, version) VALUES ('{0}', {1}) "
                                "ON CONFLICT (slice) DO UPDATE SET version = {1}",
                                migration.slice, migration.to),
                    "COMMIT"},
                   deadline);
}

Result<std::unique_ptr<PostgresConnection>> connect_to(const PostgresOptions& options, PostgresUse use) {
    auto connection = PostgresConnection::open(options, use, Deadline::in(options.connect_timeout));
    if (!connection) return connection;
    if (PQserverVersion((*connection)->handle()) < server_version_min) {
        return fail(ErrorCode::store_version, "PostgreSQL 15 or newer is needed");
    }
    return connection;
}

Result<StoreWriter> open_store(const PostgresOptions& options, Store store, std::span<const Migration> migrations,
                               Sequencer& sequencer) {
    auto connection = connect_to(options, write_use(store));
    if (!connection) return fail(std::move(connection));
    const Deadline deadline = Deadline::in(options.statement_timeout);
    auto current = check_versions(migrations, store,
                                  [&](std::string_view slice) { return version_of(**connection, slice, deadline); });
    if (!current) return fail(std::move(current));
    StoreWriter writer;
    writer.engine = std::make_unique<PostgresCommitEngine>(options, store, sequencer);
    auto opened = writer.engine->open();
    if (!opened) return fail(std::move(opened));
    writer.committer = std::make_unique<Committer>(*writer.engine, options.commit);
    return writer;
}

class PostgresDatabase final : public Database {
  public:
    PostgresDatabase(const PostgresOptions& options, StoreWriter registry, StoreWriter ledger)
        : options_(options),
          id_(next_id_.fetch_add(1)),
          registry_(std::move(registry)),
          ledger_(std::move(ledger)),
          connector_(1) {}
    ~PostgresDatabase() override { close(); }

    Task<Result<void>> read(ReadBatch& batch, Deadline deadline) override {
        if (deadline.passed()) co_return fail(ErrorCode::deadline_passed, "before the read");
        if (batch.queries().empty()) co_return Result<void>();
        const auto executor = co_await asio::this_coro::executor;
        PostgresReader& reader = reader_of(executor);
        auto answered = co_await reader.read(batch, deadline);
        co_return answered;
    }

    Task<Result<CommitPosition>> commit(WriteSet set, Deadline deadline) override {
        const auto& of = set.store() == Store::registry ? registry_ : ledger_;
        return of.committer->commit(std::move(set), deadline);
    }

    void close() override {
        registry_.committer->close();
        ledger_.committer->close();
        connector_.join();
    }

    StoreCounters counters(Store store) const override {
        const auto& of = store == Store::registry ? registry_ : ledger_;
        StoreCounters counters = of.engine->counters();
        counters.sets_waiting = of.committer->waiting();
        return counters;
    }

    ReadCounters read_counters() const override {
        ReadCounters counters;
        counters.batches = read_counters_.batches.load(std::memory_order_relaxed);
        return counters;
    }

  private:
    // The loop's own connection, made at its first read. A loop is known by its executor: a thread may have several.
    PostgresReader& reader_of(const asio::any_io_executor& executor) {
        struct Mine {
            std::uint64_t database;
            asio::any_io_executor executor;
            PostgresReader* reader;
        };
        thread_local std::vector<Mine> mine;
        for (const auto& one : mine) {
            if (one.database == id_ && one.executor == executor) return *one.reader;
        }
        const std::scoped_lock lock(mutex_);
        auto found = std::ranges::find(readers_, executor, &std::pair<asio::any_io_executor, ReaderPtr>::first);
        if (found == readers_.end()) {
            readers_.emplace_back(executor,
                                  std::make_shared<PostgresReader>(executor, options_, connector_, read_counters_));
            found = std::prev(readers_.end());
        }
        mine.push_back({id_, executor, found->second.get()});
        return *found->second;
    }

    using ReaderPtr = std::shared_ptr<PostgresReader>;
    static inline std::atomic<std::uint64_t> next_id_{1};
    const PostgresOptions options_;
    const std::uint64_t id_;
    StoreWriter registry_;
    StoreWriter ledger_;
    PostgresReadCounters read_counters_;
    asio::thread_pool connector_;
    std::mutex mutex_;
    std::vector<std::pair<asio::any_io_executor, ReaderPtr>> readers_;
};

// Statements stream through one pipeline; only so many are unanswered that neither side's buffers fill up.
class PostgresBulkWriter final : public BulkWriter {
  public:
    PostgresBulkWriter(std::unique_ptr<PostgresConnection> connection, const PostgresOptions& options)
        : connection_(std::move(connection)), options_(options) {}

    Result<void> execute(const Statement& statement, const ParameterBuffer& parameters) override {
        if (!open_) {
            auto begun = connection_->run("BEGIN", patience());
            if (!begun) return fail(std::move(begun));
            open_ = true;
        }
        auto sent = connection_->send({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, {});
        if (!sent) return sent;
        if (++unasked_ < bulk_statements_in_flight) return {};
        unasked_ = 0;
        auto asked = connection_->ask_for_answers();
        if (!asked) return asked;
        return drain(bulk_statements_in_flight);
    }

    Result<void> commit() override {
        if (!open_) return {};
        open_ = false;
        unasked_ = 0;
        auto sent = connection_->ask_for_answers();
        if (!sent) return sent;
        auto drained = drain(0);
        if (!drained) return drained;
        auto committed = connection_->run("COMMIT", patience());
        if (!committed) return fail(std::move(committed));
        return {};
    }
    Result<void> make_durable() override { return {}; }  // every commit is

  private:
    [[nodiscard]] Deadline patience() const { return Deadline::in(options_.statement_timeout * 2); }
    Result<void> drain(std::size_t left) {
        while (connection_->outcomes_expected() > left) {
            auto outcome = connection_->wait(patience());
            if (!outcome) return fail(std::move(outcome));
            const auto status = PQresultStatus(outcome->result.get());
            if (status != PGRES_COMMAND_OK) return failure_of(outcome->result.get(), "bulk write");
        }
        return {};
    }
    std::unique_ptr<PostgresConnection> connection_;
    const PostgresOptions options_;
    std::size_t unasked_ = 0;
    bool open_ = false;
};

}  // namespace

Result<void> check_postgres_address(const std::string& address) {
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parts(PQconninfoParse(address.c_str(), nullptr),
                                                                             PQconninfoFree);
    // libpq's own words might repeat what was typed.
    if (!parts) return fail(ErrorCode::config_malformed, "store: not an address of PostgreSQL");
    for (const PQconninfoOption* part = parts.get(); part->keyword != nullptr; ++part) {
        const std::string_view keyword = part->keyword;
        if (part->val == nullptr || *part->val == '\0') continue;
        if (keyword == "password") {
            return fail(ErrorCode::config_malformed, "store: a password in the address; put it in a passfile");
        }
    }
    return {};
}

Result<void> migrate_postgres(const PostgresOptions& given, std::span<const Migration> migrations) {
    PostgresOptions options = given;
    options.statement_timeout = ddl_time_max;
    for (const Store store : {Store::registry, Store::ledger}) {
        auto connection = connect_to(options, write_use(store));
        if (!connection) return fail(std::move(connection));
        const Deadline deadline = Deadline::in(ddl_time_max);
        auto made = make_schema(**connection, store, deadline);
        if (!made) return made;
        for (const auto& migration : migrations) {
            if (migration.store != store) continue;
            auto applied = apply_migration(**connection, migration, deadline);
            if (!applied) return applied;
        }
    }
    return {};
}

Result<std::unique_ptr<Database>> open_postgres(const PostgresOptions& options, std::span<const Migration> migrations,
                                                Sequencer& registry_sequencer, Sequencer& ledger_sequencer) {
    auto registry = open_store(options, Store::registry, migrations, registry_sequencer);
    if (!registry) return fail(std::move(registry));
    auto ledger = open_store(options, Store::ledger, migrations, ledger_sequencer);
    if (!ledger) return fail(std::move(ledger));
    return std::unique_ptr<Database>(new PostgresDatabase(options, std::move(*registry), std::move(*ledger)));
}

Result<std::unique_ptr<BulkWriter>> open_postgres_bulk_writer(const PostgresOptions& given, Store store) {
    PostgresOptions options = given;
    options.statement_timeout = ddl_time_max;
    auto connection = connect_to(options, write_use(store));
    if (!connection) return fail(std::move(connection));
    return std::unique_ptr<BulkWriter>(new PostgresBulkWriter(std::move(*connection), options));
}

Result<std::vector<TableSize>> postgres_table_sizes(const PostgresOptions& options, Store store) {
    auto connection = connect_to(options, write_use(store));
    if (!connection) return fail(std::move(connection));
    const auto sql = fmt::format(
        "SELECT relname, CAST(pg_total_relation_size(c.oid) AS TEXT) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{}' AND c.relkind = 'r' "
        "ORDER BY pg_total_relation_size(c.oid) DESC, relname",
        to_string(store));
    auto answer = (*connection)->run(sql.c_str(), Deadline::in(options.statement_timeout));
    if (!answer) return fail(std::move(answer));
    std::vector<TableSize> sizes;
    for (int i = 0; i < PQntuples(answer->get()); ++i) {
        sizes.push_back({PQgetvalue(answer->get(), i, 0), std::atoll(PQgetvalue(answer->get(), i, 1))});
    }
    return sizes;
}

}  // namespace onshi::sql
