// What SQLite alone does: its files, its locks, its disk faults.
#include <thread>

#include "platform/sql/fault_vfs.h"
#include "platform/sql/sqlite_commit_engine.h"
#include "platform/sql/sqlite_connection.h"
#include "platform/sql/store_fixture.h"

namespace onshi::sql {
namespace {

const Statement cast_statement("test.not_portable", Store::ledger, ShardKey::none, "SELECT $1::bigint");
const Statement gap_statement("test.gap", Store::ledger, ShardKey::none, "SELECT $1, $3");

class SqliteTest : public StoreTest {
  protected:
    SqliteTest() {
        SqliteOptions options;
        options.folder = stores_.folder();
        options_ = options;
    }
    ~SqliteTest() override { FaultVfs::instance().set(FaultVfs::Fault::none); }
    SqliteOptions& sqlite() { return std::get<SqliteOptions>(options_); }
};

TEST(sqlite_text, numbers_parameters_and_refuses_what_is_not_portable) {
    int count = 0;
    EXPECT_EQ(*to_sqlite_text(update_item, &count), "UPDATE item SET label = ?2 WHERE id = ?1");
    EXPECT_EQ(count, 2);
    EXPECT_EQ(to_sqlite_text(cast_statement, &count).error().code, ErrorCode::store_corrupt);
    EXPECT_EQ(to_sqlite_text(gap_statement, &count).error().code, ErrorCode::store_corrupt);
}

class DiskFault : public SqliteTest, public testing::WithParamInterface<std::pair<FaultVfs::Fault, ErrorCode>> {};

TEST_P(DiskFault, refuses_writes_loses_nothing_and_resumes_when_the_disk_is_well) {
    sqlite().vfs = FaultVfs::instance().name();
    open();
    ASSERT_TRUE(commit(insert(1, "before")));
    FaultVfs::instance().set(GetParam().first);
    const auto refused = commit(insert(2, "during"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, GetParam().second) << refused.error().detail;
    EXPECT_EQ(load(1)->label, "before") << "reads go on";
    FaultVfs::instance().set(FaultVfs::Fault::none);
    const auto after = commit(insert(3, "after"));
    ASSERT_TRUE(after) << after.error().detail;
    EXPECT_EQ(after->sequence, 2) << "what was refused took no position";
    EXPECT_FALSE(load(2));
    EXPECT_EQ(load(3)->label, "after");
}

INSTANTIATE_TEST_SUITE_P(every_fault, DiskFault,
                         testing::Values(std::pair(FaultVfs::Fault::disk_full, ErrorCode::store_full),
                                         std::pair(FaultVfs::Fault::read_only, ErrorCode::store_unavailable),
                                         std::pair(FaultVfs::Fault::sync_failed, ErrorCode::store_unavailable)));

// Another program that holds the ledger's write lock.
class LockedStore {
  public:
    explicit LockedStore(const SqliteOptions& options)
        : connection_(
              *SqliteConnection::open(options.folder + "/ledger.db", SqliteConnection::Access::read_write, {})) {
        EXPECT_TRUE(connection_->run("BEGIN IMMEDIATE"));
    }
    void release() { EXPECT_TRUE(connection_->run("ROLLBACK")); }

  private:
    std::unique_ptr<SqliteConnection> connection_;
};

TEST_F(SqliteTest, a_locked_store_refuses_a_whole_batch_after_one_wait) {
    open();
    auto connection = SqliteConnection::open(sqlite().folder + "/ledger.db", SqliteConnection::Access::read_write, {});
    ASSERT_TRUE(connection);
    CountingSequencer sequencer;
    constexpr std::chrono::milliseconds busy_timeout{100};
    SqliteCommitEngine engine(std::move(*connection), sequencer, [](int) {}, busy_timeout);
    std::vector<CommitEngine::Item> batch;
    for (int id = 0; id < 200; ++id) batch.push_back({insert(id, "x"), soon(), std::nullopt});
    std::vector<CommitEngine::Item*> items;
    for (auto& item : batch) items.push_back(&item);
    LockedStore locked(sqlite());
    const auto begun = std::chrono::steady_clock::now();
    engine.run(items);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, busy_timeout * 20) << "one wait, not one for each of 200";
    for (const auto& item : batch) EXPECT_EQ(item.outcome->error().code, ErrorCode::store_unavailable);
    EXPECT_EQ(engine.counters().refusals, 1U);
    locked.release();
    engine.run(items);
    for (const auto& item : batch) EXPECT_TRUE(item.outcome->has_value());
}

TEST_F(SqliteTest, sets_behind_a_bad_one_are_dropped_when_their_deadline_passes) {
    open();
    ASSERT_TRUE(commit(insert(1, "taken")));
    auto connection = SqliteConnection::open(sqlite().folder + "/ledger.db", SqliteConnection::Access::read_write, {});
    ASSERT_TRUE(connection);
    CountingSequencer sequencer;
    SqliteCommitEngine engine(std::move(*connection), sequencer, [](int) {}, std::chrono::milliseconds(100));
    WriteSet bad(Store::ledger);
    bad.change(insert_item_plain, 1, "breaks the primary key", Position::sequence);
    const Deadline passed(std::chrono::steady_clock::now() - std::chrono::seconds(1));
    CommitEngine::Item broken{std::move(bad), soon(), std::nullopt};
    CommitEngine::Item late{insert(2, "late"), passed, std::nullopt};
    CommitEngine::Item good{insert(3, "good"), soon(), std::nullopt};
    std::vector<CommitEngine::Item*> items{&broken, &late, &good};
    engine.run(items);
    EXPECT_EQ(engine.counters().refusals, 0U) << "that was the set's own fault";
    EXPECT_EQ(broken.outcome->error().code, ErrorCode::store_conflict);
    EXPECT_EQ(late.outcome->error().code, ErrorCode::deadline_passed);
    EXPECT_TRUE(good.outcome->has_value());
    EXPECT_FALSE(load(2));
}

TEST_F(SqliteTest, an_empty_set_is_a_commit_and_finds_a_disk_that_takes_no_writes) {
    sqlite().vfs = FaultVfs::instance().name();
    open();
    EXPECT_TRUE(commit(WriteSet(Store::registry)));
    EXPECT_EQ(database_->counters(Store::registry).commits, 1U);
    FaultVfs::instance().set(FaultVfs::Fault::disk_full);
    EXPECT_EQ(commit(WriteSet(Store::registry)).error().code, ErrorCode::store_full);
}

// Keeps a reader thread busy until a moment has passed.
std::atomic<std::int64_t> read_blocked_until_ns{0};
Item decode_slowly(const Row& row) {
    while (std::chrono::steady_clock::now().time_since_epoch().count() < read_blocked_until_ns.load()) {
        std::this_thread::yield();
    }
    return decode_item(row);
}

Task<void> read_one(Database& database, Decode<Item> decode, Deadline deadline, std::optional<ErrorCode>& refused) {
    ReadBatch batch;
    const auto item = batch.one(select_item, decode, 1);
    auto read = co_await database.read(batch, deadline);
    if (!read) refused = read.error().code;
    static_cast<void>(item);
}

TEST_F(SqliteTest, a_cold_read_whose_deadline_passes_in_the_queue_is_not_run) {
    sqlite().reads = Reads::on_reader_threads;
    open();
    ASSERT_TRUE(commit(insert(1, "x")));
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    read_blocked_until_ns = until.time_since_epoch().count();
    std::array<std::optional<ErrorCode>, reader_threads + 1> refused;
    {
        EventLoops& loops = new_loops(1);
        for (std::size_t i = 0; i < reader_threads; ++i) {
            loops.spawn(0, read_one(*database_, decode_slowly, soon(), refused[i]));
        }
        loops.spawn(0, read_one(*database_, decode_item, Deadline(until), refused[reader_threads]));
        loops.start();
        loops.stop();
        loops.join();
    }
    for (std::size_t i = 0; i < reader_threads; ++i) EXPECT_FALSE(refused[i]);
    EXPECT_EQ(refused[reader_threads], ErrorCode::deadline_passed);
    EXPECT_EQ(database_->read_counters().batches, reader_threads);
    EXPECT_TRUE(load(1)) << "and the next one is served";
}

}  // namespace
}  // namespace onshi::sql
