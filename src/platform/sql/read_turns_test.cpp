// How reads of one loop come together, with an engine that notes what it is given.
#include "platform/sql/read_turns.h"

#include <atomic>

#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>

#include "platform/event_loop/event_loop.h"
#include "platform/sql/limits.h"

namespace onshi::sql {
namespace {

using namespace std::chrono_literals;

// Notes the size of every turn; refuses every third item.
class NotingEngine {
  public:
    void run(std::span<ReadTurns::Item> items) {
        sizes.push_back(items.size());
        for (auto& item : items) {
            if (++seen % 3 == 0) item.outcome = fail(ErrorCode::store_corrupt, "a third");
        }
    }
    std::vector<std::size_t> sizes;
    std::size_t seen = 0;
};

struct Readers {
    NotingEngine engine;
    ReadTurns turns{[this](std::span<ReadTurns::Item> items) { engine.run(items); }};
    std::vector<int> order;
    int refused = 0;
    int ended = 0;
};

Task<void> read_times(Readers& readers, int name, int times) {
    for (int i = 0; i < times; ++i) {
        ReadBatch batch;
        const Deadline deadline = Deadline::in(20s);
        auto read = co_await readers.turns.read(batch, deadline);
        readers.order.push_back(name);
        if (!read) ++readers.refused;
    }
    ++readers.ended;
}

Task<void> start_readers(Readers& readers, int count, int times) {
    const auto executor = co_await boost::asio::this_coro::executor;
    for (int name = 0; name < count; ++name) spawn(executor, read_times(readers, name, times));
}

TEST(ReadTurns, batches_of_one_turn_come_together_and_are_answered_in_order) {
    Readers readers;
    run_to_end(start_readers(readers, 3, 2));
    EXPECT_EQ(readers.engine.sizes, (std::vector<std::size_t>{3, 3}));
    EXPECT_EQ(readers.order, (std::vector<int>{0, 1, 2, 0, 1, 2}));
}

TEST(ReadTurns, each_caller_gets_its_own_outcome) {
    Readers readers;
    run_to_end(start_readers(readers, 4, 3));
    EXPECT_EQ(readers.engine.seen, 12U);
    EXPECT_EQ(readers.refused, 4);
    EXPECT_EQ(readers.ended, 4);
}

TEST(ReadTurns, a_full_turn_is_followed_by_another) {
    constexpr int most = static_cast<int>(batches_per_turn_max);
    for (const int count : {most - 1, most, most + 1}) {
        Readers readers;
        run_to_end(start_readers(readers, count, 1));
        std::vector<std::size_t> expected{static_cast<std::size_t>(std::min(count, most))};
        if (count > most) expected.push_back(1);
        EXPECT_EQ(readers.engine.sizes, expected);
        EXPECT_EQ(readers.ended, count);
    }
}

TEST(ReadTurns, two_databases_on_one_loop_keep_their_batches_apart) {
    Readers one;
    Readers other;
    auto both = [](Readers& a, Readers& b) -> Task<void> {
        const auto executor = co_await boost::asio::this_coro::executor;
        for (int i = 0; i < 3; ++i) {
            spawn(executor, read_times(a, i, 2));
            spawn(executor, read_times(b, i, 2));
        }
    };
    run_to_end(both(one, other));
    EXPECT_EQ(one.engine.seen, 6U);
    EXPECT_EQ(other.engine.seen, 6U);
}

TEST(ReadTurns, loops_of_two_threads_have_turns_of_their_own) {
    EventLoops loops({.loops = 2});
    std::atomic<int> items{0};
    std::atomic<int> ended{0};
    ReadTurns turns([&items](std::span<ReadTurns::Item> given) { items += static_cast<int>(given.size()); });
    auto read = [](ReadTurns& given, std::atomic<int>& done) -> Task<void> {
        for (int i = 0; i < 50; ++i) {
            ReadBatch batch;
            const Deadline deadline = Deadline::in(20s);
            auto answered = co_await given.read(batch, deadline);
            if (answered) ++done;
        }
    };
    for (std::size_t i = 0; i < 10; ++i) loops.spawn(i % 2, read(turns, ended));
    loops.start();
    loops.stop();
    loops.join();
    EXPECT_EQ(items, 500);
    EXPECT_EQ(ended, 500);
}

}  // namespace
}  // namespace onshi::sql
