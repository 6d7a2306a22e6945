#include "platform/event_loop/event_loop.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>

#include "platform/event_loop/limits.h"

namespace onshi::event_loop_test {

using namespace std::chrono_literals;

Task<int> seven() {
    co_return 7;
}

Task<std::string> slow_text() {
    co_await sleep_for(1ms);
    co_return "done";
}

Task<int> throwing() {
    co_await yield_to_others();
    throw std::runtime_error("broken");
}

Task<void> count(std::atomic<int>& counter) {
    co_await yield_to_others();
    ++counter;
}

TEST(run_to_end_, returns_what_the_coroutine_returned) {
    EXPECT_EQ(run_to_end(seven()), 7);
    EXPECT_EQ(run_to_end(slow_text()), "done");
}

TEST(run_to_end_, hands_an_exception_to_the_caller) {
    EXPECT_THROW(run_to_end(throwing()), std::runtime_error);
}

Task<int> start_and_leave(std::atomic<int>& counter) {
    const auto executor = co_await boost::asio::this_coro::executor;
    spawn(executor, count(counter));
    co_return 1;
}

TEST(run_to_end_, also_ends_what_the_coroutine_started) {
    std::atomic<int> counter = 0;
    EXPECT_EQ(run_to_end(start_and_leave(counter)), 1);
    EXPECT_EQ(counter, 1);
}

Task<std::chrono::nanoseconds> measure_sleep(std::chrono::milliseconds duration) {
    const auto before = std::chrono::steady_clock::now();
    co_await sleep_until(before + duration);
    co_return std::chrono::steady_clock::now() - before;
}

TEST(sleep_until_, does_not_return_early_and_not_at_all_late_for_a_passed_time) {
    EXPECT_GE(run_to_end(measure_sleep(3ms)), 3ms);
    EXPECT_LT(run_to_end(measure_sleep(-1000ms)), 500ms);
}

Task<void> note_loop(std::vector<std::optional<std::size_t>>& seen, std::size_t at) {
    seen[at] = current_loop_index();
    co_await yield_to_others();
    EXPECT_EQ(seen[at], current_loop_index());
}

TEST(event_loops, keep_a_coroutine_on_the_loop_it_was_started_on) {
    std::vector<std::optional<std::size_t>> seen(3);
    EventLoops loops({.loops = 3, .pinning = CpuPinning::one_cpu_per_loop});
    for (std::size_t i = 0; i < loops.size(); ++i) loops.spawn(i, note_loop(seen, i));
    loops.stop();
    loops.run();
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i);
    EXPECT_EQ(current_loop_index(), std::nullopt);
}

TEST(event_loops, stop_lets_started_coroutines_end_first) {
    std::atomic<int> counter = 0;
    EventLoops loops({.loops = 2});
    loops.start();
    for (std::size_t i = 0; i < 100; ++i) loops.spawn(i % 2, count(counter));
    loops.stop();
    loops.stop();
    loops.join();
    EXPECT_EQ(counter, 100);
}

TEST(event_loops, that_never_ran_can_be_destroyed_with_work_inside) {
    std::atomic<int> counter = 0;
    {
        EventLoops loops({.loops = 1});
        loops.spawn(0, count(counter));
    }
    EXPECT_EQ(counter, 0);
}

TEST(event_loops_death, number_of_loops_has_a_lower_and_an_upper_limit) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(EventLoops({.loops = 0}), "internal error");
    EXPECT_DEATH(EventLoops({.loops = event_loops_max + 1}), "internal error");
    EXPECT_EQ(EventLoops({.loops = event_loops_max}).size(), event_loops_max);
}

Task<void> throw_alone() {
    static_cast<void>(co_await throwing());
}

TEST(event_loops_death, an_exception_of_a_started_coroutine_ends_the_program_with_its_text) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    const auto start_it = [] {
        EventLoops loops({.loops = 1});
        loops.spawn(0, throw_alone());
        loops.stop();
        loops.run();
    };
    EXPECT_DEATH(start_it(), "ended by an exception: broken");
}

Task<void> wait_for_alarm(Alarm& alarm, SteadyTime until, std::atomic<int>& rings) {
    const Alarm::Woke woke = co_await alarm.wait_until(until);
    if (woke == Alarm::Woke::by_ring) ++rings;
}

TEST(alarm, ends_a_long_sleep_early_from_another_thread) {
    std::atomic<int> rings = 0;
    EventLoops loops({.loops = 1});
    Alarm alarm(loops.executor(0));
    loops.spawn(0, wait_for_alarm(alarm, std::chrono::steady_clock::now() + 1h, rings));
    loops.start();
    alarm.ring();
    loops.stop();
    loops.join();
    EXPECT_EQ(rings, 1);
}

TEST(alarm, remembers_a_ring_while_nobody_waited_and_sleeps_otherwise) {
    std::atomic<int> rings = 0;
    EventLoops loops({.loops = 1});
    Alarm alarm(loops.executor(0));
    alarm.ring();
    loops.spawn(0, wait_for_alarm(alarm, std::chrono::steady_clock::now() + 1h, rings));
    loops.stop();
    loops.run();
    EXPECT_EQ(rings, 1);
    const auto wait_in_vain = [](std::atomic<int>& counted) -> Task<void> {
        const auto executor = co_await boost::asio::this_coro::executor;
        Alarm silent(executor);
        co_await wait_for_alarm(silent, std::chrono::steady_clock::now() + 1ms, counted);
    };
    run_to_end(wait_in_vain(rings));
    EXPECT_EQ(rings, 1);
}

Task<void> count_turns(int turns, int& running, int& most, int& ended) {
    most = std::max(most, ++running);
    for (int i = 0; i < turns; ++i) co_await yield_to_others();
    --running;
    ++ended;
}

TEST(side_by_side, waits_for_the_last_of_them) {
    for (const int count : {0, 1, 2, 50}) {
        int running = 0;
        int most = 0;
        int ended = 0;
        std::vector<Task<void>> tasks;
        for (int i = 0; i < count; ++i) tasks.push_back(count_turns(count - i, running, most, ended));
        run_to_end(run_side_by_side(std::move(tasks)));
        EXPECT_EQ(ended, count);
        EXPECT_EQ(most, count) << "all of them at one time";
    }
}

}  // namespace onshi::event_loop_test
