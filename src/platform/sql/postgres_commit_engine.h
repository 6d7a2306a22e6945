#pragma once

// Inside this folder only.
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "platform/sql/committer.h"
#include "platform/sql/database.h"
#include "platform/sql/postgres_connection.h"
#include "platform/sql/sequencer.h"

namespace onshi::sql {

// Runs gathered write sets as one transaction in one pipeline: guards, changes and record of each set in order, as if
// every guard held, then COMMIT when they all did. Sets that lost a guard are left out and the rest is sent once more;
// when a set fails otherwise, each runs alone once. A conflict with another hub (40001, 40P01) is repeated. When the
// connection breaks around the COMMIT, the server is asked for the transaction's fate before anyone is answered.
// Used on the committer's thread only; counters are readable from any thread.
class PostgresCommitEngine final : public CommitEngine {
  public:
    PostgresCommitEngine(const PostgresOptions& options, Store store, Sequencer& sequencer);

    // Claims the lane. Before the committer's thread starts.
    [[nodiscard]] Result<void> open();
    void run(std::vector<Item*>& items) override;
    [[nodiscard]] StoreCounters counters() const;

  private:
    class OpenTransaction;
    // How an attempt at some sets ended.
    enum class End : std::uint8_t {
        committed,     // every item has its outcome
        losers_found,  // some items have lost a guard; nothing was written
        set_failed,    // one set's own fault, or nobody knows whose; nothing was written
        collided,      // with another hub; nothing was written
        store_failed,  // the store cannot write; nothing was written
        unknown,       // whether it was written will never be known
    };
    struct Attempt {
        End end;
        std::optional<Error> error;
    };
    [[nodiscard]] Attempt attempt(const std::vector<Item*>& items);
    [[nodiscard]] Attempt commit(OpenTransaction& transaction, const std::vector<Item*>& items);
    [[nodiscard]] Attempt fate_of(const std::string& transaction_id, const std::vector<Item*>& items, Error lost);
    [[nodiscard]] Attempt roll_back(End end, Error error);
    void run_together(std::vector<Item*> items);
    void run_alone(Item& item);
    [[nodiscard]] Result<void> connect(Deadline deadline);
    void disconnect();
    [[nodiscard]] Result<void> run_sequencer(Result<void> (Sequencer::*step)(Transaction&));
    [[nodiscard]] Result<void> end_forgotten_sessions(Deadline deadline);

    const PostgresOptions options_;
    const Store store_;
    Sequencer& sequencer_;
    std::unique_ptr<PostgresConnection> connection_;
    std::minstd_rand jitter_;
    std::chrono::milliseconds pause_{0};
    SteadyTime connect_not_before_{};
    bool locked_out_ = false;     // another's lock was waited for in vain since the last connect
    bool place_unknown_ = false;  // a commit without a known outcome may have moved it
    std::atomic<std::uint64_t> commits_{0};
    std::atomic<std::uint64_t> committed_{0};
    std::atomic<std::uint64_t> conflicted_{0};
    std::atomic<std::uint64_t> failed_{0};
    std::atomic<std::uint64_t> refusals_{0};
    std::atomic<std::uint64_t> unknown_{0};
};

}  // namespace onshi::sql
