#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/sql/limits.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/sequencer.h"
#include "platform/sql/statement.h"
#include "platform/sql/write_set.h"

namespace onshi::sql {

// What an operator wants to know of a store; counters since start.
struct StoreCounters {
    std::uint64_t commits = 0;
    std::uint64_t sets_committed = 0;
    std::uint64_t sets_conflicted = 0;
    std::uint64_t sets_failed = 0;
    std::uint64_t refusals = 0;          // commits that the store itself could not do: locked, full, broken
    std::uint64_t outcomes_unknown = 0;  // commits of which nobody can say whether they were written
    std::uint64_t sets_waiting = 0;
    std::uint64_t wal_pages = 0;
    std::uint64_t checkpoints = 0;
};

struct ReadCounters {
    std::uint64_t batches = 0;
    std::uint64_t cold_batches = 0;  // ran on a reader thread
    std::uint64_t pages_read = 0;    // page requests that the engine's own cache did not answer
};

// The two stores of a hub. Thread-safe: every event loop calls it, answers come back on the calling loop.
// read:   all queries of the batch see one snapshot. Errors: store.unavailable, store.corrupt, deadline.passed,
//         overload.busy.
// commit: durable before the answer. Errors: store.conflict (a guard was lost; nothing written), store.full,
//         store.unavailable, store.outcome_unknown, deadline.passed (dropped before it was tried), overload.busy.
//         An empty set is a commit all the same: it shows whether the store takes writes.
class Database {
  public:
    virtual ~Database() = default;
    [[nodiscard]] virtual Task<Result<void>> read(ReadBatch& batch, Deadline deadline) = 0;
    [[nodiscard]] virtual Task<Result<CommitPosition>> commit(WriteSet set, Deadline deadline) = 0;
    // Refuses new write sets, commits the waiting ones and answers them. Idempotent.
    virtual void close() = 0;
    [[nodiscard]] virtual StoreCounters counters(Store store) const = 0;
    [[nodiscard]] virtual ReadCounters read_counters() const = 0;
};

}  // namespace onshi::sql
