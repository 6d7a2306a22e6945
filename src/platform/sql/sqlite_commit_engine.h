#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "platform/sql/committer.h"
#include "platform/sql/database.h"
#include "platform/sql/sequencer.h"
#include "platform/sql/sqlite_connection.h"

namespace onshi::sql {

// Runs gathered write sets as one SQLite transaction: guards, then position, changes and record of each set in order,
// then COMMIT. A lost guard drops its own set. A set that fails otherwise rolls the batch back, and each set runs alone
// once, because it may be one set's own fault; when the transaction itself cannot begin or end, all are refused at
// once. Used on the committer's thread only; counters are readable from any thread.
class SqliteCommitEngine final : public CommitEngine {
  public:
    // `wal_grew` is called after a commit with the pages in the write-ahead log.
    SqliteCommitEngine(std::unique_ptr<SqliteConnection> connection, Sequencer& sequencer,
                       std::function<void(int)> wal_grew, std::chrono::milliseconds busy_timeout);

    // Claims the lane. Before the committer's thread starts.
    [[nodiscard]] Result<void> open();
    void run(std::vector<Item*>& items) override;
    [[nodiscard]] StoreCounters counters() const;
    // Asks the next commit to restart the log, when the checkpoint thread has copied nearly all of it.
    void request_log_restart() { restart_wanted_.store(true, std::memory_order_relaxed); }
    void count_checkpoint() { checkpoints_.fetch_add(1, std::memory_order_relaxed); }

  private:
    class OpenTransaction;
    enum class Whose : std::uint8_t { of_one_set, of_the_store };
    struct Failure {
        Error error;
        Whose whose;
    };
    [[nodiscard]] std::optional<Failure> run_together(std::vector<Item*>& items);
    // The store's failure, if it is one: then the next set would fail alike.
    [[nodiscard]] std::optional<Error> run_alone(Item& item);
    void run_one_by_one(std::vector<Item*>& items);
    // Whether the transaction holds more sets than this one.
    enum class Company : std::uint8_t { alone, with_others };
    // The position; nullopt when a guard was lost: among others the transaction is as it was before the set then, a set
    // that is alone leaves it to be rolled back.
    [[nodiscard]] Result<std::optional<CommitPosition>> apply(const WriteSet& set, Company company);
    [[nodiscard]] Result<bool> guards_hold(const WriteSet& set);
    [[nodiscard]] Result<void> begin();
    [[nodiscard]] Result<void> end_and_commit();
    void roll_back();
    void restart_log_if_wanted();

    std::unique_ptr<SqliteConnection> connection_;
    Sequencer& sequencer_;
    std::function<void(int)> wal_grew_;
    const std::chrono::milliseconds busy_timeout_;
    std::atomic<bool> restart_wanted_{false};
    std::atomic<std::uint64_t> commits_{0};
    std::atomic<std::uint64_t> committed_{0};
    std::atomic<std::uint64_t> conflicted_{0};
    std::atomic<std::uint64_t> failed_{0};
    std::atomic<std::uint64_t> refusals_{0};
    std::atomic<std::uint64_t> wal_pages_{0};
    std::atomic<std::uint64_t> checkpoints_{0};
};

}  // namespace onshi::sql
