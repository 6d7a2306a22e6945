#include "bench/process_usage.h"

#include <chrono>
#include <unistd.h>

#include <gtest/gtest.h>

#include "bench/cpu_pin.h"

namespace onshi::process_usage_test {

using namespace std::chrono_literals;

TEST(process_usage, reads_what_a_process_made_the_disk_deliver) {
    const auto use = bench::parse_process_io("rchar: 5\nwchar: 0\nread_bytes: 40960\nwrite_bytes: 8\n");
    ASSERT_TRUE(use);
    EXPECT_EQ(use->read_bytes, 40'960U);
    EXPECT_FALSE(bench::parse_process_io("rchar: 5\n"));
    EXPECT_FALSE(bench::parse_process_io("read_bytes: many\n"));
    EXPECT_TRUE(bench::disk_use(::getpid()));
    EXPECT_FALSE(bench::disk_use(-1));
}

TEST(process_usage, reads_the_times_behind_a_name_that_looks_like_more_fields) {
    const auto use = bench::parse_process_stat(
        "4711 (a) b ) c) S 1 4711 4711 0 -1 4194560 100 200 3 400 250 125 9 9 20 0 5 0 100 1000 20 184467", 100);
    ASSERT_TRUE(use);
    EXPECT_EQ(use->user, 2'500ms);
    EXPECT_EQ(use->system, 1'250ms);
    EXPECT_EQ(use->total(), 3'750ms);
    EXPECT_EQ(use->major_faults, 3U);
}

TEST(process_usage, another_form_of_a_file_is_not_guessed_at) {
    EXPECT_FALSE(bench::parse_process_stat("", 100));
    EXPECT_FALSE(bench::parse_process_stat("1 (x) S 1 2 3", 100));
    EXPECT_FALSE(bench::parse_process_stat("1 (x) S 1 1 1 0 -1 0 100 200 three 400 250 125", 100));
    EXPECT_FALSE(bench::parse_process_status("RssAnon:\t 12 kB\nRssFile:\t 3 kB\n"));
    EXPECT_FALSE(bench::parse_process_status("RssAnon: 12 MB\nRssFile: 3 kB\nRssShmem: 0 kB\n"));
    EXPECT_FALSE(bench::parse_stat("cpu1 1 2 3\n", 1, 100));
    EXPECT_EQ(bench::parse_cpu_model("processor : 0\n"), "unknown");
}

TEST(process_usage, tells_anonymous_from_file_backed_memory) {
    const auto use = bench::parse_process_status(
        "VmRSS:\t  300 kB\nRssAnon:\t     100 kB\nRssFile:\t     180 kB\nRssShmem:\t      20 kB\n");
    ASSERT_TRUE(use);
    EXPECT_EQ(use->anonymous_bytes, 102'400U);
    EXPECT_EQ(use->file_bytes, 184'320U);
    EXPECT_EQ(use->shared_bytes, 20'480U);
}

TEST(process_usage, a_core_is_busy_with_everything_but_idling_and_waiting) {
    // user nice system idle iowait irq softirq steal guest guest_nice
    const std::string text =
        "cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 100 10 20 1000 500 1 2 7 50 0\ncpu10 1 1 1 1 1 1 1 1 1 1\n";
    const auto use = bench::parse_stat(text, 1, 100);
    ASSERT_TRUE(use);
    EXPECT_EQ(use->busy, 1'330ms);
    EXPECT_EQ(use->stolen, 70ms);
    EXPECT_FALSE(bench::parse_stat(text, 0, 100));
    EXPECT_TRUE(bench::parse_stat(text, 10, 100));
}

TEST(process_usage, of_this_very_process_grows_while_it_works) {
    auto before = bench::cpu_use(::getpid());
    auto core = bench::core_use(0);
    ASSERT_TRUE(before && core);
    const auto pin = bench::CpuPin::to(0);
    ASSERT_TRUE(pin);
    const auto until = std::chrono::steady_clock::now() + 5s;
    // Three ticks of work.
    while ((*bench::cpu_use(::getpid()) - *before).total() < 30ms && std::chrono::steady_clock::now() < until) {
    }
    EXPECT_GE((*bench::cpu_use(::getpid()) - *before).total(), 30ms);
    EXPECT_GE(bench::core_use(0)->busy, core->busy);
    const auto memory = bench::memory_use(::getpid());
    ASSERT_TRUE(memory);
    EXPECT_GT(memory->anonymous_bytes, 100'000U);
    EXPECT_GT(memory->file_bytes, 100'000U);
}

TEST(process_usage, of_nobody_is_an_error) {
    const auto nobody = bench::cpu_use(-1);
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().code, ErrorCode::bench_machine);
    EXPECT_FALSE(bench::memory_use(-1));
    EXPECT_FALSE(bench::core_use(100'000));
    EXPECT_FALSE(bench::first_child(-1));
}

TEST(process_usage, the_machine_has_a_name_and_cores) {
    const auto machine = bench::describe_machine();
    ASSERT_TRUE(machine);
    EXPECT_GT(machine->cores, 0);
    EXPECT_GT(machine->memory_bytes, 1U << 28U);
    EXPECT_TRUE(machine->kernel.starts_with("Linux "));
    EXPECT_EQ(bench::parse_cpu_model("processor\t: 0\nmodel name\t: AMD EPYC\ncpu MHz\t: 1\n"), "AMD EPYC");
}

TEST(cpu_pin, keeps_the_thread_on_one_core_and_gives_the_others_back) {
    cpu_set_t before;
    ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
    {
        const auto pin = bench::CpuPin::to(0);
        ASSERT_TRUE(pin);
        EXPECT_EQ(::sched_getcpu(), 0);
    }
    cpu_set_t after;
    ASSERT_EQ(::sched_getaffinity(0, sizeof after, &after), 0);
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
    EXPECT_FALSE(bench::CpuPin::to(-1));
    EXPECT_FALSE(bench::CpuPin::to(CPU_SETSIZE));
    EXPECT_FALSE(bench::CpuPin::to(CPU_SETSIZE - 1));
}

}  // namespace onshi::process_usage_test
