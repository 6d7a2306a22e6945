#include "platform/event_loop/event_loop.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/ensure.h"
#include "platform/event_loop/limits.h"

namespace onshi {

namespace asio = boost::asio;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t no_loop = static_cast<std::size_t>(-1);
thread_local std::size_t loop_of_thread = no_loop;

std::string describe(const std::exception_ptr& exception) {
    try {
        std::rethrow_exception(exception);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "not a std::exception";
    }
}

void abort_on(const std::exception_ptr& exception) {
    if (!exception) return;
    std::fprintf(stderr, "onshi: internal error: a coroutine ended by an exception: %s\n", describe(exception).c_str());
    std::abort();
}

// The CPUs this process may use, so that pinning respects taskset and cgroups.
std::vector<int> allowed_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::vector<int> cpus;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
    return cpus;
}

// A failed pin costs speed only, so it is not an error.
void pin_this_thread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof set, &set));
}

void name_this_thread(std::size_t index) {
    const std::string name = "loop-" + std::to_string(index);
    static_cast<void>(pthread_setname_np(pthread_self(), name.c_str()));
}

}  // namespace

struct EventLoops::Impl {
    struct Loop {
        asio::io_context context{1};
        asio::executor_work_guard<asio::io_context::executor_type> guard{context.get_executor()};
        std::thread thread;
    };

    explicit Impl(EventLoopOptions given) : options(given) {
        for (std::size_t i = 0; i < options.loops; ++i) loops.push_back(std::make_unique<Loop>());
    }

    void run_loop(std::size_t index, const std::vector<int>& cpus) {
        loop_of_thread = index;
        name_this_thread(index);
        if (options.pinning == CpuPinning::one_cpu_per_loop && !cpus.empty())
            pin_this_thread(cpus[index % cpus.size()]);
        loops[index]->context.run();
        loop_of_thread = no_loop;
    }

    EventLoopOptions options;
    std::vector<std::unique_ptr<Loop>> loops;
    std::mutex mutex;  // guards `started`, `stopped` and the guards
    bool started = false;
    bool stopped = false;
};

EventLoops::EventLoops(EventLoopOptions options) {
    ENSURE(options.loops >= 1 && options.loops <= event_loops_max);
    impl_ = std::make_unique<Impl>(options);
}

EventLoops::~EventLoops() {
    stop();
    join();
}

std::size_t EventLoops::size() const {
    return impl_->loops.size();
}

LoopExecutor EventLoops::executor(std::size_t index) const {
    ENSURE(index < impl_->loops.size());
    return impl_->loops[index]->context.get_executor();
}

void EventLoops::start() {
    const std::scoped_lock lock(impl_->mutex);
    ENSURE(!impl_->started);
    impl_->started = true;
    const std::vector<int> cpus = allowed_cpus();
    for (std::size_t i = 0; i < impl_->loops.size(); ++i) {
        impl_->loops[i]->thread = std::thread([this, i, cpus] { impl_->run_loop(i, cpus); });
    }
}

void EventLoops::stop() {
    const std::scoped_lock lock(impl_->mutex);
    if (std::exchange(impl_->stopped, true)) return;
    for (auto& loop : impl_->loops) loop->guard.reset();
}

void EventLoops::join() {
    ENSURE(loop_of_thread == no_loop);
    for (auto& loop : impl_->loops) {
        if (loop->thread.joinable()) loop->thread.join();
    }
}

void EventLoops::run() {
    start();
    join();
}

void EventLoops::spawn(std::size_t index, Task<void> task) {
    onshi::spawn(executor(index), std::move(task));
}

std::optional<std::size_t> current_loop_index() {
    if (loop_of_thread == no_loop) return std::nullopt;
    return loop_of_thread;
}

void spawn(const LoopExecutor& executor, Task<void> task) {
    asio::co_spawn(executor, std::move(task), &abort_on);
}

Task<void> sleep_until(SteadyTime until) {
    asio::steady_timer timer(co_await asio::this_coro::executor, until);
    auto [error] = co_await timer.async_wait(no_throw);
    static_cast<void>(error);
}

Task<void> sleep_for(std::chrono::milliseconds duration) {
    co_await sleep_until(std::chrono::steady_clock::now() + duration);
}

Task<void> yield_to_others() {
    const auto executor = co_await asio::this_coro::executor;
    co_await asio::post(executor, asio::use_awaitable);
}

struct Alarm::Impl {
    explicit Impl(const LoopExecutor& executor) : timer(executor) {}

    asio::steady_timer timer;
    bool rung = false;  // on the loop only
};

Alarm::Alarm(const LoopExecutor& executor) : impl_(std::make_shared<Impl>(executor)) {}
Alarm::~Alarm() = default;

Task<Alarm::Woke> Alarm::wait_until(SteadyTime until) {
    const std::shared_ptr<Impl> impl = impl_;
    if (!impl->rung) {
        impl->timer.expires_at(until);
        auto [error] = co_await impl->timer.async_wait(no_throw);
        static_cast<void>(error);
    }
    co_return std::exchange(impl->rung, false) ? Woke::by_ring : Woke::on_time;
}

void Alarm::ring() {
    asio::post(impl_->timer.get_executor(), [impl = impl_] {
        impl->rung = true;
        impl->timer.cancel();
    });
}

namespace {

constexpr std::chrono::hours side_by_side_wait{24};

// What the tasks share with the one who waits for them.
struct Together {
    Together(const LoopExecutor& executor, std::size_t count) : all_ended(executor), running(count) {}
    Alarm all_ended;
    std::size_t running;
};

Task<void> run_one(Task<void> task, std::shared_ptr<Together> together) {
    co_await std::move(task);
    if (--together->running == 0) together->all_ended.ring();
}

}  // namespace

Task<void> run_side_by_side(std::vector<Task<void>> tasks) {
    if (tasks.empty()) co_return;
    const LoopExecutor executor = co_await asio::this_coro::executor;
    auto together = std::make_shared<Together>(executor, tasks.size());
    for (auto& task : tasks) spawn(executor, run_one(std::move(task), together));
    while (together->running > 0) {
        const auto woke = co_await together->all_ended.wait_until(std::chrono::steady_clock::now() + side_by_side_wait);
        static_cast<void>(woke);
    }
}

namespace event_loop_detail {

namespace {

// Loops of threads that have ended, for threads that begin. Never destroyed: the thread that woke a loop (a store's
// committer) may still be inside that call when the woken one has its answer and ends.
class IdleLoops {
  public:
    static IdleLoops& instance() {
        static auto& loops = *new IdleLoops;
        return loops;
    }
    asio::io_context* take() {
        const std::scoped_lock lock(mutex_);
        if (idle_.empty()) return std::make_unique<asio::io_context>(1).release();
        asio::io_context* loop = idle_.back();
        idle_.pop_back();
        return loop;
    }
    void give_back(asio::io_context* loop) {
        const std::scoped_lock lock(mutex_);
        idle_.push_back(loop);
    }

  private:
    std::mutex mutex_;
    std::vector<asio::io_context*> idle_;
};

struct LoopOfThread {
    asio::io_context* const loop = IdleLoops::instance().take();
    ~LoopOfThread() { IdleLoops::instance().give_back(loop); }
};

}  // namespace

void run_blocking(Task<void> task) {
    // One loop per thread for all calls: what a call leaves behind without work of its own (a client's kept connection)
    // stays usable for the next one instead of pointing into a loop that is gone.
    thread_local const LoopOfThread mine;
    asio::io_context& context = *mine.loop;
    ENSURE(loop_of_thread == no_loop && !context.get_executor().running_in_this_thread());
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(task),
                   [&thrown](std::exception_ptr exception) { thrown = std::move(exception); });
    context.restart();
    context.run();
    if (thrown) std::rethrow_exception(thrown);
}

}  // namespace event_loop_detail

}  // namespace onshi
