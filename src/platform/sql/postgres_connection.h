#pragma once

// Inside this folder only: libpq in pipeline mode.
#include <array>
#include <cstdint>
#include <deque>
#include <libpq-fe.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "platform/sql/parameters.h"
#include "platform/sql/row.h"
#include "platform/sql/sequencer.h"
#include "platform/sql/store_options.h"

namespace onshi::sql {

struct ResultClearer {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, ResultClearer>;

// SQLSTATE classes that callers treat differently from "the statement failed".
namespace sql_state {
inline constexpr std::string_view unique_violation = "23505";
inline constexpr std::string_view serialization_failure = "40001";
inline constexpr std::string_view deadlock_detected = "40P01";
inline constexpr std::string_view lock_not_available = "55P03";
inline constexpr std::string_view no_such_statement = "26000";
inline constexpr std::string_view query_canceled = "57014";
}  // namespace sql_state

// The five characters; empty for a result without an error, or when the connection itself broke.
[[nodiscard]] std::string_view state_of(const PGresult* result);
// The error of a failed result; texts of the server may quote values, its codes do not.
[[nodiscard]] tl::unexpected<Error> failure_of(const PGresult* result, std::string_view doing);
// Copies nothing: the row's views live as long as the result.
void fill_row(const PGresult* result, int row_number, Row& row);
[[nodiscard]] std::int64_t rows_touched(const PGresult* result);

// What a connection is for.
enum class PostgresUse : std::uint8_t {
    read,            // both stores, read only; what stands between two Syncs sees one snapshot
    write_registry,  // transactions that say BEGIN and COMMIT
    write_ledger,
};
[[nodiscard]] constexpr PostgresUse write_use(Store store) {
    return store == Store::registry ? PostgresUse::write_registry : PostgresUse::write_ledger;
}

// One connection in pipeline mode with its prepared statements. What is sent is answered in order; nothing blocks but
// open(), wait() and run(). Not thread-safe.
class PostgresConnection {
  public:
    struct Outcome {
        bool is_sync;
        PostgresResult result;
    };
    struct Host {
        std::string name;
        std::string port;  // empty: the default
    };

    // Connects and sets the session up; blocks at most until the deadline (name lookup may take longer).
    [[nodiscard]] static Result<std::unique_ptr<PostgresConnection>> open(const PostgresOptions& options,
                                                                          PostgresUse use, Deadline deadline);
    ~PostgresConnection();
    PostgresConnection(const PostgresConnection&) = delete;
    PostgresConnection& operator=(const PostgresConnection&) = delete;

    // Queue a statement (prepared at its first use), a text without parameters, or the end of a group. One outcome will
    // follow for each of these calls, in order.
    [[nodiscard]] Result<void> send(const Step& step, const ParameterBuffer& parameters,
                                    const CommitPosition& position);
    [[nodiscard]] Result<void> send_text(const char* sql);
    [[nodiscard]] Result<void> send_sync();
    // Asks the server for the answers so far without ending the group.
    [[nodiscard]] Result<void> ask_for_answers();

    // Hands what is queued to the socket as far as it takes it; true when all has left.
    [[nodiscard]] Result<bool> flush();
    // Takes what the socket has; an error when the connection is gone.
    [[nodiscard]] Result<void> consume();
    // The next outcome that is complete, without blocking.
    [[nodiscard]] std::optional<Outcome> take();
    // The next outcome; an error when the connection breaks or stays silent until the deadline.
    [[nodiscard]] Result<Outcome> wait(Deadline deadline);
    // Runs a text as a group of its own.
    [[nodiscard]] Result<PostgresResult> run(const char* sql, Deadline deadline);

    [[nodiscard]] int socket() const { return PQsocket(connection_); }
    [[nodiscard]] std::size_t outcomes_expected() const { return expected_.size(); }
    [[nodiscard]] PGconn* handle() { return connection_; }

  private:
    enum class Expect : std::uint8_t { statement, prepare, sync };
    struct Expected {
        Expect what;
        std::size_t statement;
    };
    explicit PostgresConnection(PGconn* connection) : connection_(connection) {}
    [[nodiscard]] static std::vector<Host> hosts_of(const std::string& address);
    [[nodiscard]] static Result<std::unique_ptr<PostgresConnection>> open_one(const PostgresOptions& options,
                                                                              PostgresUse use, const Host* host,
                                                                              Deadline deadline);
    [[nodiscard]] Result<void> connect(Deadline deadline);
    [[nodiscard]] Result<void> set_up(const PostgresOptions& options, PostgresUse use, Deadline deadline);
    [[nodiscard]] Result<void> poll_socket(bool for_writing, Deadline deadline) const;
    [[nodiscard]] Result<void> prepare(const Step& step, const ParameterBuffer& parameters);
    [[nodiscard]] tl::unexpected<Error> lost(std::string_view doing) const;

    PGconn* connection_;
    std::vector<bool> prepared_;  // by Statement::index
    std::deque<Expected> expected_;
    PostgresResult current_;
    PostgresResult failed_prepare_;
    // Buffers of one statement's parameters.
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
    std::vector<std::array<char, 8>> integers_;
};

}  // namespace onshi::sql
