#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/task.h"
#include "base/time.h"

namespace onshi {

// Where a coroutine runs: cheap to copy, names one loop. `co_await boost::asio::this_coro::executor` gives the own one.
using LoopExecutor = boost::asio::any_io_executor;

enum class CpuPinning : std::uint8_t { off, one_cpu_per_loop };

struct EventLoopOptions {
    std::size_t loops = 1;  // 1 … event_loops_max
    CpuPinning pinning = CpuPinning::off;
};

// N loops with one thread each; a coroutine stays on the loop it was started on, so its state needs no lock.
// Owns loops and threads. Thread-safe but for construction and destruction. Life: construct → spawn first work → run()
// (or start() … join()) → stop() from anywhere → run() returns when every started coroutine has ended. Destroy it after
// everything that may still hold one of its coroutines (committers, databases) has been closed (pitfalls §3.3).
class EventLoops {
  public:
    explicit EventLoops(EventLoopOptions options);
    EventLoops(const EventLoops&) = delete;
    EventLoops& operator=(const EventLoops&) = delete;
    // Does stop() and join() when the threads still run.
    ~EventLoops();

    [[nodiscard]] std::size_t size() const;
    // `index` is 0 … size() - 1.
    [[nodiscard]] LoopExecutor executor(std::size_t index) const;

    // Starts the threads and returns at once. Call it once.
    void start();
    // Lets each loop end when its last coroutine has ended. Does not interrupt anything: whoever owns long-lived
    // coroutines (a server's listener, a periodic task) ends them first or afterwards. Idempotent.
    void stop();
    // Waits for the threads; after stop() this is the drain. Not from one of the loops.
    void join();
    // start() and join().
    void run();

    // Starts a coroutine on loop `index`; see the free function.
    void spawn(std::size_t index, Task<void> task);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Index of the loop whose thread this is; nullopt elsewhere (also inside run_to_end).
[[nodiscard]] std::optional<std::size_t> current_loop_index();

// Starts a coroutine on a loop and does not wait for it. A coroutine that ends by an exception is our own bug: it is
// printed to stderr and the program aborts (Asio's `detached` would swallow it).
void spawn(const LoopExecutor& executor, Task<void> task);

// Sleeps on the own loop. A sleeping coroutine keeps its loop from ending; use Alarm where stop must not wait.
[[nodiscard]] Task<void> sleep_until(SteadyTime until);
[[nodiscard]] Task<void> sleep_for(std::chrono::milliseconds duration);
// Lets every other coroutine that is ready run once.
[[nodiscard]] Task<void> yield_to_others();

// Runs the tasks beside each other on the own loop; ends when the last of them has ended. As many as there are may wait
// at one time, so the caller bounds them.
[[nodiscard]] Task<void> run_side_by_side(std::vector<Task<void>> tasks);

// A sleep that can be ended early: a periodic task waits here, and its owner rings when it is to stop. A ring while
// nobody waits is remembered once, so that none is lost.
// One waiter at a time, on the executor's loop. ring() is thread-safe. Outlives its waiter.
class Alarm {
  public:
    enum class Woke : std::uint8_t { on_time, by_ring };

    explicit Alarm(const LoopExecutor& executor);
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;
    ~Alarm();

    [[nodiscard]] Task<Woke> wait_until(SteadyTime until);
    void ring();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

namespace event_loop_detail {

// Runs the task on the thread's private loop until that is idle; rethrows what the task threw.
void run_blocking(Task<void> task);

template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
}

}  // namespace event_loop_detail

// Runs one coroutine on the calling thread's private loop and returns its value once everything that it started on that
// loop has ended too. The loop lives as long as the thread, so connections that one call has opened serve the next. For
// tests and the command line; never from inside a coroutine.
template <class T>
T run_to_end(Task<T> task) {
    std::optional<T> result;
    event_loop_detail::run_blocking(event_loop_detail::keep_result(std::move(task), result));
    return std::move(*result);
}
inline void run_to_end(Task<void> task) {
    event_loop_detail::run_blocking(std::move(task));
}

}  // namespace onshi
