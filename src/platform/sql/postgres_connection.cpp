#include "platform/sql/postgres_connection.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <poll.h>

#include <fmt/format.h>

#include "base/ensure.h"

namespace onshi::sql {

namespace {

// Types of the wire protocol; fixed for ever in PostgreSQL's catalogue.
constexpr Oid type_bytea = 17;
constexpr Oid type_int8 = 20;
constexpr Oid type_int2 = 21;
constexpr Oid type_int4 = 23;
constexpr Oid type_text = 25;
constexpr Oid type_varchar = 1043;
constexpr Oid type_inferred = 0;
constexpr int binary_format = 1;
constexpr int text_format = 0;

std::array<char, 8> to_big_endian(std::int64_t value) {
    static_assert(std::endian::native == std::endian::little);
    return std::bit_cast<std::array<char, 8>>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

std::int64_t from_big_endian(const char* bytes, int size) {
    std::int64_t value = (bytes[0] & 0x80) != 0 ? -1 : 0;
    for (int i = 0; i < size; ++i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
    return value;
}

Oid type_of(ParameterKind kind) {
    switch (kind) {
        case ParameterKind::null: return type_inferred;
        case ParameterKind::integer:
        case ParameterKind::lane:
        case ParameterKind::sequence: return type_int8;
        case ParameterKind::text: return type_text;
        case ParameterKind::blob: return type_bytea;
    }
    return type_inferred;
}

int milliseconds_left(Deadline deadline) {
    using std::chrono::milliseconds;
    const auto left = std::chrono::ceil<milliseconds>(deadline.at() - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp(left, milliseconds(0), milliseconds(60'000)).count());
}

std::string name_of(const Statement& statement) {
    return fmt::format("s{}", statement.index());
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    while (true) {
        const auto comma = list.find(',');
        parts.emplace_back(list.substr(0, comma));
        if (comma == std::string_view::npos) return parts;
        list.remove_prefix(comma + 1);
    }
}

ErrorCode code_of(std::string_view state) {
    if (state == sql_state::unique_violation) return ErrorCode::store_conflict;
    if (state == sql_state::query_canceled) return ErrorCode::deadline_passed;
    if (state == "53100") return ErrorCode::store_full;
    if (state == "XX001" || state == "XX002") return ErrorCode::store_corrupt;
    if (state.starts_with("23")) return ErrorCode::store_conflict;
    return ErrorCode::store_unavailable;
}

}  // namespace

// The hosts of an address that names several; empty for one, which libpq reads itself.
std::vector<PostgresConnection::Host> PostgresConnection::hosts_of(const std::string& address) {
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> words(PQconninfoParse(address.c_str(), nullptr),
                                                                             PQconninfoFree);
    std::vector<std::string> names;
    std::vector<std::string> ports;
    for (const auto* word = words.get(); word != nullptr && word->keyword != nullptr; ++word) {
        if (word->val == nullptr) continue;
        const std::string_view keyword = word->keyword;
        if (keyword == "hostaddr") return {};
        if (keyword == "host") names = split(word->val);
        if (keyword == "port") ports = split(word->val);
    }
    std::vector<Host> hosts;
    if (names.size() < 2) return hosts;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const bool has_own = ports.size() == names.size();
        hosts.push_back({names[i], has_own ? ports[i] : ports.empty() ? std::string() : ports[0]});
    }
    return hosts;
}

std::string_view state_of(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state == nullptr ? std::string_view() : std::string_view(state);
}

tl::unexpected<Error> failure_of(const PGresult* result, std::string_view doing) {
    const auto state = state_of(result);
    return fail(code_of(state), fmt::format("postgresql {}: {}", doing, state.empty() ? "connection lost" : state));
}

void fill_row(const PGresult* result, int row_number, Row& row) {
    const int columns = std::min(PQnfields(result), row_columns_max);
    row.start(columns);
    for (int i = 0; i < columns; ++i) {
        Column column;
        if (PQgetisnull(result, row_number, i) == 0) {
            const char* value = PQgetvalue(result, row_number, i);
            const int size = PQgetlength(result, row_number, i);
            switch (PQftype(result, i)) {
                case type_int8:
                case type_int4:
                case type_int2:
                    column.kind = ColumnKind::integer;
                    column.integer = from_big_endian(value, size);
                    break;
                case type_text:
                case type_varchar:
                    column.kind = ColumnKind::text;
                    column.bytes = {value, static_cast<std::size_t>(size)};
                    break;
                case type_bytea:
                    column.kind = ColumnKind::blob;
                    column.bytes = {value, static_cast<std::size_t>(size)};
                    break;
                default: row.reject(); break;
            }
        }
        row.set(i, column);
    }
}

std::int64_t rows_touched(const PGresult* result) {
    // libpq keeps the count as text and its function for it wants a non-const result.
    return std::strtoll(PQcmdTuples(const_cast<PGresult*>(result)), nullptr, 10);
}

PostgresConnection::~PostgresConnection() {
    PQfinish(connection_);
}

tl::unexpected<Error> PostgresConnection::lost(std::string_view doing) const {
    return fail(ErrorCode::store_unavailable, fmt::format("postgresql {}: connection lost", doing));
}

// Each host of the address gets its share of the time: libpq asks one after the other, and one that is silent would use
// up the time of all.
Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open(const PostgresOptions& options, PostgresUse use,
                                                                     Deadline deadline) {
    const auto hosts = hosts_of(options.address);
    for (std::size_t i = 0; i + 1 < hosts.size(); ++i) {
        const auto share = std::chrono::milliseconds(milliseconds_left(deadline) / static_cast<int>(hosts.size() - i));
        auto opened = open_one(options, use, &hosts[i], Deadline::in(share));
        if (opened) return opened;
    }
    return open_one(options, use, hosts.empty() ? nullptr : &hosts.back(), deadline);
}

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::open_one(const PostgresOptions& options,
                                                                         PostgresUse use, const Host* host,
                                                                         Deadline deadline) {
    const std::string tcp_timeout = std::to_string(options.statement_timeout.count());
    // What stands in the address wins over these: a dead peer is noticed although nothing is sent.
    std::vector<std::pair<const char*, const char*>> words{{"application_name", options.session_name.c_str()},
                                                           {"keepalives_idle", "5"},
                                                           {"keepalives_interval", "2"},
                                                           {"keepalives_count", "3"},
                                                           {"client_encoding", "UTF8"},
                                                           {"tcp_user_timeout", tcp_timeout.c_str()},
                                                           {"dbname", options.address.c_str()}};
    if (host != nullptr) {
        words.emplace_back("host", host->name.c_str());
        if (!host->port.empty()) words.emplace_back("port", host->port.c_str());
    }
    std::vector<const char*> keys;
    std::vector<const char*> values;
    for (const auto& [key, value] : words) {
        keys.push_back(key);
        values.push_back(value);
    }
    keys.push_back(nullptr);
    values.push_back(nullptr);
    PGconn* started = PQconnectStartParams(keys.data(), values.data(), 1);
    ENSURE(started != nullptr);
    std::unique_ptr<PostgresConnection> connection(new PostgresConnection(started));
    auto connected = connection->connect(deadline);
    if (!connected) return fail(std::move(connected));
    auto ready = connection->set_up(options, use, deadline);
    if (!ready) return fail(std::move(ready));
    return connection;
}

Result<void> PostgresConnection::poll_socket(bool for_writing, Deadline deadline) const {
    while (true) {
        const int left = milliseconds_left(deadline);
        if (left <= 0) return fail(ErrorCode::store_unavailable, "postgresql: no answer in time");
        pollfd waiting{PQsocket(connection_), static_cast<short>(for_writing ? POLLIN | POLLOUT : POLLIN), 0};
        const int ready = poll(&waiting, 1, left);
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return lost("poll");
    }
}

Result<void> PostgresConnection::connect(Deadline deadline) {
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (PQstatus(connection_) == CONNECTION_BAD || next == PGRES_POLLING_FAILED) {
            return fail(ErrorCode::store_unavailable, "postgresql: no server took the connection");
        }
        const bool reading = next == PGRES_POLLING_READING;
        const int left = milliseconds_left(deadline);
        if (left <= 0) return fail(ErrorCode::store_unavailable, "postgresql: no connection in time");
        pollfd waiting{PQsocket(connection_), static_cast<short>(reading ? POLLIN : POLLOUT), 0};
        const int ready = poll(&waiting, 1, left);
        if (ready < 0 && errno != EINTR) return lost("connect");
        if (ready > 0) next = PQconnectPoll(connection_);
    }
    return {};
}

Result<void> PostgresConnection::set_up(const PostgresOptions& options, PostgresUse use, Deadline deadline) {
    if (PQsetnonblocking(connection_, 1) != 0 || PQenterPipelineMode(connection_) != 1) return lost("set up");
    const auto limit = options.statement_timeout.count();
    std::vector<std::string> texts{
        fmt::format("SET statement_timeout = {}", limit),
        fmt::format("SET lock_timeout = {}", limit / 2),
        // A hub that stops in the middle of a commit must not keep the others from theirs.
        fmt::format("SET idle_in_transaction_session_timeout = {}", limit),
        "SET client_min_messages = warning",
        "SET plan_cache_mode = force_generic_plan",
        "SET jit = off",
    };
    if (use == PostgresUse::read) {
        texts.emplace_back("SET search_path = registry, ledger");
        texts.emplace_back("SET default_transaction_isolation = 'repeatable read'");
        texts.emplace_back("SET default_transaction_read_only = on");
    } else {
        texts.push_back(
            fmt::format("SET search_path = {}", use == PostgresUse::write_registry ? "registry" : "ledger"));
        // What is acknowledged is durable, whatever the server's own setting; one that asks for more stays.
        texts.emplace_back(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') IN ('off', 'local')");
    }
    for (const auto& text : texts) {
        auto sent = send_text(text.c_str());
        if (!sent) return sent;
    }
    auto sent = send_sync();
    if (!sent) return sent;
    while (outcomes_expected() > 0) {
        auto outcome = wait(deadline);
        if (!outcome) return fail(std::move(outcome));
        if (!outcome->is_sync && PQresultStatus(outcome->result.get()) == PGRES_FATAL_ERROR) {
            return failure_of(outcome->result.get(), "set up");
        }
    }
    return {};
}

Result<void> PostgresConnection::prepare(const Step& step, const ParameterBuffer& parameters) {
    const std::size_t index = step.statement->index();
    if (index >= prepared_.size()) prepared_.resize(Statement::all().size(), false);
    if (prepared_[index]) return {};
    std::array<Oid, statement_parameters_max> types{};
    for (std::uint32_t i = 0; i < step.parameter_count; ++i) {
        types[i] = type_of(parameters.at(step.first_parameter + i).kind);
    }
    const std::string text(step.statement->text());
    if (PQsendPrepare(connection_, name_of(*step.statement).c_str(), text.c_str(),
                      static_cast<int>(step.parameter_count), types.data()) != 1) {
        return lost("prepare");
    }
    prepared_[index] = true;  // taken back when the answer says otherwise
    expected_.push_back({Expect::prepare, index});
    return {};
}

Result<void> PostgresConnection::send(const Step& step, const ParameterBuffer& parameters,
                                      const CommitPosition& position) {
    auto ready = prepare(step, parameters);
    if (!ready) return ready;
    const std::size_t count = step.parameter_count;
    values_.assign(count, nullptr);
    lengths_.assign(count, 0);
    formats_.assign(count, binary_format);
    integers_.resize(statement_parameters_max);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& parameter = parameters.at(step.first_parameter + i);
        const auto set_integer = [&](std::int64_t value) {
            integers_[i] = to_big_endian(value);
            values_[i] = integers_[i].data();
            lengths_[i] = static_cast<int>(integers_[i].size());
        };
        switch (parameter.kind) {
            case ParameterKind::null: break;
            case ParameterKind::integer: set_integer(parameter.value); break;
            case ParameterKind::lane: set_integer(position.lane); break;
            case ParameterKind::sequence: set_integer(position.sequence); break;
            case ParameterKind::text:
            case ParameterKind::blob: {
                // In binary format a text is its bytes, which need no terminator.
                const auto bytes = parameters.bytes_of(parameter);
                values_[i] = bytes.data() == nullptr ? "" : bytes.data();
                lengths_[i] = static_cast<int>(bytes.size());
                break;
            }
        }
    }
    if (PQsendQueryPrepared(connection_, name_of(*step.statement).c_str(), static_cast<int>(count), values_.data(),
                            lengths_.data(), formats_.data(), binary_format) != 1) {
        return lost(step.statement->name());
    }
    expected_.push_back({Expect::statement, 0});
    return {};
}

Result<void> PostgresConnection::send_text(const char* sql) {
    if (PQsendQueryParams(connection_, sql, 0, nullptr, nullptr, nullptr, nullptr, text_format) != 1)
        return lost("send");
    expected_.push_back({Expect::statement, 0});
    return {};
}

Result<void> PostgresConnection::send_sync() {
    if (PQpipelineSync(connection_) != 1) return lost("sync");
    expected_.push_back({Expect::sync, 0});
    return {};
}

Result<void> PostgresConnection::ask_for_answers() {
    if (PQsendFlushRequest(connection_) != 1) return lost("flush request");
    return {};
}

Result<bool> PostgresConnection::flush() {
    const int left = PQflush(connection_);
    if (left < 0) return lost("write");
    return left == 0;
}

Result<void> PostgresConnection::consume() {
    if (PQconsumeInput(connection_) != 1 || PQstatus(connection_) != CONNECTION_OK) return lost("read");
    return {};
}

std::optional<PostgresConnection::Outcome> PostgresConnection::take() {
    while (!expected_.empty() && PQisBusy(connection_) == 0) {
        PostgresResult result(PQgetResult(connection_));
        const Expected front = expected_.front();
        if (result && PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
            ENSURE(front.what == Expect::sync);
            expected_.pop_front();
            return Outcome{true, std::move(result)};
        }
        if (result) {
            current_ = std::move(result);
            continue;
        }
        if (PQstatus(connection_) != CONNECTION_OK) return std::nullopt;
        if (!current_) continue;  // between two statements
        expected_.pop_front();
        auto done = std::move(current_);
        if (front.what == Expect::statement) {
            // Who sent the statement learns why it could not be prepared.
            if (failed_prepare_) done = std::move(failed_prepare_);
            return Outcome{false, std::move(done)};
        }
        if (PQresultStatus(done.get()) == PGRES_COMMAND_OK) continue;
        prepared_[front.statement] = false;
        if (PQresultStatus(done.get()) == PGRES_FATAL_ERROR) failed_prepare_ = std::move(done);
    }
    return std::nullopt;
}

Result<PostgresConnection::Outcome> PostgresConnection::wait(Deadline deadline) {
    while (true) {
        auto outcome = take();
        if (outcome) return std::move(*outcome);
        if (PQstatus(connection_) != CONNECTION_OK) return lost("wait");
        auto flushed = flush();
        if (!flushed) return fail(std::move(flushed));
        auto ready = poll_socket(!*flushed, deadline);
        if (!ready) return fail(std::move(ready));
        auto consumed = consume();
        if (!consumed) return fail(std::move(consumed));
    }
}

Result<PostgresResult> PostgresConnection::run(const char* sql, Deadline deadline) {
    auto sent = send_text(sql);
    if (sent) sent = send_sync();
    if (!sent) return fail(std::move(sent));
    auto outcome = wait(deadline);
    if (!outcome) return fail(std::move(outcome));
    auto end = wait(deadline);
    if (!end) return fail(std::move(end));
    ENSURE(!outcome->is_sync && end->is_sync);
    if (PQresultStatus(outcome->result.get()) == PGRES_FATAL_ERROR) return failure_of(outcome->result.get(), "run");
    return std::move(outcome->result);
}

}  // namespace onshi::sql
