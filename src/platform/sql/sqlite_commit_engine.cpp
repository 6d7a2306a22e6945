#include "platform/sql/sqlite_commit_engine.h"

#include <sqlite3.h>

namespace onshi::sql {

class SqliteCommitEngine::OpenTransaction final : public Transaction {
  public:
    explicit OpenTransaction(SqliteConnection& connection) : connection_(connection) {}
    Result<std::int64_t> execute(const Statement& statement, const ParameterBuffer& parameters) override {
        return connection_.execute({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, {});
    }
    Result<void> write_one(const Statement& statement, const ParameterBuffer& parameters,
                           ErrorCode otherwise) override {
        auto rows = execute(statement, parameters);
        if (rows && *rows == 1) return {};
        if (rows || rows.error().code == ErrorCode::store_conflict) {
            return fail(otherwise, std::string(statement.name()));
        }
        return fail(std::move(rows));
    }
    Result<bool> read_one(const Statement& statement, const ParameterBuffer& parameters, Row& row) override {
        return connection_.query_one({&statement, 0, static_cast<std::uint32_t>(parameters.count())}, parameters, row);
    }

  private:
    SqliteConnection& connection_;
};

SqliteCommitEngine::SqliteCommitEngine(std::unique_ptr<SqliteConnection> connection, Sequencer& sequencer,
                                       std::function<void(int)> wal_grew, std::chrono::milliseconds busy_timeout)
    : connection_(std::move(connection)),
      sequencer_(sequencer),
      wal_grew_(std::move(wal_grew)),
      busy_timeout_(busy_timeout) {
    sqlite3_busy_timeout(connection_->handle(), static_cast<int>(busy_timeout_.count()));
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
    const auto failure = run_together(items);
    if (failure) {
        if (failure->whose == Whose::of_the_store) refusals_.fetch_add(1, std::memory_order_relaxed);
        const bool for_all = failure->whose == Whose::of_the_store || items.size() == 1;
        for (Item* item : items) {
            item->outcome.reset();
            if (for_all) item->outcome = tl::unexpected(failure->error);
        }
        if (!for_all) run_one_by_one(items);
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

// A locked store answers after its busy timeout only: whoever went on here set by set would keep hundreds of callers
// waiting long after their deadlines.
void SqliteCommitEngine::run_one_by_one(std::vector<Item*>& items) {
    std::optional<Error> store_failure;
    for (Item* item : items) {
        if (store_failure) {
            item->outcome = tl::unexpected(*store_failure);
        } else if (item->deadline.passed()) {
            item->outcome = fail(ErrorCode::deadline_passed, "not written: the deadline passed behind another set");
        } else {
            store_failure = run_alone(*item);
            if (store_failure) refusals_.fetch_add(1, std::memory_order_relaxed);
        }
    }
}

namespace {

// One `INSERT … ON CONFLICT DO NOTHING` or versioned UPDATE writes nothing when it is lost, so there is nothing to
// undo.
bool needs_savepoint(const WriteSet& set) {
    return set.guards().size() > 1 || (set.guards().size() == 1 && set.guards()[0].rows_expected != 1);
}

Result<CommitPosition> outcome_of(const std::optional<CommitPosition>& position) {
    if (position) return *position;
    return fail(ErrorCode::store_conflict, "a guard was lost");
}

}  // namespace

std::optional<SqliteCommitEngine::Failure> SqliteCommitEngine::run_together(std::vector<Item*>& items) {
    auto begun = begin();
    if (!begun) return Failure{std::move(begun.error()), Whose::of_the_store};
    const Company company = items.size() == 1 ? Company::alone : Company::with_others;
    for (Item* item : items) {
        auto applied = apply(item->set, company);
        if (!applied) {
            roll_back();
            // No space refuses every set alike; a broken constraint or statement may be one set's own fault.
            const bool full = applied.error().code == ErrorCode::store_full;
            return Failure{std::move(applied.error()), full ? Whose::of_the_store : Whose::of_one_set};
        }
        item->outcome = outcome_of(*applied);
        if (company == Company::alone && !*applied) {
            roll_back();
            return std::nullopt;
        }
    }
    auto committed = end_and_commit();
    if (!committed) return Failure{std::move(committed.error()), Whose::of_the_store};
    return std::nullopt;
}

std::optional<Error> SqliteCommitEngine::run_alone(Item& item) {
    auto begun = begin();
    if (!begun) {
        item.outcome = tl::unexpected(begun.error());
        return std::move(begun.error());
    }
    auto applied = apply(item.set, Company::alone);
    if (!applied) {
        roll_back();
        item.outcome = fail(std::move(applied));
        return std::nullopt;
    }
    if (!*applied) {
        roll_back();
        item.outcome = outcome_of(*applied);
        return std::nullopt;
    }
    auto committed = end_and_commit();
    if (!committed) {
        item.outcome = tl::unexpected(committed.error());
        return std::move(committed.error());
    }
    item.outcome = outcome_of(*applied);
    return std::nullopt;
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

// Alone, a set needs no savepoint: the transaction is undone with it. Under a savepoint SQLite copies every page to a
// journal beside before it changes it, which for a bulk set is as much as the log itself.
Result<std::optional<CommitPosition>> SqliteCommitEngine::apply(const WriteSet& set, Company company) {
    const bool savepoint = company == Company::with_others && needs_savepoint(set);
    if (savepoint) {
        auto begun = connection_->run("SAVEPOINT write_set");
        if (!begun) return fail(std::move(begun));
    }
    auto hold = guards_hold(set);
    if (!hold) return fail(std::move(hold));
    if (!*hold) {
        if (savepoint) {
            auto undone = connection_->run("ROLLBACK TO write_set; RELEASE write_set");
            if (!undone) return fail(std::move(undone));
        }
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
    if (savepoint) {
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
    sqlite3_busy_timeout(connection_->handle(), static_cast<int>(busy_timeout_.count()));
}

StoreCounters SqliteCommitEngine::counters() const {
    StoreCounters counters;
    counters.commits = commits_.load(std::memory_order_relaxed);
    counters.sets_committed = committed_.load(std::memory_order_relaxed);
    counters.sets_conflicted = conflicted_.load(std::memory_order_relaxed);
    counters.sets_failed = failed_.load(std::memory_order_relaxed);
    counters.refusals = refusals_.load(std::memory_order_relaxed);
    counters.wal_pages = wal_pages_.load(std::memory_order_relaxed);
    counters.checkpoints = checkpoints_.load(std::memory_order_relaxed);
    return counters;
}

}  // namespace onshi::sql
