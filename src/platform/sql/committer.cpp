#include "platform/sql/committer.h"

#include <algorithm>
#include <condition_variable>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/ensure.h"

namespace onshi::sql {

namespace asio = boost::asio;

namespace {

using Signature = void(Result<CommitPosition>);
using Handler = asio::async_result<asio::use_awaitable_t<>, Signature>::handler_type;

}  // namespace

struct Committer::Waiting : CommitEngine::Item {
    Waiting(WriteSet write_set, Deadline until, Handler&& completion)
        : Item{std::move(write_set), until, std::nullopt}, handler(std::move(completion)) {}
    Handler handler;
};

struct Committer::Queue {
    std::mutex mutex;
    std::condition_variable arrived;
    std::vector<std::unique_ptr<Waiting>> sets;
    bool called = false;  // a Call is on its way
    bool awake = false;   // the committer has been told of the sets
    bool closed = false;
};

Committer::Committer(CommitEngine& engine, CommitLimits limits)
    : engine_(engine), limits_(limits), queue_(std::make_shared<Queue>()), thread_([this] { run(); }) {}

Committer::~Committer() {
    close();
}

Task<Result<CommitPosition>> Committer::commit(WriteSet set, Deadline deadline) {
    if (set.too_large()) co_return fail(ErrorCode::request_too_large, "write set over its limit");
    auto initiate = [this, deadline](auto&& handler, WriteSet write_set) {
        auto waiting =
            std::make_unique<Waiting>(std::move(write_set), deadline, std::forward<decltype(handler)>(handler));
        const auto refused = enqueue(waiting);
        if (!refused) return;
        auto executor = asio::get_associated_executor(waiting->handler);
        asio::post(executor, [item = std::move(waiting), code = *refused]() mutable {
            auto completion = std::move(item->handler);
            completion(fail(code, "commit queue"));
        });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, Signature>(initiate, asio::use_awaitable,
                                                                                      std::move(set));
}

// Wakes the committer when a loop has done what it has to do now: the sets that come until then are one commit, and on
// a shared core the committer does not take the core from the loop for the first of them. A loop that ends without
// running it wakes the committer too, for the sets of others. May outlive the committer.
class Committer::Call {
  public:
    explicit Call(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}
    Call(Call&&) noexcept = default;
    Call& operator=(Call&&) = delete;
    ~Call() { (*this)(); }
    void operator()() {
        const auto queue = std::exchange(queue_, nullptr);
        if (!queue) return;
        {
            const std::scoped_lock lock(queue->mutex);
            queue->called = false;
            queue->awake = true;
        }
        queue->arrived.notify_one();
    }

  private:
    std::shared_ptr<Queue> queue_;
};

std::optional<ErrorCode> Committer::enqueue(std::unique_ptr<Waiting>& waiting) {
    const asio::any_io_executor executor = asio::get_associated_executor(waiting->handler);
    {
        const std::scoped_lock lock(queue_->mutex);
        if (queue_->closed) return ErrorCode::store_unavailable;
        if (queue_->sets.size() >= limits_.waiting_sets_max) return ErrorCode::overload_busy;
        queue_->sets.push_back(std::move(waiting));
        if (std::exchange(queue_->called, true)) return std::nullopt;
    }
    asio::post(executor, Call(queue_));
    return std::nullopt;
}

void Committer::close() {
    const std::scoped_lock closing(close_mutex_);
    {
        const std::scoped_lock lock(queue_->mutex);
        queue_->closed = true;
    }
    queue_->arrived.notify_one();
    if (thread_.joinable()) thread_.join();
}

std::size_t Committer::waiting() const {
    const std::scoped_lock lock(queue_->mutex);
    return queue_->sets.size();
}

// Takes at once what is there when sets arrive slowly; else waits a little for more, because a commit costs the same
// for one set and for many. What counts is how many sets a wait would bring, not how many wait now: on a shared core
// the committer wakes at the first set of a burst, and commits of a few sets each would keep the core from bringing
// more.
bool Committer::gather(std::vector<std::unique_ptr<Waiting>>& taken) {
    std::unique_lock lock(queue_->mutex);
    auto& sets = queue_->sets;
    queue_->arrived.wait(lock, [&] { return queue_->closed || (queue_->awake && !sets.empty()); });
    if (sets.empty()) return false;
    const double more = arrivals_.per_second() * std::chrono::duration<double>(limits_.gather_max).count();
    if (!queue_->closed && more >= limits_.gather_from && static_cast<double>(sets.size()) < more) {
        const auto until = std::chrono::steady_clock::now() + limits_.gather_max;
        queue_->arrived.wait_until(lock, until, [this] { return queue_->closed; });
    }
    const std::size_t count = std::min(sets.size(), limits_.sets_per_commit_max);
    if (count == sets.size()) {
        taken.swap(sets);
        queue_->awake = false;
    } else {
        const auto end = sets.begin() + static_cast<std::ptrdiff_t>(count);
        std::move(sets.begin(), end, std::back_inserter(taken));
        sets.erase(sets.begin(), end);
    }
    arrivals_.took(count, std::chrono::steady_clock::now());
    return true;
}

void ArrivalRate::took(std::size_t sets, std::chrono::steady_clock::time_point now) {
    const double passed = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    if (passed <= 0) return;
    const double weight = passed / (passed + std::chrono::duration<double>(memory).count());
    per_second_ += (static_cast<double>(sets) / passed - per_second_) * weight;
}

namespace {

// Short slices let the committer run soon after its disk has answered, although a loop keeps the core busy: all who
// wait for the commit wait for that. Linux from 6.12 on takes it as the thread's latency; others ignore it. Policy and
// niceness stay as whoever started the hub wants them.
void ask_for_short_slices() {
    constexpr std::uint64_t keep_policy = 0x08;
    struct {
        std::uint32_t size = sizeof(*this);
        std::uint32_t policy = SCHED_OTHER;
        std::uint64_t flags = keep_policy;
        std::int32_t nice = getpriority(PRIO_PROCESS, 0);
        std::uint32_t priority = 0;
        std::uint64_t runtime_ns = std::chrono::nanoseconds(committer_slice).count();
        std::uint64_t deadline_ns = 0;
        std::uint64_t period_ns = 0;
    } attributes;
    static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0));
}

}  // namespace

void Committer::run() {
    ask_for_short_slices();
    std::vector<std::unique_ptr<Waiting>> taken;
    std::vector<CommitEngine::Item*> items;
    while (gather(taken)) {
        items.clear();
        for (auto& waiting : taken) {
            if (waiting->deadline.passed()) {
                waiting->outcome = fail(ErrorCode::deadline_passed, "not written: the deadline passed in the queue");
            } else {
                items.push_back(waiting.get());
            }
        }
        if (!items.empty()) engine_.run(items);
        answer(taken);
    }
}

namespace {

// Resumes the callers in order, on their loop.
template <class Waiting>
void post_answers(const asio::any_io_executor& executor, std::vector<std::unique_ptr<Waiting>> answers) {
    asio::post(executor, [done = std::move(answers)]() mutable {
        for (auto& item : done) {
            ENSURE(item->outcome.has_value());
            auto completion = std::move(item->handler);
            completion(std::move(*item->outcome));
        }
    });
}

}  // namespace

void Committer::answer(std::vector<std::unique_ptr<Waiting>>& done) {
    std::vector<std::unique_ptr<Waiting>> mine;
    while (!done.empty()) {
        std::vector<std::unique_ptr<Waiting>> others;
        const asio::any_io_executor executor = asio::get_associated_executor(done.front()->handler);
        for (auto& item : done) {
            const bool here = asio::get_associated_executor(item->handler) == executor;
            (here ? mine : others).push_back(std::move(item));
            if (mine.size() < answers_per_post_max) continue;
            post_answers(executor, std::move(mine));
            mine.clear();
        }
        if (!mine.empty()) post_answers(executor, std::move(mine));
        mine.clear();
        done = std::move(others);
    }
}

}  // namespace onshi::sql
