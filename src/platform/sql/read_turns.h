#pragma once

#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/sql/read_batch.h"

namespace onshi::sql {

// Gathers the read batches that the coroutines of one loop ask for in one turn of that loop and hands them to the
// engine together: they share its snapshot, its locks and the processor's caches, and their callers go on one after the
// other. A batch waits only for what the loop has to do anyway. Thread-safe; owns nothing beyond a turn. Outlives its
// callers.
class ReadTurns {
  public:
    struct Item {
        ReadBatch* batch;
        Deadline deadline;
        Result<void> outcome;
    };
    // Gives every item its outcome. Runs on the callers' loop.
    using Engine = std::function<void(std::span<Item>)>;

    explicit ReadTurns(Engine engine) : engine_(std::move(engine)) {}
    ReadTurns(const ReadTurns&) = delete;
    ReadTurns& operator=(const ReadTurns&) = delete;

    [[nodiscard]] Task<Result<void>> read(ReadBatch& batch, Deadline deadline);

  private:
    struct Turn;
    void run(Turn& turn) const;
    Engine engine_;
};

}  // namespace onshi::sql
