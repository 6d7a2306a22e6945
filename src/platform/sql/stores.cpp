#include "platform/sql/stores.h"

#include "platform/sql/postgres_database.h"
#include "platform/sql/sqlite_database.h"

namespace onshi::sql {

namespace {

template <class Sqlite, class Postgres>
auto on_engine(const StoreOptions& options, const Sqlite& sqlite, const Postgres& postgres) {
    if (const auto* embedded = std::get_if<SqliteOptions>(&options)) return sqlite(*embedded);
    return postgres(std::get<PostgresOptions>(options));
}

}  // namespace

std::string describe(const StoreOptions& options) {
    return on_engine(
        options, [](const SqliteOptions& o) { return o.folder; },
        [](const PostgresOptions&) { return std::string("postgresql"); });
}

Result<StoreOptions> parse_store(std::string_view text) {
    if (text.empty()) return fail(ErrorCode::config_missing, "store");
    if (text.starts_with("postgresql://") || text.starts_with("postgres://")) {
        PostgresOptions options;
        options.address = text;
        auto readable = check_postgres_address(options.address);
        if (!readable) return fail(std::move(readable));
        return StoreOptions(std::move(options));
    }
    if (text.find("://") != std::string_view::npos) return fail(ErrorCode::config_malformed, "store: unknown scheme");
    constexpr std::string_view sqlite_scheme = "sqlite:";
    if (text.starts_with(sqlite_scheme)) text.remove_prefix(sqlite_scheme.size());
    if (text.empty()) return fail(ErrorCode::config_malformed, "store: no folder behind sqlite:");
    SqliteOptions options;
    options.folder = text;
    return StoreOptions(std::move(options));
}

Result<void> migrate(const StoreOptions& options, std::span<const Migration> migrations) {
    return on_engine(
        options, [&](const SqliteOptions& o) { return migrate_sqlite(o, migrations); },
        [&](const PostgresOptions& o) { return migrate_postgres(o, migrations); });
}

Result<std::unique_ptr<Database>> open_database(const StoreOptions& options, std::span<const Migration> migrations,
                                                Sequencer& registry_sequencer, Sequencer& ledger_sequencer) {
    return on_engine(
        options,
        [&](const SqliteOptions& o) { return open_sqlite(o, migrations, registry_sequencer, ledger_sequencer); },
        [&](const PostgresOptions& o) { return open_postgres(o, migrations, registry_sequencer, ledger_sequencer); });
}

Result<std::unique_ptr<BulkWriter>> BulkWriter::open(const StoreOptions& options, Store store) {
    return on_engine(
        options, [&](const SqliteOptions& o) { return open_sqlite_bulk_writer(o, store); },
        [&](const PostgresOptions& o) { return open_postgres_bulk_writer(o, store); });
}

Result<std::vector<TableSize>> table_sizes(const StoreOptions& options, Store store) {
    return on_engine(
        options, [&](const SqliteOptions& o) { return sqlite_table_sizes(o, store); },
        [&](const PostgresOptions& o) { return postgres_table_sizes(o, store); });
}

}  // namespace onshi::sql
