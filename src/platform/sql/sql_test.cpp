// What both engines do alike.
#include <thread>

#include <rapidcheck.h>

#include "base/random.h"
#include "platform/sql/store_fixture.h"

namespace onshi::sql {
namespace {

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
    commit_limits().waiting_sets_max = 4;
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
