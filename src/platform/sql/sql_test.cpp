#include <filesystem>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/random.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/fault_vfs.h"
#include "platform/sql/sqlite_commit_engine.h"
#include "platform/sql/sqlite_connection.h"
#include "platform/sql/stores.h"

namespace onshi::sql {
namespace {

namespace asio = boost::asio;

const Statement insert_item("test.insert_item", Store::ledger, ShardKey::person,
                            "INSERT INTO item (id, label, sequence) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING");
const Statement insert_item_plain("test.insert_item_plain", Store::ledger, ShardKey::person,
                                  "INSERT INTO item (id, label, sequence) VALUES ($1, $2, $3)");
// Parameters out of their order: bound by number, or the values would be swapped.
const Statement update_item("test.update_item", Store::ledger, ShardKey::person,
                            "UPDATE item SET label = $2 WHERE id = $1");
const Statement select_item("test.select_item", Store::ledger, ShardKey::person,
                            "SELECT id, label, sequence FROM item WHERE id = $1");
const Statement select_items("test.select_items", Store::ledger, ShardKey::none,
                             "SELECT id, label, sequence FROM item ORDER BY id LIMIT $1");
const Statement insert_note("test.insert_note", Store::registry, ShardKey::person,
                            "INSERT INTO note (id, sequence) VALUES ($1, $2)");
const Statement select_note("test.select_note", Store::registry, ShardKey::person,
                            "SELECT id, sequence FROM note WHERE id = $1");
const Statement cast_statement("test.not_portable", Store::ledger, ShardKey::none, "SELECT $1::bigint");
const Statement gap_statement("test.gap", Store::ledger, ShardKey::none, "SELECT $1, $3");

constexpr std::array<Migration, 3> steps{{
    {"test", Store::ledger, 1, "ledger_0001_items.sql",
     "-- from: 0\nCREATE TABLE item (\n    id BIGINT NOT NULL PRIMARY KEY,\n    label TEXT NOT NULL,\n    sequence "
     "BIGINT NOT NULL\n);\n"},
    {"test", Store::registry, 1, "registry_0001_notes.sql",
     "-- from: 0\nCREATE TABLE note (\n    id BIGINT NOT NULL,\n    sequence BIGINT NOT NULL,\n    PRIMARY KEY (id)\n) "
     "/* clustered */;\n"},
    {"test", Store::ledger, 2, "ledger_0002_index.sql", "-- from: 1\nCREATE INDEX item_label ON item (label);\n"},
}};

std::vector<Migration> all_steps() {
    std::vector<Migration> all(CommitCounter::migrations().begin(), CommitCounter::migrations().end());
    all.insert(all.end(), steps.begin(), steps.end());
    return all;
}

struct Item {
    std::int64_t id;
    std::string label;
    std::int64_t sequence;
};
Item decode_item(const Row& row) {
    return {row.integer(0), std::string(row.text(1)), row.integer(2)};
}
Item decode_wrong(const Row& row) {
    return {row.integer(1), "", 0};
}

// Counts accepted sets like the audit chain does, without writing anything.
class CountingSequencer final : public Sequencer {
  public:
    Result<void> open(Transaction&) override { return {}; }
    Result<void> begin(Transaction&) override { return {}; }
    CommitPosition next() const override { return {7, current_ + 1, {}, 0}; }
    Result<CommitPosition> accept(Transaction&, const WriteSet&) override {
        ++current_;
        return CommitPosition{7, current_, {}, 0};
    }
    Result<void> end(Transaction&) override { return {}; }
    void committed() override { durable_ = current_; }
    void rolled_back() override { current_ = durable_; }

  private:
    std::int64_t current_ = 0;
    std::int64_t durable_ = 0;
};

class StoreTest : public testing::Test {
  protected:
    StoreTest() {
        std::array<char, 64> name{};
        std::snprintf(name.data(), name.size(), "%s/onshi-sql-XXXXXX", std::filesystem::temp_directory_path().c_str());
        options_.folder = mkdtemp(name.data());
    }
    ~StoreTest() override {
        FaultVfs::instance().set(FaultVfs::Fault::none);
        database_.reset();
        std::filesystem::remove_all(options_.folder);
    }
    void open() {
        const auto all = all_steps();
        auto migrated = migrate(options_, all);
        ASSERT_TRUE(migrated) << migrated.error().detail;
        auto opened = open_database(options_, all, registry_sequencer_, ledger_sequencer_);
        ASSERT_TRUE(opened) << opened.error().detail;
        database_ = std::move(*opened);
    }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    Result<CommitPosition> commit(WriteSet set) { return run_to_end(database_->commit(std::move(set), soon())); }
    std::optional<Item> load(std::int64_t id) {
        ReadBatch batch;
        const auto item = batch.one(select_item, decode_item, id);
        auto read = run_to_end(database_->read(batch, soon()));
        EXPECT_TRUE(read) << read.error().detail;
        return item.get();
    }
    // They live until the database is closed, whose threads wake them.
    EventLoops& new_loops(std::size_t count) {
        loops_.push_back(std::make_unique<EventLoops>(EventLoopOptions{count}));
        return *loops_.back();
    }
    static WriteSet insert(std::int64_t id, std::string_view label) {
        WriteSet set(Store::ledger);
        set.guard(insert_item, 1, id, label, Position::sequence);
        return set;
    }

    SqliteOptions options_;
    CommitCounter registry_sequencer_;
    CountingSequencer ledger_sequencer_;
    std::vector<std::unique_ptr<EventLoops>> loops_;
    std::unique_ptr<Database> database_;
};

TEST(sqlite_text, numbers_parameters_and_refuses_what_is_not_portable) {
    int count = 0;
    EXPECT_EQ(*to_sqlite_text(update_item, &count), "UPDATE item SET label = ?2 WHERE id = ?1");
    EXPECT_EQ(count, 2);
    EXPECT_EQ(to_sqlite_text(cast_statement, &count).error().code, ErrorCode::store_corrupt);
    EXPECT_EQ(to_sqlite_text(gap_statement, &count).error().code, ErrorCode::store_corrupt);
}

TEST(migration, states_the_version_it_starts_from) {
    const Migration good{"x", Store::ledger, 2, "ledger_0002_x.sql",
                         "-- from: 1\nCREATE TABLE t (\n    a BIGINT\n);\n"};
    EXPECT_EQ(*sqlite_ddl(good), "CREATE TABLE t (\n    a INTEGER\n) STRICT;\n");
    const Migration bad{"x", Store::ledger, 2, "ledger_0002_x.sql", "-- from: 0\nCREATE TABLE t (a BIGINT);\n"};
    EXPECT_EQ(sqlite_ddl(bad).error().code, ErrorCode::store_version);
}

TEST_F(StoreTest, migrating_twice_changes_nothing) {
    open();
    const auto all = all_steps();
    EXPECT_TRUE(migrate(options_, all));
}

TEST_F(StoreTest, another_schema_version_is_refused) {
    open();
    database_.reset();
    auto longer = all_steps();
    longer.push_back(
        {"test", Store::ledger, 3, "ledger_0003_more.sql", "-- from: 2\nCREATE INDEX i ON item (sequence);\n"});
    auto opened = open_database(options_, longer, registry_sequencer_, ledger_sequencer_);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::store_version);
}

TEST_F(StoreTest, a_migration_that_skips_a_version_is_refused_and_leaves_no_trace) {
    open();
    database_.reset();
    auto gap = all_steps();
    gap.push_back(
        {"test", Store::ledger, 4, "ledger_0004_gap.sql", "-- from: 3\nCREATE TABLE gap (\n    a BIGINT\n);\n"});
    EXPECT_EQ(migrate(options_, gap).error().code, ErrorCode::store_version);
    EXPECT_TRUE(open_database(options_, all_steps(), registry_sequencer_, ledger_sequencer_));
}

TEST_F(StoreTest, what_is_committed_is_read_by_the_next_batch_with_its_position) {
    open();
    const auto position = commit(insert(5, "五"));
    ASSERT_TRUE(position);
    EXPECT_EQ(position->lane, 7);
    EXPECT_EQ(position->sequence, 1);
    const auto item = load(5);
    ASSERT_TRUE(item);
    EXPECT_EQ(item->label, "五");
    EXPECT_EQ(item->sequence, 1);
    EXPECT_FALSE(load(6));
}

TEST_F(StoreTest, a_lost_guard_writes_nothing_of_its_set_and_hurts_nobody_else) {
    open();
    ASSERT_TRUE(commit(insert(1, "first")));
    WriteSet loser(Store::ledger);
    loser.guard(insert_item, 1, 2, "would be written", Position::sequence);
    loser.guard(insert_item, 1, 1, "taken", Position::sequence);
    loser.change(insert_item_plain, 3, "never", Position::sequence);
    const auto lost = commit(std::move(loser));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, ErrorCode::store_conflict);
    EXPECT_FALSE(load(2));
    EXPECT_FALSE(load(3));
    const auto next = commit(insert(4, "next"));
    ASSERT_TRUE(next);
    EXPECT_EQ(next->sequence, 2) << "a lost set takes no position";
}

TEST_F(StoreTest, a_guard_that_expects_no_row_holds_when_there_is_none) {
    open();
    WriteSet set(Store::ledger);
    set.guard(update_item, 0, 9, "nothing there");
    set.change(insert_item_plain, 9, "now there", Position::sequence);
    EXPECT_TRUE(commit(std::move(set)));
    WriteSet again(Store::ledger);
    again.guard(update_item, 0, 9, "changed although expected absent");
    again.change(insert_item_plain, 10, "never", Position::sequence);
    EXPECT_EQ(commit(std::move(again)).error().code, ErrorCode::store_conflict);
    EXPECT_EQ(load(9)->label, "now there");
}

TEST_F(StoreTest, the_registry_counts_commits_and_a_batch_sees_both_stores) {
    open();
    for (std::int64_t id = 1; id <= 2; ++id) {
        WriteSet set(Store::registry);
        set.change(insert_note, id, Position::sequence);
        EXPECT_EQ(commit(std::move(set))->sequence, id);
    }
    ASSERT_TRUE(commit(insert(1, "ledger")));
    ReadBatch batch;
    const auto note = batch.one<std::int64_t>(select_note, [](const Row& r) { return r.integer(1); }, 2);
    const auto item = batch.one(select_item, decode_item, 1);
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    EXPECT_EQ(*note, 2);
    EXPECT_EQ(item->label, "ledger");
}

TEST_F(StoreTest, a_row_of_another_form_is_named_corrupt) {
    open();
    ASSERT_TRUE(commit(insert(1, "x")));
    ReadBatch batch;
    static_cast<void>(batch.one(select_item, decode_wrong, 1));
    const auto read = run_to_end(database_->read(batch, soon()));
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::store_corrupt);
}

TEST_F(StoreTest, rows_beyond_their_limit_are_refused) {
    open();
    for (int id = 1; id <= 3; ++id) ASSERT_TRUE(commit(insert(id, "x")));
    for (const std::size_t limit : {2U, 3U, 4U}) {
        ReadBatch batch;
        static_cast<void>(batch.many(select_items, limit, decode_item, 10));
        EXPECT_EQ(run_to_end(database_->read(batch, soon())).has_value(), limit >= 3) << limit;
    }
}

TEST_F(StoreTest, a_passed_deadline_is_not_written) {
    open();
    const Deadline passed(std::chrono::steady_clock::now() - std::chrono::seconds(1));
    const auto dropped = run_to_end(database_->commit(insert(1, "late"), passed));
    EXPECT_EQ(dropped.error().code, ErrorCode::deadline_passed);
    EXPECT_FALSE(load(1));
    ReadBatch batch;
    static_cast<void>(batch.one(select_item, decode_item, 1));
    EXPECT_EQ(run_to_end(database_->read(batch, passed)).error().code, ErrorCode::deadline_passed);
}

TEST_F(StoreTest, after_close_nothing_is_accepted) {
    open();
    ASSERT_TRUE(commit(insert(1, "x")));
    database_->close();
    EXPECT_EQ(commit(insert(2, "y")).error().code, ErrorCode::store_unavailable);
}

// Starts many commits at once on two loops and counts the answers.
struct Gathered {
    std::atomic<int> committed{0};
    std::atomic<int> conflicted{0};
    std::atomic<int> other{0};
};

Task<void> commit_one(Database& database, std::int64_t id, Gathered& gathered) {
    WriteSet set(Store::ledger);
    set.guard(insert_item, 1, id, "gathered", Position::sequence);
    const auto deadline = Deadline::in(std::chrono::seconds(20));
    auto committed = co_await database.commit(std::move(set), deadline);
    if (committed) {
        ++gathered.committed;
    } else if (committed.error().code == ErrorCode::store_conflict) {
        ++gathered.conflicted;
    } else {
        ++gathered.other;
    }
}

TEST_F(StoreTest, many_callers_on_two_loops_share_commits_and_each_gets_one_answer) {
    open();
    constexpr int callers = 600;
    Gathered gathered;
    {
        EventLoops& loops = new_loops(2);
        for (int i = 0; i < callers; ++i) {
            // Every id is asked for twice: one of the two wins.
            loops.spawn(static_cast<std::size_t>(i % 2), commit_one(*database_, i / 2, gathered));
        }
        loops.start();
        loops.stop();
        loops.join();
    }
    EXPECT_EQ(gathered.committed, callers / 2);
    EXPECT_EQ(gathered.conflicted, callers / 2);
    EXPECT_EQ(gathered.other, 0);
    const StoreCounters counters = database_->counters(Store::ledger);
    EXPECT_EQ(counters.sets_committed, static_cast<std::uint64_t>(callers / 2));
    EXPECT_LT(counters.commits, static_cast<std::uint64_t>(callers / 2)) << "commits were not shared";
}

TEST_F(StoreTest, the_queue_refuses_beyond_its_limit_and_goes_on_afterwards) {
    options_.commit.waiting_sets_max = 4;
    open();
    Gathered gathered;
    {
        EventLoops& loops = new_loops(1);
        for (int i = 0; i < 200; ++i) loops.spawn(0, commit_one(*database_, i, gathered));
        loops.start();
        loops.stop();
        loops.join();
    }
    EXPECT_EQ(gathered.committed + gathered.other, 200);
    EXPECT_GT(gathered.other, 0);
    EXPECT_TRUE(commit(insert(1000, "after")));
}

class DiskFault : public StoreTest, public testing::WithParamInterface<std::pair<FaultVfs::Fault, ErrorCode>> {};

TEST_P(DiskFault, refuses_writes_loses_nothing_and_resumes_when_the_disk_is_well) {
    options_.vfs = FaultVfs::instance().name();
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

TEST_F(StoreTest, one_bad_set_in_a_batch_hurts_only_itself) {
    open();
    ASSERT_TRUE(commit(insert(1, "taken")));
    Gathered gathered;
    {
        EventLoops& loops = new_loops(1);
        const auto bad = [](Database& database, Gathered& counted) -> Task<void> {
            WriteSet set(Store::ledger);
            set.change(insert_item_plain, 1, "breaks the primary key", Position::sequence);
            const auto deadline = Deadline::in(std::chrono::seconds(20));
            auto committed = co_await database.commit(std::move(set), deadline);
            if (!committed && committed.error().code == ErrorCode::store_conflict) ++counted.conflicted;
        };
        for (int i = 0; i < 20; ++i) loops.spawn(0, commit_one(*database_, 100 + i, gathered));
        loops.spawn(0, bad(*database_, gathered));
        for (int i = 0; i < 20; ++i) loops.spawn(0, commit_one(*database_, 200 + i, gathered));
        loops.start();
        loops.stop();
        loops.join();
    }
    EXPECT_EQ(gathered.committed, 40);
    EXPECT_EQ(gathered.conflicted, 1);
    EXPECT_EQ(load(1)->label, "taken");
}

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

TEST_F(StoreTest, a_locked_store_refuses_a_whole_batch_after_one_wait) {
    open();
    auto connection = SqliteConnection::open(options_.folder + "/ledger.db", SqliteConnection::Access::read_write, {});
    ASSERT_TRUE(connection);
    CountingSequencer sequencer;
    constexpr std::chrono::milliseconds busy_timeout{100};
    SqliteCommitEngine engine(std::move(*connection), sequencer, [](int) {}, busy_timeout);
    std::vector<CommitEngine::Item> batch;
    for (int id = 0; id < 200; ++id) batch.push_back({insert(id, "x"), soon(), std::nullopt});
    std::vector<CommitEngine::Item*> items;
    for (auto& item : batch) items.push_back(&item);
    LockedStore locked(options_);
    const auto begun = std::chrono::steady_clock::now();
    engine.run(items);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, busy_timeout * 20) << "one wait, not one for each of 200";
    for (const auto& item : batch) EXPECT_EQ(item.outcome->error().code, ErrorCode::store_unavailable);
    EXPECT_EQ(engine.counters().refusals, 1U);
    locked.release();
    engine.run(items);
    for (const auto& item : batch) EXPECT_TRUE(item.outcome->has_value());
}

TEST_F(StoreTest, sets_behind_a_bad_one_are_dropped_when_their_deadline_passes) {
    open();
    ASSERT_TRUE(commit(insert(1, "taken")));
    auto connection = SqliteConnection::open(options_.folder + "/ledger.db", SqliteConnection::Access::read_write, {});
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

TEST_F(StoreTest, an_empty_set_is_a_commit_and_finds_a_disk_that_takes_no_writes) {
    options_.vfs = FaultVfs::instance().name();
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

TEST_F(StoreTest, a_cold_read_whose_deadline_passes_in_the_queue_is_not_run) {
    options_.reads = Reads::on_reader_threads;
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

// Against a plain map: whatever order of inserts and versioned updates, the store holds what the answers said.
TEST_F(StoreTest, answers_and_contents_agree_for_random_histories) {
    open();
    std::int64_t base = 0;
    EXPECT_TRUE(rc::check("model", [&](const std::vector<std::pair<std::uint8_t, bool>>& operations) {
        base += 1000;
        std::map<std::int64_t, std::string> model;
        int step = 0;
        for (const auto& [key, is_insert] : operations) {
            const std::int64_t id = base + key % 8;
            const std::string label = std::to_string(++step);
            WriteSet set(Store::ledger);
            if (is_insert) {
                set.guard(insert_item, 1, id, label, Position::sequence);
            } else {
                set.guard(update_item, 1, id, label);
            }
            const bool expected = is_insert != model.contains(id);
            const auto committed = commit(std::move(set));
            RC_ASSERT(committed.has_value() == expected);
            if (expected) model[id] = label;
        }
        for (const auto& [id, label] : model) RC_ASSERT(load(id)->label == label);
    }));
}

}  // namespace
}  // namespace onshi::sql
