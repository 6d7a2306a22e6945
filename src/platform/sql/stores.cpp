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
