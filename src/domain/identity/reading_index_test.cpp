#include "domain/identity/reading_index.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "domain/audit/chain.h"
#include "domain/identity/store.h"
#include "domain/organisations/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::identity {
namespace {

const sql::Statement restart_pass(
    "test.restart_reading_pass", sql::Store::registry, sql::ShardKey::none,
    "UPDATE person_reading_pass SET after_key = 0, after_known = 0, indexed = 0, done = 0");

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto list :
         {sql::CommitCounter::migrations(), audit::migrations(), organisations::migrations(), migrations()}) {
        all.insert(all.end(), list.begin(), list.end());
    }
    return all;
}

// A registry as it was before readings were indexed: persons, and nothing that leads to them.
class ReadingIndexTest : public testing::Test {
  protected:
    ReadingIndexTest() : chain_(1, "hub-test") {
        EXPECT_TRUE(sql::migrate(stores_.options(), steps()));
        auto opened = sql::open_database(stores_.options(), steps(), counter_, chain_);
        EXPECT_TRUE(opened);
        database_ = std::move(*opened);
    }
    ~ReadingIndexTest() override { database_.reset(); }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    static Person person(std::int64_t key, std::string kana) {
        Person one;
        one.key = PersonKey(key);
        one.name = "見本　花子";
        one.kana = std::move(kana);
        one.birth = birth;
        return one;
    }
    void write(const std::vector<std::pair<Person, std::int64_t>>& versions) {
        sql::WriteSet set(sql::Store::registry);
        set.change(restart_pass);
        for (const auto& [who, known] : versions) {
            set.change(insert_person, who.key.value(), known, known_open, sql::Blob{pack(who)});
        }
        ASSERT_TRUE(run_to_end(database_->commit(std::move(set), soon())));
    }
    ReadingPass step() {
        auto done = run_to_end(index_older_persons(*database_, soon()));
        EXPECT_TRUE(done);
        return done ? *done : ReadingPass();
    }
    std::vector<std::int64_t> found(std::string_view kana) {
        sql::ReadBatch batch;
        const auto keys = load_by_reading(batch, birth, *reading_number(kana));
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        std::vector<std::int64_t> numbers;
        for (const auto key : keys) numbers.push_back(key.value());
        return numbers;
    }
    static constexpr Date birth = Date::of(1985, 4, 12);
    sql::TestStores stores_;
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_;
    std::unique_ptr<sql::Database> database_;
};

TEST_F(ReadingIndexTest, a_new_registry_has_nothing_to_make_up_for) {
    EXPECT_TRUE(step().done);
}

TEST_F(ReadingIndexTest, older_persons_are_found_by_every_name_they_ever_had) {
    write({{person(1, "ミホン ハナコ"), 1}, {person(1, "カクウ ハナコ"), 2}, {person(2, ""), 1}});
    EXPECT_TRUE(found("ミホン ハナコ").empty());
    const ReadingPass pass = step();
    EXPECT_TRUE(pass.done);
    EXPECT_EQ(pass.indexed, 3);
    EXPECT_EQ(pass.unreadable, 0);
    EXPECT_EQ(found("ミホン ハナコ"), (std::vector<std::int64_t>{1}));
    EXPECT_EQ(found("カクウ ハナコ"), (std::vector<std::int64_t>{1}));
    EXPECT_EQ(found("見本　花子"), (std::vector<std::int64_t>{2})) << "a name stands for a reading that is missing";
}

TEST_F(ReadingIndexTest, what_cannot_be_read_is_counted_and_keeps_nobody_else_from_being_found) {
    write({{person(1, "ミホン ハナコ"), 1}});
    sql::WriteSet set(sql::Store::registry);
    set.change(insert_person, 2, 1, known_open, sql::Blob{std::string_view("?")});
    set.change(insert_person, 3, 1, known_open, sql::Blob{pack(person(3, "ミホン ハナコ"))});
    ASSERT_TRUE(run_to_end(database_->commit(std::move(set), soon())));
    const ReadingPass pass = step();
    EXPECT_EQ(pass.unreadable, 1);
    EXPECT_EQ(found("ミホン ハナコ"), (std::vector<std::int64_t>{1, 3}));
}

// At, below and above the size of a step; a person's versions may lie on both sides of its end.
TEST_F(ReadingIndexTest, a_pass_goes_on_where_it_was_stopped) {
    const auto count = static_cast<std::int64_t>(readings_per_step_max) + 2;
    std::vector<std::pair<Person, std::int64_t>> versions;
    for (std::int64_t i = 0; i < count; ++i) versions.emplace_back(person(1 + i / 3, "ミホン ハナコ"), 1 + i % 3);
    write(versions);
    const ReadingPass first = step();
    EXPECT_FALSE(first.done);
    EXPECT_EQ(first.indexed, static_cast<std::int64_t>(readings_per_step_max));
    // Another process goes on.
    database_.reset();
    auto opened = sql::open_database(stores_.options(), steps(), counter_, chain_);
    ASSERT_TRUE(opened);
    database_ = std::move(*opened);
    const ReadingPass second = step();
    EXPECT_TRUE(second.done);
    EXPECT_EQ(second.indexed, count);
    EXPECT_EQ(found("ミホン ハナコ").size(), same_reading_max);
    EXPECT_EQ(step().indexed, count) << "and then nothing more is done";
}

TEST_F(ReadingIndexTest, a_registry_of_exactly_one_step_ends_with_an_empty_one) {
    std::vector<std::pair<Person, std::int64_t>> versions;
    for (std::size_t i = 1; i <= readings_per_step_max; ++i) {
        versions.emplace_back(person(static_cast<std::int64_t>(i), "ミホン ハナコ"), 1);
    }
    write(versions);
    EXPECT_FALSE(step().done);
    EXPECT_TRUE(step().done);
}

}  // namespace
}  // namespace onshi::identity
