#include "platform/folders/folder_watch.h"

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>

#include <gtest/gtest.h>

namespace onshi::folder_watch_test {

namespace fs = std::filesystem;

class FolderWatchTest : public testing::Test {
  protected:
    FolderWatchTest() {
        std::string name = (fs::temp_directory_path() / "onshi-watch-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    ~FolderWatchTest() override { fs::remove_all(folder_); }

    void ring() {
        const std::scoped_lock lock(mutex_);
        ++rings_;
        rung_.notify_all();
    }
    // Waits until it rang again since the last call; the test's own time limit ends a wait in vain.
    void await_ring() {
        std::unique_lock lock(mutex_);
        rung_.wait(lock, [this] { return rings_ > seen_; });
        seen_ = rings_;
    }
    void write(const char* name) const { std::ofstream(folder_ / name) << "x"; }

    fs::path folder_;
    std::mutex mutex_;
    std::condition_variable rung_;
    int rings_ = 0;
    int seen_ = 0;
};

TEST_F(FolderWatchTest, rings_for_the_start_and_for_whatever_happens) {
    const FolderWatch watch(folder_, [this] { ring(); });
    await_ring();
    write("a");
    await_ring();
    fs::rename(folder_ / "a", folder_ / "b");
    await_ring();
    fs::remove(folder_ / "b");
    await_ring();
}

TEST_F(FolderWatchTest, finds_a_folder_that_comes_back) {
    const fs::path inner = folder_ / "req";
    fs::create_directory(inner);
    const FolderWatch watch(inner, [this] { ring(); });
    await_ring();
    fs::remove(inner);
    await_ring();
    fs::create_directory(inner);
    await_ring();
    std::ofstream(inner / "a") << "x";
    await_ring();
}

TEST_F(FolderWatchTest, ends_while_the_folder_is_away) {
    const FolderWatch watch(folder_ / "nowhere", [this] { ring(); });
}

}  // namespace onshi::folder_watch_test
