#include "platform/sql/store_reader.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <sqlite3.h>

#include "platform/sql/postgres_connection.h"
#include "platform/sql/sqlite_connection.h"

namespace onshi::sql {

namespace {

constexpr std::chrono::minutes read_time_max{10};

// One line of a catalogue: column `column` of `table`, at `key_place` of its primary key (from 1; 0: not in it). Lines
// come by table and the column's place.
class ShapeMaker {
  public:
    void add(std::string_view table, std::string column, int key_place) {
        if (shapes_.empty() || shapes_.back().name != table) {
            end_table();
            shapes_.push_back({std::string(table), {}, {}});
        }
        if (key_place > 0) keys_.emplace_back(key_place, column);
        shapes_.back().columns.push_back(std::move(column));
    }
    std::vector<TableShape> take() {
        end_table();
        return std::move(shapes_);
    }

  private:
    void end_table() {
        std::ranges::sort(keys_);
        for (auto& [place, column] : keys_) shapes_.back().key.push_back(std::move(column));
        keys_.clear();
    }
    std::vector<TableShape> shapes_;
    std::vector<std::pair<int, std::string>> keys_;
};

class VisitingSink final : public RowSink {
  public:
    explicit VisitingSink(const std::function<void(const Row&)>& visit) : visit_(visit) {}
    bool take(const Row& row) override {
        visit_(row);
        return true;
    }
    void clear() override {}

  private:
    const std::function<void(const Row&)>& visit_;
};

class SqliteStoreReader final : public StoreReader {
  public:
    static Result<std::unique_ptr<StoreReader>> open(const SqliteOptions& options, Store store) {
        const auto file = std::filesystem::path(options.folder) / fmt::format("{}.db", to_string(store));
        auto connection = SqliteConnection::open(file, SqliteConnection::Access::read_only, options.vfs);
        if (!connection) return fail(std::move(connection));
        // A snapshot begins with its first read.
        auto begun = (*connection)->run("BEGIN; SELECT count(*) FROM sqlite_schema;");
        if (!begun) return fail(std::move(begun));
        return std::unique_ptr<StoreReader>(new SqliteStoreReader(std::move(*connection)));
    }
    Result<std::vector<TableShape>> tables() override {
        const char* sql =
            "SELECT m.name, p.name, p.pk FROM sqlite_schema m JOIN pragma_table_info(m.name) p "
            "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'schema_version' "
            "ORDER BY m.name, p.cid";
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(connection_->handle(), sql, -1, &statement, nullptr) != SQLITE_OK) {
            return fail(ErrorCode::store_unavailable, "sqlite: the list of tables");
        }
        ShapeMaker shapes;
        int code = sqlite3_step(statement);
        for (; code == SQLITE_ROW; code = sqlite3_step(statement)) {
            const auto text = [&](int column) {
                return reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
            };
            shapes.add(text(0), text(1), sqlite3_column_int(statement, 2));
        }
        sqlite3_finalize(statement);
        if (code != SQLITE_DONE) return fail(ErrorCode::store_unavailable, "sqlite: the list of tables");
        return shapes.take();
    }
    Result<int> version_of(std::string_view slice) override {
        const auto sql = fmt::format("SELECT coalesce(max(version), 0) FROM schema_version WHERE slice = '{}'", slice);
        auto version = connection_->read_integer(sql.c_str());
        if (!version) return fail(std::move(version));
        return static_cast<int>(*version);
    }
    Result<void> each(const Statement& statement, const ParameterBuffer& parameters,
                      const std::function<void(const Row&)>& visit) override {
        VisitingSink sink(visit);
        return connection_->query({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, sink);
    }

  private:
    explicit SqliteStoreReader(std::unique_ptr<SqliteConnection> connection) : connection_(std::move(connection)) {}
    std::unique_ptr<SqliteConnection> connection_;
};

class PostgresStoreReader final : public StoreReader {
  public:
    static Result<std::unique_ptr<StoreReader>> open(const PostgresOptions& given, Store store) {
        PostgresOptions options = given;
        options.statement_timeout = read_time_max;
        auto connection = PostgresConnection::open(options, write_use(store), Deadline::in(options.connect_timeout));
        if (!connection) return fail(std::move(connection));
        auto begun = (*connection)->run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", patience());
        if (!begun) return fail(std::move(begun));
        return std::unique_ptr<StoreReader>(new PostgresStoreReader(std::move(*connection), store));
    }
    Result<std::vector<TableShape>> tables() override {
        const auto sql = fmt::format(
            "SELECT c.relname, a.attname, CAST(coalesce(k.place, 0) AS TEXT) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary "
            "LEFT JOIN LATERAL unnest(CAST(i.indkey AS int2[])) WITH ORDINALITY AS k(attnum, place) "
            "ON k.attnum = a.attnum "
            "WHERE n.nspname = '{}' AND c.relkind = 'r' AND c.relname <> 'schema_version' "
            "ORDER BY c.relname COLLATE \"C\", a.attnum",
            to_string(store_));
        auto answer = connection_->run(sql.c_str(), patience());
        if (!answer) return fail(std::move(answer));
        ShapeMaker shapes;
        for (int i = 0; i < PQntuples(answer->get()); ++i) {
            shapes.add(PQgetvalue(answer->get(), i, 0), PQgetvalue(answer->get(), i, 1),
                       std::atoi(PQgetvalue(answer->get(), i, 2)));
        }
        return shapes.take();
    }
    Result<int> version_of(std::string_view slice) override {
        const auto sql =
            fmt::format("SELECT CAST(coalesce(max(version), 0) AS TEXT) FROM schema_version WHERE slice = '{}'", slice);
        auto answer = connection_->run(sql.c_str(), patience());
        if (!answer) return fail(std::move(answer));
        return std::atoi(PQgetvalue(answer->get(), 0, 0));
    }
    Result<void> each(const Statement& statement, const ParameterBuffer& parameters,
                      const std::function<void(const Row&)>& visit) override {
        auto sent = connection_->send({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, {});
        if (sent) sent = connection_->ask_for_answers();
        if (!sent) return sent;
        auto outcome = connection_->wait(patience());
        if (!outcome) return fail(std::move(outcome));
        const PGresult* answer = outcome->result.get();
        if (PQresultStatus(answer) != PGRES_TUPLES_OK) return failure_of(answer, statement.name());
        Row row;
        for (int i = 0; i < PQntuples(answer); ++i) {
            fill_row(answer, i, row);
            visit(row);
        }
        return {};
    }

  private:
    PostgresStoreReader(std::unique_ptr<PostgresConnection> connection, Store store)
        : connection_(std::move(connection)), store_(store) {}
    static Deadline patience() { return Deadline::in(read_time_max); }
    std::unique_ptr<PostgresConnection> connection_;
    Store store_;
};

}  // namespace

Result<std::unique_ptr<StoreReader>> StoreReader::open(const StoreOptions& options, Store store) {
    if (const auto* embedded = std::get_if<SqliteOptions>(&options)) return SqliteStoreReader::open(*embedded, store);
    return PostgresStoreReader::open(std::get<PostgresOptions>(options), store);
}

}  // namespace onshi::sql
