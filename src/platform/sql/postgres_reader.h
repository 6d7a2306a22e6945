#pragma once

// Inside this folder only: read batches of one event loop over one connection.
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/task.h"
#include "platform/sql/postgres_connection.h"
#include "platform/sql/read_batch.h"

namespace onshi::sql {

struct PostgresReadCounters {
    std::atomic<std::uint64_t> batches{0};
    std::atomic<std::uint64_t> groups{0};
    std::atomic<std::uint64_t> connects{0};
};

// Gathers the read batches that coroutines of one loop ask for in the same turn, or while earlier ones are under way,
// into groups: one Sync and one snapshot for a group. Reads are repeated once when the connection breaks under them;
// connecting happens on another thread, because libpq blocks in name lookup. Nothing is pending on the loop while
// nobody waits. Used on its loop's thread only; destroyed when that loop does not run.
class PostgresReader : public std::enable_shared_from_this<PostgresReader> {
  public:
    PostgresReader(boost::asio::any_io_executor executor, const PostgresOptions& options,
                   boost::asio::thread_pool& connector, PostgresReadCounters& counters);
    ~PostgresReader();

    [[nodiscard]] Task<Result<void>> read(ReadBatch& batch, Deadline deadline);

  private:
    using Handler = boost::asio::async_result<boost::asio::use_awaitable_t<>, void(Result<void>)>::handler_type;
    struct Pending {
        Pending(ReadBatch& b, Deadline d, Handler&& h)
            : batch(&b), queries(b.queries().size()), deadline(d), handler(std::move(h)) {}
        ReadBatch* batch;  // null once its caller has been answered
        std::size_t queries;
        Deadline deadline;
        Handler handler;
        Result<void> outcome;
        int attempts = 0;
    };
    using PendingPtr = std::unique_ptr<Pending>;
    // Batches between two Syncs.
    struct Group {
        std::vector<PendingPtr> reads;
        std::size_t read = 0;   // whose outcomes come next
        std::size_t query = 0;  // of that read
        bool broken = false;    // a statement failed: all of the group is void
        SteadyTime sent;
    };
    using Answered = std::vector<std::pair<PendingPtr, Result<void>>>;

    void submit(PendingPtr pending);
    void schedule();
    void pump();
    void send_groups();
    [[nodiscard]] Result<void> send_group();
    void start_connecting();
    void connected(Result<std::unique_ptr<PostgresConnection>> connection);
    void watch_socket();
    void readable();
    void take_outcomes();
    void take_outcome(Group& group, const PostgresConnection::Outcome& outcome);
    void end_group(Group group);
    void lose_connection(const Error& error);
    void again_or_fail(PendingPtr pending, const Error& error);
    void arm_timer();
    void on_timer();
    void answer(PendingPtr pending, Result<void> outcome);
    void hand_out();
    [[nodiscard]] bool idle() const { return queue_.empty() && groups_.empty(); }

    boost::asio::any_io_executor executor_;
    const PostgresOptions& options_;
    boost::asio::thread_pool& connector_;
    PostgresReadCounters& counters_;
    std::unique_ptr<PostgresConnection> connection_;
    std::optional<boost::asio::posix::stream_descriptor> descriptor_;
    boost::asio::steady_timer timer_;
    std::deque<PendingPtr> queue_;
    std::deque<Group> groups_;
    Answered answered_;
    std::minstd_rand jitter_;
    std::chrono::milliseconds pause_{0};
    SteadyTime connect_not_before_{};
    std::optional<SteadyTime> away_since_;
    bool scheduled_ = false;
    bool connecting_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool timing_ = false;
    std::uint64_t generation_ = 0;  // of the connection: late wake-ups of an older one are ignored
};

}  // namespace onshi::sql
