#include "bench/child_process.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <signal.h>
#include <thread>

#include <gtest/gtest.h>

#include "bench/process_usage.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::child_process_test {

using bench::ChildProcess;
using pki::TemporaryFolder;
using namespace std::chrono_literals;

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Whether `condition` came true in time.
bool soon(const std::function<bool()>& condition) {
    const auto until = std::chrono::steady_clock::now() + 5s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

TEST(child_process, runs_on_its_core_with_its_output_in_a_file) {
    const TemporaryFolder folder;
    auto child =
        ChildProcess::start({.command = {"/bin/sh", "-c", "grep Cpus_allowed_list /proc/self/status; echo seen >&2"},
                             .cpu = 0,
                             .output = folder.path() / "out"});
    ASSERT_TRUE(child) << child.error().detail;
    EXPECT_TRUE(soon([&] { return !child->is_running(); }));
    EXPECT_EQ(text_of(folder.path() / "out"), "Cpus_allowed_list:\t0\nseen\n");
}

TEST(child_process, ends_with_its_object) {
    const TemporaryFolder folder;
    pid_t pid = 0;
    {
        auto child = ChildProcess::start({.command = {"/bin/sleep", "100"}, .cpu = 0, .output = folder.path() / "out"});
        ASSERT_TRUE(child);
        EXPECT_TRUE(child->is_running());
        pid = child->pid();
        auto moved = std::move(*child);
        EXPECT_FALSE(child->is_running());
        EXPECT_TRUE(moved.is_running());
    }
    EXPECT_NE(::kill(pid, 0), 0);
}

TEST(child_process, one_that_does_not_listen_is_ended_with_everything_it_started) {
    const TemporaryFolder folder;
    auto child =
        ChildProcess::start({.command = {"/bin/sh", "-c", "trap '' TERM; sleep 100 & echo $!; wait; sleep 100"},
                             .cpu = 0,
                             .output = folder.path() / "out"});
    ASSERT_TRUE(child);
    ASSERT_TRUE(soon([&] { return text_of(folder.path() / "out").ends_with('\n'); }));
    const pid_t grandchild = std::stoi(text_of(folder.path() / "out"));
    EXPECT_EQ(bench::first_child(child->pid()), grandchild);
    child->stop(20ms);
    EXPECT_FALSE(child->is_running());
    // It is somebody else's child now and may be waited for a little later.
    EXPECT_TRUE(soon([&] {
        const auto state = text_of("/proc/" + std::to_string(grandchild) + "/stat");
        return state.empty() || state.find(") Z") != std::string::npos;
    }));
}

TEST(child_process, a_program_that_is_not_there_is_an_error) {
    const TemporaryFolder folder;
    const auto missing =
        ChildProcess::start({.command = {"/no/such/program"}, .cpu = 0, .output = folder.path() / "out"});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::bench_server);
    const auto nowhere =
        ChildProcess::start({.command = {"/bin/true"}, .cpu = 0, .output = folder.path() / "no" / "out"});
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, ErrorCode::bench_server);
    EXPECT_FALSE(
        ChildProcess::start({.command = {"/bin/true"}, .cpu = CPU_SETSIZE - 1, .output = folder.path() / "out"}));
}

}  // namespace onshi::child_process_test
