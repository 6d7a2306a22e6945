#include "hub/clock_watch.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "domain/audit/chain.h"
#include "domain/audit/store.h"
#include "hub/vital_signs.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/fault_vfs.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::hub {
namespace {

using namespace std::chrono_literals;

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all(sql::CommitCounter::migrations().begin(), sql::CommitCounter::migrations().end());
    all.insert(all.end(), audit::migrations().begin(), audit::migrations().end());
    return all;
}

class ClockWatchTest : public testing::Test {
  protected:
    ClockWatchTest() : chain_(1, "hub-test") {
        EXPECT_TRUE(sql::migrate(options_, steps()));
        auto opened = sql::open_database(options_, steps(), counter_, chain_);
        EXPECT_TRUE(opened);
        database_ = std::move(*opened);
    }
    ~ClockWatchTest() override { database_.reset(); }
    static Deadline soon() { return Deadline::in(20s); }
    std::vector<audit::Record> records() {
        sql::ReadBatch batch;
        const auto records = audit::load_records(batch, 1, 0);
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return records.get();
    }

    ManualClock clock_{Instant{1'800'000'000'000'000}};
    SeededRandom random_{1};
    sql::TestStores stores_;
    const sql::StoreOptions options_ = stores_.options();
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_;
    std::unique_ptr<sql::Database> database_;
};

TEST_F(ClockWatchTest, a_step_is_put_on_record_once_and_so_is_the_way_back) {
    ClockWatch watch(*database_, clock_, random_);
    struct Row {
        std::chrono::microseconds offset;
        bool stepped;
    };
    for (const Row& row : {Row{0s, false}, Row{5s, false}, Row{5s + 1us, true}, Row{6s, false}, Row{9s, false},
                           Row{-1h, true}, Row{-1h, false}, Row{0s, true}, Row{-5s, false}}) {
        const auto stepped = run_to_end(watch.look(row.offset, soon()));
        ASSERT_TRUE(stepped);
        EXPECT_EQ(*stepped, row.stepped) << row.offset.count();
    }
    const auto written = records();
    ASSERT_EQ(written.size(), 3U);
    for (const auto& record : written) EXPECT_EQ(record.header.event, audit::Event::clock_stepped);
}

TEST_F(ClockWatchTest, a_step_that_could_not_be_recorded_is_recorded_later) {
    ClockWatch watch(*database_, clock_, random_);
    stores_.fill_disk();
    EXPECT_FALSE(run_to_end(watch.look(10s, soon())));
    stores_.make_space();
    EXPECT_TRUE(*run_to_end(watch.look(10s, soon())));
    EXPECT_EQ(records().size(), 1U);
}

TEST(vital_signs, say_how_long_records_wait_for_a_seal) {
    Metrics metrics;
    VitalSigns signs(metrics, {});
    const Instant begun{1'800'000'000'000'000};
    const auto limit = audit::seal_age_max + audit::seal_slack;
    signs.sealed(audit::SealState{false, 3}, begun);
    signs.sealed(fail(ErrorCode::store_full, ""), begun + 30s);
    EXPECT_TRUE(signs.audit(begun + limit));
    EXPECT_FALSE(signs.audit(begun + limit + 1us)) << "from the first record that waits";
    signs.sealed(audit::SealState{true, 0}, begun + limit);
    EXPECT_TRUE(signs.audit(begun + 10 * limit));
}

TEST(vital_signs, count_whole_days_until_a_certificate_expires) {
    const Instant now{1'800'000'000'000'000};
    EXPECT_EQ(days_left(now + 48h, now), 2);
    EXPECT_EQ(days_left(now + 47h, now), 1);
    EXPECT_EQ(days_left(now + 1h, now), 0);
    EXPECT_EQ(days_left(now - 1h, now), -1);
}

}  // namespace
}  // namespace onshi::hub
