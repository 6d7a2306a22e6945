#include "platform/sql/postgres_reader.h"

#include <algorithm>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "base/ensure.h"

namespace onshi::sql {

namespace asio = boost::asio;

namespace {

constexpr std::size_t groups_in_flight_max = 2;
constexpr std::size_t reads_per_group_max = 128;
constexpr int attempts_max = 2;
constexpr std::chrono::milliseconds tick{50};
// How long a read waits for a connection that is being made again, before its caller hears that the store is away.
constexpr std::chrono::milliseconds patience{1000};

// A pause before the next attempt: doubled up to the longest, drawn from half to whole, so that hubs that lost the same
// server do not come back as one.
std::chrono::milliseconds next_pause(std::chrono::milliseconds last, const PostgresOptions& options) {
    return last.count() == 0 ? options.reconnect_first : std::min(last * 2, options.reconnect_max);
}

}  // namespace

PostgresReader::PostgresReader(asio::any_io_executor executor, const PostgresOptions& options,
                               asio::thread_pool& connector, PostgresReadCounters& counters)
    : executor_(std::move(executor)),
      options_(options),
      connector_(connector),
      counters_(counters),
      timer_(executor_),
      jitter_(std::random_device{}()) {}

PostgresReader::~PostgresReader() {
    if (descriptor_) descriptor_->release();
}

Task<Result<void>> PostgresReader::read(ReadBatch& batch, Deadline deadline) {
    if (queue_.size() >= reads_waiting_max) co_return fail(ErrorCode::overload_busy, "reads waiting for the store");
    auto initiate = [this, &batch, deadline](auto&& handler) {
        submit(std::make_unique<Pending>(batch, deadline, std::forward<decltype(handler)>(handler)));
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(initiate,
                                                                                               asio::use_awaitable);
}

void PostgresReader::submit(PendingPtr pending) {
    counters_.batches.fetch_add(1, std::memory_order_relaxed);
    queue_.push_back(std::move(pending));
    arm_timer();
    schedule();
}

// At the end of the turn: what other coroutines of this turn ask for goes into the same group.
void PostgresReader::schedule() {
    if (std::exchange(scheduled_, true)) return;
    asio::post(executor_, [self = shared_from_this()] {
        self->scheduled_ = false;
        self->pump();
        self->hand_out();
    });
}

void PostgresReader::pump() {
    if (!connection_) {
        if (!queue_.empty()) start_connecting();
        return;
    }
    send_groups();
}

void PostgresReader::send_groups() {
    while (connection_ && !queue_.empty() && groups_.size() < groups_in_flight_max) {
        auto sent = send_group();
        if (!sent) return lose_connection(sent.error());
    }
    if (!connection_) return;
    auto flushed = connection_->flush();
    if (!flushed) return lose_connection(flushed.error());
    watch_socket();
    if (!*flushed && !std::exchange(writing_, true)) {
        descriptor_->async_wait(asio::posix::stream_descriptor::wait_write,
                                [self = shared_from_this(), of = generation_](boost::system::error_code) {
                                    if (of != self->generation_) return;
                                    self->writing_ = false;
                                    self->send_groups();
                                    self->hand_out();
                                });
    }
}

Result<void> PostgresReader::send_group() {
    Group group;
    // What was tried in vain before goes alone, so that it is not its neighbour's fault again.
    const bool alone = queue_.front()->attempts > 0;
    while (!queue_.empty() && group.reads.size() < (alone ? 1 : reads_per_group_max)) {
        if (!alone && queue_.front()->attempts > 0) break;
        PendingPtr pending = std::move(queue_.front());
        queue_.pop_front();
        ++pending->attempts;
        group.reads.push_back(std::move(pending));
    }
    group.sent = std::chrono::steady_clock::now();
    groups_.push_back(std::move(group));
    counters_.groups.fetch_add(1, std::memory_order_relaxed);
    for (const auto& pending : groups_.back().reads) {
        for (const auto& query : pending->batch->queries()) {
            auto sent = connection_->send(query.step, pending->batch->parameters(), {});
            if (!sent) return sent;
        }
    }
    return connection_->send_sync();
}

void PostgresReader::start_connecting() {
    if (connecting_ || std::chrono::steady_clock::now() < connect_not_before_) return;
    connecting_ = true;
    counters_.connects.fetch_add(1, std::memory_order_relaxed);
    auto back = [self = shared_from_this(), work = asio::make_work_guard(executor_)]() mutable {
        auto opened =
            PostgresConnection::open(self->options_, PostgresUse::read, Deadline::in(self->options_.connect_timeout));
        auto executor = self->executor_;
        asio::post(executor, [self = std::move(self), made = std::move(opened)]() mutable {
            self->connecting_ = false;
            self->connected(std::move(made));
            self->hand_out();
        });
        work.reset();
    };
    asio::post(connector_, std::move(back));
}

void PostgresReader::connected(Result<std::unique_ptr<PostgresConnection>> connection) {
    const auto now = std::chrono::steady_clock::now();
    if (!connection) {
        if (!away_since_) away_since_ = now;
        pause_ = next_pause(pause_, options_);
        const auto half = pause_.count() / 2;
        connect_not_before_ = now + std::chrono::milliseconds(half + static_cast<std::int64_t>(jitter_()) % (half + 1));
        if (now - *away_since_ >= patience) {
            for (auto& pending : queue_) answer(std::move(pending), tl::unexpected(connection.error()));
            queue_.clear();
        }
        return;
    }
    away_since_.reset();
    pause_ = {};
    connection_ = std::move(*connection);
    ++generation_;
    reading_ = writing_ = false;
    descriptor_.emplace(executor_, connection_->socket());
    send_groups();
}

void PostgresReader::watch_socket() {
    if (groups_.empty() || std::exchange(reading_, true)) return;
    descriptor_->async_wait(asio::posix::stream_descriptor::wait_read,
                            [self = shared_from_this(), of = generation_](boost::system::error_code) {
                                if (of != self->generation_) return;
                                self->reading_ = false;
                                self->readable();
                                self->hand_out();
                            });
}

void PostgresReader::readable() {
    if (!connection_) return;
    auto consumed = connection_->consume();
    take_outcomes();
    if (!consumed) return lose_connection(consumed.error());
    pump();
    watch_socket();
}

void PostgresReader::take_outcomes() {
    while (auto outcome = connection_->take()) {
        ENSURE(!groups_.empty());
        if (!outcome->is_sync) {
            take_outcome(groups_.front(), *outcome);
            continue;
        }
        Group done = std::move(groups_.front());
        groups_.pop_front();
        end_group(std::move(done));
    }
}

void PostgresReader::take_outcome(Group& group, const PostgresConnection::Outcome& outcome) {
    while (group.query >= group.reads[group.read]->queries) {
        group.query = 0;
        ++group.read;
        ENSURE(group.read < group.reads.size());
    }
    Pending& pending = *group.reads[group.read];
    const PGresult* result = outcome.result.get();
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        if (pending.batch != nullptr && pending.outcome) {
            const auto& query = pending.batch->queries()[group.query];
            Row row;
            const std::string_view name = query.step.statement->name();
            for (int i = 0; i < PQntuples(result) && pending.outcome; ++i) {
                fill_row(result, i, row);
                const bool room = query.sink->take(row);
                if (!room)
                    pending.outcome = fail(ErrorCode::store_corrupt, fmt::format("{}: more rows than expected", name));
                if (row.corrupt()) {
                    pending.outcome = fail(ErrorCode::store_corrupt, fmt::format("{}: a row has another form", name));
                }
            }
        }
    } else if (!group.broken) {
        group.broken = true;
        pending.outcome = failure_of(result, "read");
    }
    ++group.query;
}

// One Sync is one transaction: a statement that failed took its whole group with it. The others are repeated; a read
// that was alone has its answer.
void PostgresReader::end_group(Group group) {
    const bool alone = group.reads.size() == 1;
    for (auto& pending : group.reads) {
        if (!group.broken || alone) {
            auto outcome = std::move(pending->outcome);
            answer(std::move(pending), std::move(outcome));
        } else {
            again_or_fail(std::move(pending), Error{ErrorCode::store_unavailable, "postgresql read: its group failed"});
        }
    }
}

void PostgresReader::again_or_fail(PendingPtr pending, const Error& error) {
    if (pending->batch == nullptr) return;
    if (pending->attempts >= attempts_max || pending->deadline.passed()) {
        return answer(std::move(pending), tl::unexpected(error));
    }
    pending->outcome = {};
    for (auto& query : pending->batch->queries()) query.sink->clear();
    queue_.push_front(std::move(pending));
    schedule();
}

void PostgresReader::lose_connection(const Error& error) {
    if (descriptor_) {
        boost::system::error_code ignored;
        descriptor_->cancel(ignored);
        descriptor_->release();
        descriptor_.reset();
    }
    ++generation_;
    connection_.reset();
    away_since_ = std::chrono::steady_clock::now();
    auto groups = std::move(groups_);
    groups_.clear();
    for (auto& group : groups) {
        for (auto& pending : group.reads) again_or_fail(std::move(pending), error);
    }
    if (!queue_.empty()) schedule();
}

void PostgresReader::arm_timer() {
    if (idle() || std::exchange(timing_, true)) return;
    timer_.expires_after(tick);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code) {
        self->timing_ = false;
        self->on_timer();
        self->hand_out();
    });
}

void PostgresReader::on_timer() {
    const auto now = std::chrono::steady_clock::now();
    std::deque<PendingPtr> kept;
    for (auto& pending : queue_) {
        if (pending->deadline.at() <= now) {
            answer(std::move(pending), fail(ErrorCode::deadline_passed, "waiting for the store"));
        } else {
            kept.push_back(std::move(pending));
        }
    }
    queue_ = std::move(kept);
    for (auto& group : groups_) {
        for (auto& pending : group.reads) {
            if (pending->batch == nullptr || pending->deadline.at() > now) continue;
            // The place in the group stays, its caller does not wait for it any longer.
            auto heir = std::make_unique<Pending>(std::move(*pending));
            pending->batch = nullptr;
            answer(std::move(heir), fail(ErrorCode::deadline_passed, "the store has not answered"));
        }
    }
    // The server ends a statement at its timeout; one that says nothing for longer is gone.
    if (!groups_.empty() && now - groups_.front().sent > options_.statement_timeout + patience) {
        lose_connection(Error{ErrorCode::store_unavailable, "postgresql: silent for too long"});
    }
    pump();
    arm_timer();
}

void PostgresReader::answer(PendingPtr pending, Result<void> outcome) {
    if (pending->batch == nullptr) return;
    answered_.emplace_back(std::move(pending), std::move(outcome));
}

// Last of every turn, because a resumed coroutine may ask for the next read at once.
void PostgresReader::hand_out() {
    if (idle() && timing_) timer_.cancel();
    const auto keep = shared_from_this();
    auto ready = std::exchange(answered_, {});
    for (auto& [pending, outcome] : ready) {
        auto handler = std::move(pending->handler);
        pending.reset();
        handler(std::move(outcome));
    }
}

}  // namespace onshi::sql
