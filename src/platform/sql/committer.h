#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/sql/limits.h"
#include "platform/sql/sequencer.h"
#include "platform/sql/write_set.h"

namespace onshi::sql {

// What an engine does with a gathered batch. Called on the committer's thread only.
class CommitEngine {
  public:
    struct Item {
        WriteSet set;
        Deadline deadline;
        std::optional<Result<CommitPosition>> outcome;
    };
    virtual ~CommitEngine() = default;
    // Gives every item an outcome; positions only after they are durable. Deadlines have been looked at; an engine that
    // takes long looks again.
    virtual void run(std::vector<Item*>& items) = 0;
};

// How fast sets have been arriving lately, from what each commit took. Not thread-safe.
class ArrivalRate {
  public:
    static constexpr std::chrono::milliseconds memory{20};
    void took(std::size_t sets, std::chrono::steady_clock::time_point now);
    [[nodiscard]] double per_second() const { return per_second_; }

  private:
    std::chrono::steady_clock::time_point last_{};
    double per_second_ = 0;
};

// Gathers write sets of one store and hands them to the engine, one batch at a time; every caller is answered on its
// own event loop, one post per loop and batch. Thread-safe. Owns one thread and the waiting write sets. Never drops an
// accepted set without an answer, never reorders.
class Committer {
  public:
    Committer(CommitEngine& engine, CommitLimits limits);
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    [[nodiscard]] Task<Result<CommitPosition>> commit(WriteSet set, Deadline deadline);
    // Refuses new sets, commits and answers the waiting ones, ends the thread. Idempotent. The event loops that wait
    // for answers must still run.
    void close();
    [[nodiscard]] std::size_t waiting() const;

  private:
    struct Waiting;
    struct Queue;
    class Call;
    void run();
    [[nodiscard]] bool gather(std::vector<std::unique_ptr<Waiting>>& taken);
    void answer(std::vector<std::unique_ptr<Waiting>>& done);
    [[nodiscard]] std::optional<ErrorCode> enqueue(std::unique_ptr<Waiting>& waiting);

    CommitEngine& engine_;
    const CommitLimits limits_;
    const std::shared_ptr<Queue> queue_;
    ArrivalRate arrivals_;
    std::mutex close_mutex_;
    std::thread thread_;
};

}  // namespace onshi::sql
