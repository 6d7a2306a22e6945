#include "platform/sql/sqlite_commit_engine.h"

#include <sqlite3.h>

namespace onshi::sql {

class SqliteCommitEngine::OpenTransaction final : public Transaction {
  public:
    explicit OpenTransaction(SqliteConnection& connection) : connection_(connection) {}
    Result<std::int64_t> execute(const Statement& statement, const ParameterBuffer& parameters) override {
        return connection_.execute({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, {});
    }
    Result<bool> read_one(const Statement& statement, const ParameterBuffer& parameters, Row& row) override {
        return connection_.query_one({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, row);
    }

  private:
    SqliteConnection& connection_;
};

SqliteCommitEngine::SqliteCommitEngine(std::unique_ptr<SqliteConnection> connection, Sequencer& sequencer,
                                       std::function<void(int)> wal_grew)
    : connection_(std::move(connection)), sequencer_(sequencer), wal_grew_(std::move(wal_grew)) {
    auto on_commit = [](void* self, sqlite3*, const char*, int pages) {
        auto& engine = *static_cast<SqliteCommitEngine*>(self);
        engine.wal_pages_.store(static_cast<std::uint64_t>(pages), std::memory_order_relaxed);
        engine.wal_grew_(pages);
        return SQLITE_OK;
    };
    sqlite3_wal_hook(connection_->handle(), on_commit, this);
}

Result<void> SqliteCommitEngine::open() {
    auto begun = connection_->run("BEGIN IMMEDIATE");
    if (!begun) return begun;
    OpenTransaction transaction(*connection_);
    auto opened = sequencer_.open(transaction);
    connection_->reset_open_query();
    if (opened) opened = connection_->run("COMMIT");
    if (!opened) {
        roll_back();
        return opened;
    }
    sequencer_.committed();
    return {};
}

void SqliteCommitEngine::run(std::vector<Item*>& items) {
    restart_log_if_wanted();
    auto together = run_together(items);
    if (!together) {
        // No space or no disk refuses every set alike; a broken constraint may be one set's own fault.
        const bool hopeless = together.error().code == ErrorCode::store_full || items.size() == 1;
        for (Item* item : items) {
            item->outcome.reset();
            if (hopeless) {
                item->outcome = tl::unexpected(together.error());
            } else {
                run_alone(*item);
            }
        }
    }
    for (const Item* item : items) {
        if (item->outcome->has_value()) {
            committed_.fetch_add(1, std::memory_order_relaxed);
        } else if (item->outcome->error().code == ErrorCode::store_conflict) {
            conflicted_.fetch_add(1, std::memory_order_relaxed);
        } else {
            failed_.fetch_add(1, std::memory_order_relaxed);
        }
    }
}

namespace {

// One `INSERT … ON CONFLICT DO NOTHING` or versioned UPDATE writes nothing when it is lost, so there is nothing to undo.
bool needs_savepoint(const WriteSet& set) {
    return set.guards().size() > 1 || (set.guards().size() == 1 && set.guards()[0].rows_expected != 1);
}

Result<CommitPosition> outcome_of(const std::optional<CommitPosition>& position) {
    if (position) return *position;
    return fail(ErrorCode::store_conflict, "a guard was lost");
}

}  // namespace

Result<void> SqliteCommitEngine::run_together(std::vector<Item*>& items) {
    auto begun = begin();
    if (!begun) return begun;
    for (Item* item : items) {
        auto applied = apply(item->set);
        if (!applied) {
            roll_back();
            return fail(std::move(applied));
        }
        item->outcome = outcome_of(*applied);
    }
    return end_and_commit();
}

void SqliteCommitEngine::run_alone(Item& item) {
    auto begun = begin();
    if (!begun) {
        item.outcome = fail(std::move(begun));
        return;
    }
    auto applied = apply(item.set);
    if (!applied) {
        roll_back();
        item.outcome = fail(std::move(applied));
        return;
    }
    auto committed = end_and_commit();
    if (committed) {
        item.outcome = outcome_of(*applied);
    } else {
        item.outcome = fail(std::move(committed));
    }
}

Result<bool> SqliteCommitEngine::guards_hold(const WriteSet& set) {
    const CommitPosition position = sequencer_.next();
    for (const auto& guard : set.guards()) {
        auto rows = connection_->execute(guard.step, set.parameters(), position);
        if (!rows) return fail(std::move(rows));
        if (*rows == guard.rows_expected) continue;
        if (*rows > 0 && !needs_savepoint(set)) {
            return fail(ErrorCode::store_corrupt, "a single guard touched more rows than one");
        }
        return false;
    }
    return true;
}

Result<void> SqliteCommitEngine::begin_set(const WriteSet& set) {
    return needs_savepoint(set) ? connection_->run("SAVEPOINT write_set") : Result<void>();
}

Result<void> SqliteCommitEngine::undo_guards(const WriteSet& set) {
    return needs_savepoint(set) ? connection_->run("ROLLBACK TO write_set; RELEASE write_set") : Result<void>();
}

Result<std::optional<CommitPosition>> SqliteCommitEngine::apply(const WriteSet& set) {
    auto begun = begin_set(set);
    if (!begun) return fail(std::move(begun));
    auto hold = guards_hold(set);
    if (!hold) return fail(std::move(hold));
    if (!*hold) {
        auto undone = undo_guards(set);
        if (!undone) return fail(std::move(undone));
        return std::optional<CommitPosition>();
    }
    const CommitPosition position = sequencer_.next();
    for (const auto& step : set.changes()) {
        auto rows = connection_->execute(step, set.parameters(), position);
        if (!rows) return fail(std::move(rows));
    }
    OpenTransaction transaction(*connection_);
    auto accepted = sequencer_.accept(transaction, set);
    if (!accepted) return fail(std::move(accepted));
    if (needs_savepoint(set)) {
        auto released = connection_->run("RELEASE write_set");
        if (!released) return fail(std::move(released));
    }
    return std::optional<CommitPosition>(*accepted);
}

Result<void> SqliteCommitEngine::begin() {
    auto begun = connection_->run("BEGIN IMMEDIATE");
    if (!begun) return begun;
    OpenTransaction transaction(*connection_);
    auto sequenced = sequencer_.begin(transaction);
    connection_->reset_open_query();
    if (!sequenced) roll_back();
    return sequenced;
}

Result<void> SqliteCommitEngine::end_and_commit() {
    OpenTransaction transaction(*connection_);
    auto ended = sequencer_.end(transaction);
    connection_->reset_open_query();
    if (ended) ended = connection_->run("COMMIT");
    if (!ended) {
        roll_back();
        return ended;
    }
    sequencer_.committed();
    commits_.fetch_add(1, std::memory_order_relaxed);
    return {};
}

void SqliteCommitEngine::roll_back() {
    connection_->reset_open_query();
    // SQLite has already rolled back by itself after some failures; then there is nothing to end.
    if (sqlite3_get_autocommit(connection_->handle()) == 0) {
        auto rolled_back = connection_->run("ROLLBACK");
        static_cast<void>(rolled_back);
    }
    sequencer_.rolled_back();
}

void SqliteCommitEngine::restart_log_if_wanted() {
    if (!restart_wanted_.exchange(false, std::memory_order_relaxed)) return;
    // Busy readers end within microseconds; if one does not, the next request tries again.
    sqlite3_busy_timeout(connection_->handle(), 20);
    sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
    sqlite3_busy_timeout(connection_->handle(), 2000);
}

StoreCounters SqliteCommitEngine::counters() const {
    StoreCounters counters;
    counters.commits = commits_.load(std::memory_order_relaxed);
    counters.sets_committed = committed_.load(std::memory_order_relaxed);
    counters.sets_conflicted = conflicted_.load(std::memory_order_relaxed);
    counters.sets_failed = failed_.load(std::memory_order_relaxed);
    counters.wal_pages = wal_pages_.load(std::memory_order_relaxed);
    counters.checkpoints = checkpoints_.load(std::memory_order_relaxed);
    return counters;
}

}  // namespace onshi::sql
