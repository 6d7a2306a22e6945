#include "platform/sql/store_copy.h"

#include "platform/sql/store_fixture.h"

namespace onshi::sql {
namespace {

const Statement insert_marker("test.insert_marker", Store::ledger, ShardKey::none,
                              "INSERT INTO schema_version (slice, version) VALUES ($1, 2)");
const Statement remove_items("test.remove_items", Store::ledger, ShardKey::none, "DELETE FROM item WHERE id > $1");
const Statement change_label("test.change_label", Store::ledger, ShardKey::none,
                             "UPDATE item SET label = 'another' WHERE id = $1");

constexpr std::int64_t items = 5000;  // more than one step

// From this suite's engine to SQLite, or from SQLite to the suite's engine.
class StoreCopyTest : public testing::TestWithParam<bool> {
  protected:
    StoreCopyTest() {
        embedded_.folder = folder_.folder() + "/embedded";
        from_ = GetParam() ? StoreOptions(embedded_) : engine_.options();
        to_ = GetParam() ? engine_.options() : StoreOptions(embedded_);
        EXPECT_TRUE(migrate(from_, all_));
        change(from_, [](BulkWriter& writer) {
            for (std::int64_t id = 1; id <= items; ++id) {
                insert(writer, insert_item_plain, id * 3 - items, id % 7 == 0 ? "" : "髙橋 \"quoted\" 'x' \\", id);
            }
        });
        auto writer = BulkWriter::open(from_, Store::registry);
        EXPECT_TRUE(writer);
        insert(**writer, insert_note, std::int64_t{-1}, std::int64_t{1});
        insert(**writer, insert_note, INT64_MAX, INT64_MIN);
        EXPECT_TRUE((*writer)->commit());
    }
    template <class... P>
    static void insert(BulkWriter& writer, const Statement& statement, const P&... parameters) {
        ParameterBuffer values;
        (values.add(parameters), ...);
        EXPECT_TRUE(writer.execute(statement, values));
    }
    template <class F>
    static void change(const StoreOptions& options, const F& changes) {
        auto writer = BulkWriter::open(options, Store::ledger);
        ASSERT_TRUE(writer) << writer.error().detail;
        changes(**writer);
        auto committed = (*writer)->commit();
        ASSERT_TRUE(committed) << committed.error().detail;
    }
    Result<std::vector<CopiedTable>> copy() { return copy_stores(from_, to_, all_, {}); }
    // Makes a finished copy one that was cut short behind an item.
    void cut_behind(std::int64_t id) {
        change(to_, [&](BulkWriter& writer) {
            insert(writer, insert_marker, unfinished_copy);
            insert(writer, remove_items, id);
        });
    }
    ErrorCode open_error() {
        CommitCounter registry;
        CountingSequencer ledger;
        auto opened = open_database(to_, all_, registry, ledger);
        return opened ? ErrorCode::internal_unexpected : opened.error().code;
    }
    static std::uint64_t rows_of(const std::vector<CopiedTable>& copied, std::string_view table) {
        for (const auto& one : copied) {
            if (one.table == table) return one.rows;
        }
        return 0;
    }

    const std::vector<Migration> all_ = all_steps();
    TestStores engine_;
    TestStores folder_;
    SqliteOptions embedded_;
    StoreOptions from_;
    StoreOptions to_;
};

TEST_P(StoreCopyTest, every_row_arrives_and_the_copy_opens) {
    auto copied = copy();
    ASSERT_TRUE(copied) << copied.error().detail;
    EXPECT_EQ(rows_of(*copied, "item"), static_cast<std::uint64_t>(items));
    EXPECT_EQ(rows_of(*copied, "note"), 2U);
    EXPECT_EQ(rows_of(*copied, "commit_counter"), 1U);
    CommitCounter registry;
    CountingSequencer ledger;
    auto opened = open_database(to_, all_, registry, ledger);
    ASSERT_TRUE(opened) << opened.error().detail;
    ReadBatch batch;
    const auto first = batch.one(select_item, decode_item, 3 - items);
    const auto last = batch.one(select_note, +[](const Row& row) { return row.integer(1); }, INT64_MAX);
    ASSERT_TRUE(run_to_end((*opened)->read(batch, Deadline::in(std::chrono::seconds(20)))));
    EXPECT_EQ(first->label, "髙橋 \"quoted\" 'x' \\");
    EXPECT_EQ(*last, INT64_MIN);
}

TEST_P(StoreCopyTest, a_copy_that_was_cut_short_opens_for_nobody_and_goes_on) {
    ASSERT_TRUE(copy());
    cut_behind(0);
    EXPECT_EQ(open_error(), ErrorCode::store_version);
    auto again = copy();
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(rows_of(*again, "item"), static_cast<std::uint64_t>(items));
    EXPECT_EQ(open_error(), ErrorCode::internal_unexpected);
}

TEST_P(StoreCopyTest, a_row_that_differs_is_found_and_the_copy_stays_closed) {
    ASSERT_TRUE(copy());
    cut_behind(items);
    change(to_, [](BulkWriter& writer) { insert(writer, change_label, 3 - items); });
    const auto again = copy();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::store_copy_differs);
    EXPECT_EQ(open_error(), ErrorCode::store_version);
}

TEST_P(StoreCopyTest, nothing_is_copied_over_other_data) {
    ASSERT_TRUE(copy());
    const auto again = copy();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, ErrorCode::store_not_empty);
}

INSTANTIATE_TEST_SUITE_P(directions, StoreCopyTest, testing::Values(false, true),
                         [](const auto& info) { return info.param ? "from_sqlite" : "to_sqlite"; });

TEST(store_setting, names_a_folder_or_a_database_and_never_a_password) {
    EXPECT_EQ(std::get<SqliteOptions>(*parse_store("/srv/onshi")).folder, "/srv/onshi");
    EXPECT_EQ(std::get<SqliteOptions>(*parse_store("sqlite:store")).folder, "store");
    const char* address = "postgresql://hub@db-1:5432,db-2/onshi?target_session_attrs=read-write";
    EXPECT_EQ(std::get<PostgresOptions>(*parse_store(address)).address, address);
    EXPECT_EQ(describe(*parse_store(address)), "postgresql");
    EXPECT_EQ(parse_store("").error().code, ErrorCode::config_missing);
    for (const char* bad : {"mysql://x/y", "sqlite:", "postgresql://u:secret@h/d", "postgresql://h/d?password=secret",
                            "postgresql://h/d?no_such_word=1"}) {
        const auto parsed = parse_store(bad);
        ASSERT_FALSE(parsed) << bad;
        EXPECT_EQ(parsed.error().code, ErrorCode::config_malformed) << bad;
        EXPECT_EQ(parsed.error().detail.find("secret"), std::string::npos);
    }
}

}  // namespace
}  // namespace onshi::sql
