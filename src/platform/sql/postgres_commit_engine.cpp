#include "platform/sql/postgres_commit_engine.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/ensure.h"

namespace onshi::sql {

namespace {

// How often a batch is sent again because other hubs were in its way, or because sets of it lost a guard.
constexpr int attempts_max = 4;
constexpr std::chrono::milliseconds collision_pause_max{20};
// How long a transaction whose COMMIT was under way may take to end after its connection broke.
constexpr std::chrono::milliseconds fate_wait_max{10'000};
constexpr std::chrono::milliseconds fate_pause{50};

// A server ends a statement at its timeout; one that says nothing for longer is gone.
constexpr std::chrono::milliseconds patience{1000};
// A bulk set's hundred thousands of steps take longer than one statement may.
constexpr std::chrono::microseconds time_per_step{200};

std::chrono::milliseconds time_for_steps(const std::vector<CommitEngine::Item*>& items) {
    std::size_t steps = 0;
    for (const auto* item : items) steps += item->set.guards().size() + item->set.changes().size();
    return std::chrono::ceil<std::chrono::milliseconds>(time_per_step * static_cast<std::int64_t>(steps));
}

// A name for the sessions of one writer of one process.
PostgresOptions with_session_name(PostgresOptions options, Store store) {
    std::random_device random;
    options.session_name = fmt::format("onshi {} {:08x}{:08x}", to_string(store), random(), random());
    return options;
}

bool is_collision(std::string_view state) {
    return state == sql_state::serialization_failure || state == sql_state::deadlock_detected;
}

}  // namespace

// The transaction of one attempt: what is sent is remembered, so that each outcome finds its set and its expectation.
class PostgresCommitEngine::OpenTransaction final : public Transaction {
  public:
    OpenTransaction(PostgresConnection& connection, Deadline deadline) : connection_(connection), deadline_(deadline) {}

    Result<std::int64_t> execute(const Statement& statement, const ParameterBuffer& parameters) override {
        auto result = ask(statement, parameters);
        if (!result) return fail(std::move(result));
        return rows_touched(result->get());
    }
    Result<void> write_one(const Statement& statement, const ParameterBuffer& parameters,
                           ErrorCode otherwise) override {
        return send({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, {},
                    {of_no_set, 1, otherwise});
    }
    Result<bool> read_one(const Statement& statement, const ParameterBuffer& parameters, Row& row) override {
        auto result = ask(statement, parameters);
        if (!result) return fail(std::move(result));
        read_ = std::move(*result);
        if (PQntuples(read_.get()) == 0) return false;
        fill_row(read_.get(), 0, row);
        return true;
    }

    static constexpr std::size_t of_no_set = SIZE_MAX;
    static constexpr std::int64_t any_rows = -1;
    struct Expectation {
        std::size_t set = of_no_set;
        std::int64_t rows = any_rows;
        std::optional<ErrorCode> otherwise;  // what another number of rows means; nullopt: a lost guard
    };
    Result<void> send(const Step& step, const ParameterBuffer& parameters, const CommitPosition& position,
                      Expectation expectation) {
        auto sent = connection_.send(step, parameters, position);
        if (!sent) return sent;
        if (expectation.set == of_no_set) expectation.set = set_;
        expectations_.push_back(expectation);
        // The server reads while we write; else both might wait for each other's full buffers.
        if (expectations_.size() % flush_every != 0) return {};
        auto flushed = connection_.flush();
        if (!flushed) return fail(std::move(flushed));
        return connection_.consume();
    }
    Result<void> send_text(const char* sql) {
        auto sent = connection_.send_text(sql);
        if (sent) expectations_.push_back({});
        return sent;
    }
    void begin_set(std::size_t set) { set_ = set; }
    [[nodiscard]] const std::vector<Expectation>& expectations() const { return expectations_; }
    [[nodiscard]] Result<PostgresResult> next_result() {
        auto outcome = connection_.wait(deadline_);
        if (!outcome) return fail(std::move(outcome));
        ENSURE(!outcome->is_sync);
        ++answered_;
        return std::move(outcome->result);
    }
    // Ends a group: only behind a Sync does the server know that we think, and end a transaction whose hub has gone.
    [[nodiscard]] Result<void> send_sync() { return connection_.send_sync(); }
    [[nodiscard]] Result<void> take_sync() {
        auto outcome = connection_.wait(deadline_);
        if (!outcome) return fail(std::move(outcome));
        ENSURE(outcome->is_sync);
        return {};
    }
    [[nodiscard]] std::size_t answered() const { return answered_; }
    [[nodiscard]] Deadline deadline() const { return deadline_; }
    // Whether another's lock was waited for in vain.
    [[nodiscard]] bool was_locked_out() const { return locked_out_; }
    void note_state(std::string_view state) { locked_out_ = locked_out_ || state == sql_state::lock_not_available; }

  private:
    static constexpr std::size_t flush_every = 64;
    // Sends one statement and waits for its answer; those sent before it have theirs looked at as well.
    Result<PostgresResult> ask(const Statement& statement, const ParameterBuffer& parameters) {
        auto sent = send({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, {}, {});
        if (sent) sent = send_sync();
        if (!sent) return fail(std::move(sent));
        while (true) {
            auto result = next_result();
            if (!result) return result;
            const auto status = PQresultStatus(result->get());
            if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
                note_state(state_of(result->get()));
                return failure_of(result->get(), statement.name());
            }
            if (answered_ < expectations_.size()) continue;
            auto ended = take_sync();
            if (!ended) return fail(std::move(ended));
            return result;
        }
    }
    PostgresConnection& connection_;
    Deadline deadline_;
    std::vector<Expectation> expectations_;
    std::size_t answered_ = 0;
    std::size_t set_ = of_no_set;
    bool locked_out_ = false;
    PostgresResult read_;
};

PostgresCommitEngine::PostgresCommitEngine(const PostgresOptions& options, Store store, Sequencer& sequencer)
    : options_(with_session_name(options, store)),
      store_(store),
      sequencer_(sequencer),
      jitter_(std::random_device{}()) {}

Result<void> PostgresCommitEngine::connect(Deadline deadline) {
    if (connection_) return {};
    const auto now = std::chrono::steady_clock::now();
    if (now < connect_not_before_) return fail(ErrorCode::store_unavailable, "postgresql: away");
    auto opened = PostgresConnection::open(options_, write_use(store_), deadline);
    if (opened) {
        connection_ = std::move(*opened);
        auto ended = end_forgotten_sessions(deadline);
        if (!ended) disconnect();
        if (!ended) return ended;
        pause_ = {};
        return {};
    }
    pause_ = pause_.count() == 0 ? options_.reconnect_first : std::min(pause_ * 2, options_.reconnect_max);
    const auto half = pause_.count() / 2;
    connect_not_before_ = std::chrono::steady_clock::now() +
                          std::chrono::milliseconds(half + static_cast<std::int64_t>(jitter_()) % (half + 1));
    return fail(std::move(opened));
}

// A server that has not noticed that a connection is gone keeps its transaction and its locks. Ours are ended at once;
// those of others once they are older than any transaction of a hub that lives.
Result<void> PostgresCommitEngine::end_forgotten_sessions(Deadline deadline) {
    const std::string_view name = options_.session_name;
    std::string who = fmt::format("application_name = '{}'", name);
    if (std::exchange(locked_out_, false)) {
        auto age = options_.statement_timeout * 2;
        if (store_ == Store::registry) {
            age += std::chrono::ceil<std::chrono::milliseconds>(time_per_step * std::int64_t{bulk_set_steps_max});
        }
        who += fmt::format(" OR application_name LIKE '{}%' AND xact_start < clock_timestamp() - interval '{} ms'",
                           name.substr(0, name.rfind(' ') + 1), age.count());
    }
    const auto sql = fmt::format(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() "
        "AND usename = current_user AND pid <> pg_backend_pid() AND ({})",
        who);
    auto done = connection_->run(sql.c_str(), deadline);
    if (!done) return fail(std::move(done));
    return {};
}

void PostgresCommitEngine::disconnect() {
    connection_.reset();
}

Result<void> PostgresCommitEngine::open() {
    auto connected = connect(Deadline::in(options_.connect_timeout));
    if (!connected) return connected;
    auto opened = run_sequencer(&Sequencer::open);
    if (!opened) return opened;
    sequencer_.committed();
    return {};
}

// A transaction of the sequencer's own.
Result<void> PostgresCommitEngine::run_sequencer(Result<void> (Sequencer::*step)(Transaction&)) {
    const Deadline deadline = Deadline::in(options_.statement_timeout * 2);
    auto begun = connection_->run("BEGIN", deadline);
    Result<void> done = begun ? Result<void>() : fail(std::move(begun));
    if (done) {
        OpenTransaction transaction(*connection_, deadline);
        done = (sequencer_.*step)(transaction);
        locked_out_ = locked_out_ || transaction.was_locked_out();
    }
    if (done) {
        ENSURE(connection_->outcomes_expected() == 0);  // it asks, it does not only send
        auto committed = connection_->run("COMMIT", deadline);
        if (!committed) done = fail(std::move(committed));
    }
    if (!done) disconnect();
    return done;
}

void PostgresCommitEngine::run(std::vector<Item*>& items) {
    run_together(items);
    for (const Item* item : items) {
        ENSURE(item->outcome.has_value());
        if (item->outcome->has_value()) {
            committed_.fetch_add(1, std::memory_order_relaxed);
        } else if (item->outcome->error().code == ErrorCode::store_conflict) {
            conflicted_.fetch_add(1, std::memory_order_relaxed);
        } else {
            failed_.fetch_add(1, std::memory_order_relaxed);
        }
    }
}

void PostgresCommitEngine::run_together(std::vector<Item*> items) {
    // Who lost a guard in an attempt that was rolled back stays refused only when a later one commits: its winner may
    // have been in the same batch.
    std::vector<Item*> losers;
    for (int i = 0; i < attempts_max && !items.empty(); ++i) {
        const Attempt done = attempt(items);
        switch (done.end) {
            case End::committed: return;
            case End::losers_found:
                std::erase_if(items, [&](Item* item) {
                    const bool lost = item->outcome.has_value();
                    if (lost) losers.push_back(item);
                    return lost;
                });
                continue;
            case End::collided:
                std::this_thread::sleep_for(std::chrono::milliseconds(1 + jitter_() % collision_pause_max.count()));
                continue;
            case End::set_failed:
                if (items.size() + losers.size() > 1) break;
                [[fallthrough]];
            case End::store_failed:
            case End::unknown:
                if (done.end != End::set_failed) refusals_.fetch_add(1, std::memory_order_relaxed);
                for (Item* item : items) item->outcome = tl::unexpected(*done.error);
                return;
        }
        break;
    }
    if (items.empty()) return;
    items.insert(items.end(), losers.begin(), losers.end());
    for (Item* item : items) item->outcome.reset();
    std::optional<Error> store_failure;
    for (Item* item : items) {
        if (store_failure) {
            item->outcome = tl::unexpected(*store_failure);
            continue;
        }
        if (item->deadline.passed()) {
            item->outcome = fail(ErrorCode::deadline_passed, "not written: the deadline passed behind another set");
            continue;
        }
        run_alone(*item);
        const bool is_away = !item->outcome->has_value() && item->outcome->error().code == ErrorCode::store_unavailable;
        if (is_away && !connection_) store_failure = item->outcome->error();
    }
}

void PostgresCommitEngine::run_alone(Item& item) {
    std::optional<Error> last;
    for (int i = 0; i < attempts_max; ++i) {
        const Attempt done = attempt({&item});
        if (done.end == End::committed || done.end == End::losers_found) return;
        last = done.error;
        if (done.end != End::collided) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(1 + jitter_() % collision_pause_max.count()));
    }
    item.outcome = tl::unexpected(*last);
}

PostgresCommitEngine::Attempt PostgresCommitEngine::roll_back(End end, Error error) {
    sequencer_.rolled_back();
    if (connection_) {
        // Ends the pipeline's group, whatever of it is still under way, then the transaction.
        const Deadline deadline = Deadline::in(options_.statement_timeout);
        auto sent = connection_->send_sync();
        if (sent) sent = connection_->send_text("ROLLBACK");
        if (sent) sent = connection_->send_sync();
        while (sent && connection_->outcomes_expected() > 0) {
            auto outcome = connection_->wait(deadline);
            if (!outcome) sent = fail(std::move(outcome));
        }
        if (!sent) disconnect();
    }
    return {end, std::move(error)};
}

PostgresCommitEngine::Attempt PostgresCommitEngine::attempt(const std::vector<Item*>& items) {
    auto connected = connect(Deadline::in(options_.connect_timeout));
    if (!connected) return {End::store_failed, connected.error()};
    if (place_unknown_) {
        auto found = run_sequencer(&Sequencer::find_again);
        if (!found) return {End::store_failed, found.error()};
        place_unknown_ = false;
    }
    OpenTransaction transaction(*connection_,
                                Deadline::in(options_.statement_timeout + patience + time_for_steps(items)));
    const auto failed = [&](Error error) {
        const bool is_away = error.code == ErrorCode::store_unavailable || error.code == ErrorCode::store_full;
        locked_out_ = locked_out_ || transaction.was_locked_out();
        // A server that says nothing is not asked to roll back: the end of the connection does that too.
        if (is_away || PQstatus(connection_->handle()) != CONNECTION_OK) disconnect();
        return roll_back(is_away ? End::store_failed : End::set_failed, std::move(error));
    };
    auto sent = transaction.send_text("BEGIN");
    if (!sent) return failed(sent.error());
    auto begun = sequencer_.begin(transaction);
    if (!begun) return failed(begun.error());
    for (std::size_t i = 0; i < items.size() && sent; ++i) {
        const WriteSet& set = items[i]->set;
        transaction.begin_set(i);
        const CommitPosition position = sequencer_.next();
        for (const auto& guard : set.guards()) {
            if (sent) sent = transaction.send(guard.step, set.parameters(), position, {i, guard.rows_expected, {}});
        }
        for (const auto& step : set.changes()) {
            if (sent) sent = transaction.send(step, set.parameters(), position, {i, OpenTransaction::any_rows, {}});
        }
        if (!sent) break;
        auto accepted = sequencer_.accept(transaction, set);
        if (!accepted) return failed(accepted.error());
        items[i]->outcome = *accepted;
    }
    transaction.begin_set(OpenTransaction::of_no_set);
    if (sent) sent = sequencer_.end(transaction);
    if (sent) sent = transaction.send_text("SELECT CAST(pg_current_xact_id() AS TEXT)");
    if (sent) sent = transaction.send_sync();
    if (!sent) return failed(sent.error());
    return commit(transaction, items);
}

PostgresCommitEngine::Attempt PostgresCommitEngine::commit(OpenTransaction& transaction,
                                                           const std::vector<Item*>& items) {
    std::vector<bool> lost(items.size(), false);
    bool any_lost = false;
    std::optional<Attempt> broken;
    std::string transaction_id;
    const auto& expectations = transaction.expectations();
    while (transaction.answered() < expectations.size() && !broken) {
        const auto expected = expectations[transaction.answered()];
        auto result = transaction.next_result();
        if (!result) {
            disconnect();
            broken = Attempt{End::store_failed, result.error()};
            break;
        }
        const PGresult* answer = result->get();
        const auto status = PQresultStatus(answer);
        if (status == PGRES_TUPLES_OK) {
            transaction_id = PQgetvalue(answer, 0, 0);
        } else if (status == PGRES_COMMAND_OK) {
            if (expected.rows == OpenTransaction::any_rows || rows_touched(answer) == expected.rows) continue;
            if (expected.otherwise) {
                broken = Attempt{End::set_failed, Error{*expected.otherwise, "a row of the store's own order"}};
            } else {
                lost[expected.set] = any_lost = true;
            }
        } else {
            const auto failure = failure_of(answer, "write").value();
            const bool taken = state_of(answer) == sql_state::unique_violation && expected.otherwise;
            transaction.note_state(state_of(answer));
            const bool own_guard_lost = expected.set != OpenTransaction::of_no_set && lost[expected.set];
            if (is_collision(state_of(answer))) {
                broken = Attempt{End::collided, Error{ErrorCode::store_unavailable, failure.detail}};
            } else if (own_guard_lost) {
                break;  // what followed a lost guard may well fail
            } else if (taken) {
                broken = Attempt{End::set_failed, Error{*expected.otherwise, "a row of the store's own order"}};
            } else {
                const bool of_the_store = failure.code == ErrorCode::store_full || transaction.was_locked_out() ||
                                          state_of(answer).starts_with("57") || state_of(answer).starts_with("25") ||
                                          state_of(answer).empty();
                broken = Attempt{of_the_store ? End::store_failed : End::set_failed, failure};
            }
        }
    }
    if (transaction.was_locked_out()) {
        locked_out_ = true;
        disconnect();
    }
    if (broken || any_lost) {
        for (std::size_t i = 0; i < items.size(); ++i) {
            items[i]->outcome.reset();
            if (lost[i]) items[i]->outcome = fail(ErrorCode::store_conflict, "a guard was lost");
        }
        if (any_lost && (!broken || broken->end == End::set_failed)) {
            return roll_back(End::losers_found, Error{ErrorCode::store_conflict, "a guard was lost"});
        }
        for (Item* item : items) item->outcome.reset();
        return roll_back(broken->end, std::move(*broken->error));
    }
    auto sent = transaction.take_sync();
    if (sent) sent = connection_->send_text("COMMIT");
    if (sent) sent = connection_->send_sync();
    Result<PostgresConnection::Outcome> committed =
        sent ? connection_->wait(transaction.deadline()) : Result<PostgresConnection::Outcome>(fail(std::move(sent)));
    if (!committed) return fate_of(transaction_id, items, committed.error());
    if (PQresultStatus(committed->result.get()) != PGRES_COMMAND_OK) {
        auto failure = failure_of(committed->result.get(), "commit").value();
        const auto state = state_of(committed->result.get());
        if (state.empty()) return fate_of(transaction_id, items, std::move(failure));
        for (Item* item : items) item->outcome.reset();
        if (is_collision(state)) return roll_back(End::collided, std::move(failure));
        return roll_back(End::store_failed, std::move(failure));
    }
    // The transaction is committed; a connection that breaks behind it is found by the next one.
    auto end = connection_->wait(transaction.deadline());
    if (!end || !end->is_sync) disconnect();
    sequencer_.committed();
    commits_.fetch_add(1, std::memory_order_relaxed);
    return {End::committed, std::nullopt};
}

// The server knows how each of its transactions ended: an answer is a fact. While it is still under way, the old
// session may yet commit, so nobody is answered.
PostgresCommitEngine::Attempt PostgresCommitEngine::fate_of(const std::string& transaction_id,
                                                            const std::vector<Item*>& items, Error lost) {
    disconnect();
    const auto outcomes = [&] {
        std::vector<std::optional<Result<CommitPosition>>> kept;
        for (const Item* item : items) kept.push_back(item->outcome);
        return kept;
    }();
    const std::string question =
        fmt::format("SELECT coalesce(pg_xact_status(CAST('{}' AS xid8)), 'unknown')", transaction_id);
    const Deadline deadline = Deadline::in(fate_wait_max);
    std::string fate = "unknown";
    while (!deadline.passed()) {
        // One attempt that stays without an answer must not use up the time of all.
        auto connected = connect(Deadline(std::min(deadline.at(), Deadline::in(options_.connect_timeout).at())));
        if (connected) {
            auto answer = connection_->run(question.c_str(), deadline);
            if (answer) {
                fate = PQgetvalue(answer->get(), 0, 0);
                if (fate != "in progress") break;
            } else {
                disconnect();
            }
        }
        std::this_thread::sleep_for(fate_pause);
    }
    if (fate == "committed") {
        for (std::size_t i = 0; i < items.size(); ++i) items[i]->outcome = outcomes[i];
        sequencer_.committed();
        commits_.fetch_add(1, std::memory_order_relaxed);
        return {End::committed, std::nullopt};
    }
    for (Item* item : items) item->outcome.reset();
    sequencer_.rolled_back();
    if (fate == "aborted") return {End::store_failed, std::move(lost)};
    place_unknown_ = true;
    unknown_.fetch_add(1, std::memory_order_relaxed);
    return {End::unknown, Error{ErrorCode::store_outcome_unknown, "the store broke off during a commit"}};
}

StoreCounters PostgresCommitEngine::counters() const {
    StoreCounters counters;
    counters.commits = commits_.load(std::memory_order_relaxed);
    counters.sets_committed = committed_.load(std::memory_order_relaxed);
    counters.sets_conflicted = conflicted_.load(std::memory_order_relaxed);
    counters.sets_failed = failed_.load(std::memory_order_relaxed);
    counters.outcomes_unknown = unknown_.load(std::memory_order_relaxed);
    counters.refusals = refusals_.load(std::memory_order_relaxed);
    return counters;
}

}  // namespace onshi::sql
