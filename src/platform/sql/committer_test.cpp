// How the committer gathers, with an engine that does what the test says. No assertion measures time: what must not
// wait has a gathering time of an hour, and what must wait ends by close().
#include "platform/sql/committer.h"

#include <atomic>
#include <latch>

#include <gtest/gtest.h>

#include "platform/event_loop/event_loop.h"

namespace onshi::sql {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::microseconds an_hour = 1h;

// Notes the size of every batch; holds the first one until it is let go.
class HeldEngine final : public CommitEngine {
  public:
    void run(std::vector<Item*>& items) override {
        if (sizes_.empty()) {
            running_.count_down();
            may_go_on_.wait();
        }
        sizes_.push_back(items.size());
        for (Item* item : items) item->outcome = CommitPosition{};
    }
    void wait_until_running() { running_.wait(); }
    void let_go() { may_go_on_.count_down(); }
    // After close().
    [[nodiscard]] const std::vector<std::size_t>& sizes() const { return sizes_; }

  private:
    std::latch running_{1};
    std::latch may_go_on_{1};
    std::vector<std::size_t> sizes_;
};

Task<void> commit_one(Committer& committer, std::atomic<int>& committed) {
    WriteSet set(Store::ledger);
    const Deadline deadline = Deadline::in(20s);
    auto position = co_await committer.commit(std::move(set), deadline);
    if (position) ++committed;
}

class CommitterTest : public testing::Test {
  protected:
    // One set that the engine holds, and `count` more that wait behind it.
    void start(std::size_t count) {
        loops_.start();
        loops_.spawn(0, commit_one(*committer_, committed_));
        engine_.wait_until_running();
        for (std::size_t i = 0; i < count; ++i) loops_.spawn(0, commit_one(*committer_, committed_));
        while (committer_->waiting() < count) std::this_thread::yield();
    }
    void finish() {
        committer_->close();
        loops_.stop();
        loops_.join();
    }
    CommitLimits limits_;
    HeldEngine engine_;
    std::atomic<int> committed_{0};
    EventLoops loops_{{1}};
    std::unique_ptr<Committer> committer_;
};

TEST(arrival_rate, follows_what_each_commit_took) {
    ArrivalRate rate;
    SteadyTime now = std::chrono::steady_clock::now();
    rate.took(1, now);
    EXPECT_LT(rate.per_second(), 1) << "the first set after a long time";
    for (int i = 0; i < 200; ++i) rate.took(10, now += 1ms);
    EXPECT_NEAR(rate.per_second(), 10'000, 100);
    rate.took(1, now += 1s);
    EXPECT_LT(rate.per_second(), 250) << "a pause is noticed at once";
    const double before = rate.per_second();
    rate.took(5, now);
    EXPECT_EQ(rate.per_second(), before) << "two commits in one tick of the clock say nothing";
}

TEST_F(CommitterTest, sets_that_come_slowly_are_committed_at_once) {
    limits_.gather_max = an_hour;
    limits_.gather_from = 1e12;  // no rate is that fast
    committer_ = std::make_unique<Committer>(engine_, limits_);
    engine_.let_go();
    loops_.start();
    for (int i = 1; i <= 5; ++i) {
        loops_.spawn(0, commit_one(*committer_, committed_));
        while (committed_ < i) std::this_thread::yield();
    }
    finish();
    EXPECT_EQ(engine_.sizes(), (std::vector<std::size_t>{1, 1, 1, 1, 1}));
}

TEST_F(CommitterTest, sets_that_come_fast_are_gathered) {
    limits_.gather_max = an_hour;
    limits_.gather_from = 2;
    committer_ = std::make_unique<Committer>(engine_, limits_);
    start(40);
    engine_.let_go();
    // Within an hour far more would come, so the committer gathers; close() ends that.
    finish();
    EXPECT_EQ(engine_.sizes(), (std::vector<std::size_t>{1, 40}));
    EXPECT_EQ(committed_, 41) << "what waits at the end is committed and answered";
}

TEST_F(CommitterTest, a_commit_takes_what_came_during_the_last_one_up_to_its_limit) {
    limits_.gather_max = 0us;
    limits_.sets_per_commit_max = 16;
    committer_ = std::make_unique<Committer>(engine_, limits_);
    start(40);
    engine_.let_go();
    finish();
    EXPECT_EQ(engine_.sizes(), (std::vector<std::size_t>{1, 16, 16, 8}));
    EXPECT_EQ(committed_, 41);
}

}  // namespace
}  // namespace onshi::sql
