#include "platform/sql/sqlite_connection.h"

#include <array>
#include <cctype>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/ensure.h"

namespace onshi::sql {

namespace {

ErrorCode error_code_of(int code) {
    switch (code & 0xFF) {
        case SQLITE_FULL: return ErrorCode::store_full;
        case SQLITE_CONSTRAINT: return ErrorCode::store_conflict;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return ErrorCode::store_corrupt;
        default: return ErrorCode::store_unavailable;
    }
}

// Resets a statement when its use ends, so that no forgotten SELECT pins the write-ahead log.
class ResetGuard {
  public:
    explicit ResetGuard(sqlite3_stmt* statement) : statement_(statement) {}
    ~ResetGuard() { sqlite3_reset(statement_); }
    ResetGuard(const ResetGuard&) = delete;
    ResetGuard& operator=(const ResetGuard&) = delete;

  private:
    sqlite3_stmt* statement_;
};

int bind_one(sqlite3_stmt* statement, int index, const Parameter& parameter, const ParameterBuffer& parameters,
             const CommitPosition& position) {
    switch (parameter.kind) {
        case ParameterKind::null: return sqlite3_bind_null(statement, index);
        case ParameterKind::integer: return sqlite3_bind_int64(statement, index, parameter.value);
        case ParameterKind::lane: return sqlite3_bind_int64(statement, index, position.lane);
        case ParameterKind::sequence: return sqlite3_bind_int64(statement, index, position.sequence);
        case ParameterKind::text: {
            const auto bytes = parameters.bytes_of(parameter);
            return sqlite3_bind_text(statement, index, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
        }
        case ParameterKind::blob: {
            const auto bytes = parameters.bytes_of(parameter);
            return sqlite3_bind_blob(statement, index, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
        }
    }
    return SQLITE_MISUSE;
}

void fill_row(sqlite3_stmt* statement, Row& row) {
    const int columns = std::min(sqlite3_column_count(statement), row_columns_max);
    row.start(columns);
    for (int i = 0; i < columns; ++i) {
        Column column;
        switch (sqlite3_column_type(statement, i)) {
            case SQLITE_INTEGER:
                column.kind = ColumnKind::integer;
                column.integer = sqlite3_column_int64(statement, i);
                break;
            case SQLITE_TEXT:
                column.kind = ColumnKind::text;
                column.bytes = {reinterpret_cast<const char*>(sqlite3_column_text(statement, i)),
                                static_cast<std::size_t>(sqlite3_column_bytes(statement, i))};
                break;
            case SQLITE_BLOB:
                column.kind = ColumnKind::blob;
                column.bytes = {static_cast<const char*>(sqlite3_column_blob(statement, i)),
                                static_cast<std::size_t>(sqlite3_column_bytes(statement, i))};
                break;
            case SQLITE_NULL: break;
            default: row.reject(); break;
        }
        row.set(i, column);
    }
}

enum OwnStatement : std::size_t { begin_read, commit_read };
constexpr std::array<const char*, 2> own_texts{"BEGIN", "COMMIT"};

}  // namespace

Result<std::string> to_sqlite_text(const Statement& statement, int* parameter_count) {
    const std::string_view text = statement.text();
    std::string rewritten;
    rewritten.reserve(text.size());
    std::uint32_t seen = 0;
    bool in_quotes = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '\'') in_quotes = !in_quotes;
        if (in_quotes || (c != '$' && c != ':')) {
            rewritten.push_back(c);
            continue;
        }
        int number = 0;
        while (c == '$' && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9' && number < 100) {
            number = number * 10 + (text[++i] - '0');
        }
        if (number < 1 || number > statement_parameters_max) {
            return fail(ErrorCode::store_corrupt, fmt::format("statement {} is not portable", statement.name()));
        }
        seen |= 1U << static_cast<unsigned>(number - 1);
        rewritten += fmt::format("?{}", number);
    }
    if ((seen & (seen + 1)) != 0) {
        return fail(ErrorCode::store_corrupt,
                    fmt::format("statement {} has a gap in its parameters", statement.name()));
    }
    *parameter_count = __builtin_popcount(seen);
    return rewritten;
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path, Access access,
                                                                 const std::string& vfs) {
    const int flags = SQLITE_OPEN_NOMUTEX |
                      (access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    sqlite3* db = nullptr;
    const int opened = sqlite3_open_v2(path.c_str(), &db, flags, vfs.empty() ? nullptr : vfs.c_str());
    std::unique_ptr<SqliteConnection> connection(new SqliteConnection(db));
    if (opened != SQLITE_OK) return connection->failure(opened, "open");
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, 2000);
    return connection;
}

SqliteConnection::~SqliteConnection() {
    for (auto* statement : statements_) sqlite3_finalize(statement);
    for (auto* statement : own_) sqlite3_finalize(statement);
    sqlite3_close(db_);
}

Result<void> SqliteConnection::attach(const std::string& path, const std::string& schema) {
    const std::string sql = fmt::format("ATTACH DATABASE ?1 AS {}", schema);
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
    if (code == SQLITE_OK) code = sqlite3_bind_text(statement, 1, path.c_str(), -1, SQLITE_STATIC);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE) return failure(code, "attach");
    return {};
}

Result<void> SqliteConnection::run(const char* sql) {
    const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failure(code, "run");
    return {};
}

Result<std::int64_t> SqliteConnection::read_integer(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    const std::int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    if (code != SQLITE_ROW) return failure(code, "read");
    return value;
}

tl::unexpected<Error> SqliteConnection::failure(int code, std::string_view doing) {
    // The engine's message may quote values; its code does not.
    return fail(error_code_of(code), fmt::format("sqlite {}: {} ({})", doing, sqlite3_errstr(code), code));
}

Result<sqlite3_stmt*> SqliteConnection::prepared(const Statement& statement) {
    const std::size_t index = statement.index();
    if (index < statements_.size() && statements_[index] != nullptr) return statements_[index];
    if (index >= statements_.size()) {
        statements_.resize(Statement::all().size(), nullptr);
        parameter_counts_.resize(Statement::all().size(), 0);
    }
    int count = 0;
    auto text = to_sqlite_text(statement, &count);
    if (!text) return fail(std::move(text));
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v3(db_, text->c_str(), static_cast<int>(text->size()), SQLITE_PREPARE_PERSISTENT,
                                        &made, nullptr);
    if (code != SQLITE_OK) {
        return fail(ErrorCode::store_unavailable,
                    fmt::format("statement {} does not prepare: {}", statement.name(), sqlite3_errmsg(db_)));
    }
    statements_[index] = made;
    parameter_counts_[index] = count;
    return made;
}

Result<sqlite3_stmt*> SqliteConnection::bind(const Step& step, const ParameterBuffer& parameters,
                                             const CommitPosition& position) {
    auto found = prepared(*step.statement);
    if (!found) return found;
    ENSURE(parameter_counts_[step.statement->index()] == static_cast<int>(step.parameter_count));
    for (std::uint32_t i = 0; i < step.parameter_count; ++i) {
        const auto& parameter = parameters.at(step.first_parameter + i);
        const int code = bind_one(*found, static_cast<int>(i + 1), parameter, parameters, position);
        if (code != SQLITE_OK) return failure(code, "bind");
    }
    return found;
}

Result<std::int64_t> SqliteConnection::execute(const Step& step, const ParameterBuffer& parameters,
                                               const CommitPosition& position) {
    auto bound = bind(step, parameters, position);
    if (!bound) return fail(std::move(bound));
    const int code = sqlite3_step(*bound);
    const std::int64_t rows = sqlite3_changes64(db_);
    const int reset = sqlite3_reset(*bound);
    if (code != SQLITE_DONE) return failure(code == SQLITE_ROW ? SQLITE_MISUSE : reset, step.statement->name());
    return rows;
}

Result<void> SqliteConnection::query(const Step& step, const ParameterBuffer& parameters, RowSink& sink) {
    auto bound = bind(step, parameters, {});
    if (!bound) return fail(std::move(bound));
    const ResetGuard guard(*bound);
    Row row;
    int code = sqlite3_step(*bound);
    for (; code == SQLITE_ROW; code = sqlite3_step(*bound)) {
        fill_row(*bound, row);
        if (!sink.take(row)) {
            return fail(ErrorCode::store_corrupt, fmt::format("{}: more rows than expected", step.statement->name()));
        }
        if (row.corrupt()) {
            return fail(ErrorCode::store_corrupt, fmt::format("{}: a row has another form", step.statement->name()));
        }
    }
    if (code != SQLITE_DONE) return failure(code, step.statement->name());
    return {};
}

Result<bool> SqliteConnection::query_one(const Step& step, const ParameterBuffer& parameters, Row& row) {
    reset_open_query();
    auto bound = bind(step, parameters, {});
    if (!bound) return fail(std::move(bound));
    const int code = sqlite3_step(*bound);
    open_query_ = *bound;
    if (code == SQLITE_DONE) return false;
    if (code != SQLITE_ROW) return failure(code, step.statement->name());
    fill_row(*bound, row);
    return true;
}

void SqliteConnection::reset_open_query() {
    if (open_query_ != nullptr) sqlite3_reset(open_query_);
    open_query_ = nullptr;
}

Result<void> SqliteConnection::begin_snapshot() {
    if (own_.empty()) {
        own_.resize(own_texts.size(), nullptr);
        for (std::size_t i = 0; i < own_texts.size(); ++i) {
            const int code = sqlite3_prepare_v3(db_, own_texts[i], -1, SQLITE_PREPARE_PERSISTENT, &own_[i], nullptr);
            if (code != SQLITE_OK) return failure(code, "prepare");
        }
    }
    const int begun = sqlite3_step(own_[begin_read]);
    sqlite3_reset(own_[begin_read]);
    if (begun != SQLITE_DONE) return failure(begun, "begin");
    return {};
}

void SqliteConnection::end_snapshot() {
    sqlite3_step(own_[commit_read]);
    sqlite3_reset(own_[commit_read]);
}

Result<void> SqliteConnection::read_in_snapshot(ReadBatch& batch) {
    for (auto& query : batch.queries()) {
        auto answered = this->query(query.step, batch.parameters(), *query.sink);
        if (!answered) return answered;
    }
    return {};
}

Result<void> SqliteConnection::read(ReadBatch& batch) {
    // One statement is its own snapshot.
    if (batch.queries().size() <= 1) return read_in_snapshot(batch);
    auto begun = begin_snapshot();
    if (!begun) return begun;
    auto answered = read_in_snapshot(batch);
    end_snapshot();
    return answered;
}

std::uint64_t SqliteConnection::new_cache_misses() {
    int misses = 0;
    int highest = 0;
    sqlite3_db_status(db_, SQLITE_DBSTATUS_CACHE_MISS, &misses, &highest, 1);
    return static_cast<std::uint64_t>(misses);
}

}  // namespace onshi::sql
