#pragma once

// For the tests of this folder: two small stores with a table each, on the engine that the suite runs on.
#include <atomic>

#include <gtest/gtest.h>

#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::sql {

inline const Statement insert_item(
    "test.insert_item", Store::ledger, ShardKey::person,
    "INSERT INTO item (id, label, sequence) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING");
inline const Statement insert_item_plain("test.insert_item_plain", Store::ledger, ShardKey::person,
                                         "INSERT INTO item (id, label, sequence) VALUES ($1, $2, $3)");
// Parameters out of their order: bound by number, or the values would be swapped.
inline const Statement update_item("test.update_item", Store::ledger, ShardKey::person,
                                   "UPDATE item SET label = $2 WHERE id = $1");
inline const Statement select_item("test.select_item", Store::ledger, ShardKey::person,
                                   "SELECT id, label, sequence FROM item WHERE id = $1");
inline const Statement select_items("test.select_items", Store::ledger, ShardKey::none,
                                    "SELECT id, label, sequence FROM item ORDER BY id LIMIT $1");
inline const Statement insert_note("test.insert_note", Store::registry, ShardKey::person,
                                   "INSERT INTO note (id, sequence) VALUES ($1, $2)");
inline const Statement select_note("test.select_note", Store::registry, ShardKey::person,
                                   "SELECT id, sequence FROM note WHERE id = $1");

inline constexpr std::array<Migration, 3> steps{{
    {"test", Store::ledger, 1, "ledger_0001_items.sql",
     "-- from: 0\nCREATE TABLE item (\n    id BIGINT NOT NULL PRIMARY KEY,\n    label TEXT NOT NULL,\n    sequence "
     "BIGINT NOT NULL\n);\n"},
    {"test", Store::registry, 1, "registry_0001_notes.sql",
     "-- from: 0\nCREATE TABLE note (\n    id BIGINT NOT NULL,\n    sequence BIGINT NOT NULL,\n    PRIMARY KEY (id)\n) "
     "/* clustered */;\n"},
    {"test", Store::ledger, 2, "ledger_0002_index.sql", "-- from: 1\nCREATE INDEX item_label ON item (label);\n"},
}};

inline std::vector<Migration> all_steps() {
    std::vector<Migration> all(CommitCounter::migrations().begin(), CommitCounter::migrations().end());
    all.insert(all.end(), steps.begin(), steps.end());
    return all;
}

struct Item {
    std::int64_t id;
    std::string label;
    std::int64_t sequence;
};
inline Item decode_item(const Row& row) {
    return {row.integer(0), std::string(row.text(1)), row.integer(2)};
}
inline Item decode_wrong(const Row& row) {
    return {row.integer(1), "", 0};
}

// Counts accepted sets like the audit chain does, without writing anything.
class CountingSequencer final : public Sequencer {
  public:
    Result<void> open(Transaction&) override { return {}; }
    Result<void> find_again(Transaction&) override { return {}; }
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
    ~StoreTest() override { database_.reset(); }
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

    // What both engines' options have.
    CommitLimits& commit_limits() {
        return std::visit([](auto& options) -> CommitLimits& { return options.commit; }, options_);
    }

    TestStores stores_;
    StoreOptions options_ = stores_.options();
    CommitCounter registry_sequencer_;
    CountingSequencer ledger_sequencer_;
    std::vector<std::unique_ptr<EventLoops>> loops_;
    std::unique_ptr<Database> database_;
};

// Starts many commits at once on two loops and counts the answers.
struct Gathered {
    std::atomic<int> committed{0};
    std::atomic<int> conflicted{0};
    std::atomic<int> other{0};
};

inline Task<void> commit_one(Database& database, std::int64_t id, Gathered& gathered) {
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

}  // namespace onshi::sql
