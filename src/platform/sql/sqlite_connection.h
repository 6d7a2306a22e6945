#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "platform/sql/parameters.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/row.h"
#include "platform/sql/sequencer.h"
#include "platform/sql/statement.h"

struct sqlite3;
struct sqlite3_stmt;

namespace onshi::sql {

// `$n` becomes `?n`, because SQLite takes `$2` before `$1` as parameter 1. Fails with store.corrupt for a text outside
// the portable subset (`::`, a gap in the numbers).
[[nodiscard]] Result<std::string> to_sqlite_text(const Statement& statement, int* parameter_count);

// One SQLite connection with its prepared statements. Not thread-safe: one thread at a time.
class SqliteConnection {
  public:
    enum class Access : std::uint8_t { read_only, read_write };
    // `vfs` empty: the system's.
    [[nodiscard]] static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path, Access access,
                                                                        const std::string& vfs);
    ~SqliteConnection();
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    // Makes the tables of a second database file visible to this connection.
    [[nodiscard]] Result<void> attach(const std::string& path, const std::string& schema);
    // Runs SQL of this folder's own (pragmas, BEGIN, DDL).
    [[nodiscard]] Result<void> run(const char* sql);
    [[nodiscard]] Result<std::int64_t> read_integer(const char* sql);

    [[nodiscard]] Result<std::int64_t> execute(const Step& step, const ParameterBuffer& parameters,
                                               const CommitPosition& position);
    // Hands every row to `sink`; a row too many or of another shape is store.corrupt.
    [[nodiscard]] Result<void> query(const Step& step, const ParameterBuffer& parameters, RowSink& sink);
    [[nodiscard]] Result<bool> query_one(const Step& step, const ParameterBuffer& parameters, Row& row);
    // Ends what query_one left open.
    void reset_open_query();
    // A batch as a snapshot of its own.
    [[nodiscard]] Result<void> read(ReadBatch& batch);
    // Several batches may share a snapshot: begin, read_in_snapshot of each, end.
    [[nodiscard]] Result<void> begin_snapshot();
    [[nodiscard]] Result<void> read_in_snapshot(ReadBatch& batch);
    void end_snapshot();

    [[nodiscard]] sqlite3* handle() { return db_; }
    [[nodiscard]] std::uint64_t new_cache_misses();

  private:
    explicit SqliteConnection(sqlite3* db) : db_(db) {}
    [[nodiscard]] Result<sqlite3_stmt*> prepared(const Statement& statement);
    [[nodiscard]] Result<sqlite3_stmt*> bind(const Step& step, const ParameterBuffer& parameters,
                                             const CommitPosition& position);
    [[nodiscard]] tl::unexpected<Error> failure(int code, std::string_view doing);

    sqlite3* db_;
    std::vector<sqlite3_stmt*> statements_;  // by Statement::index
    std::vector<int> parameter_counts_;
    std::vector<sqlite3_stmt*> own_;  // BEGIN, COMMIT
    sqlite3_stmt* open_query_ = nullptr;
};

}  // namespace onshi::sql
