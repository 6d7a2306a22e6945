// Every statement of the hub, with its shard key, on the real schema: what runs on a table that grows with persons or
// with checks is found by a key, never by reading the table (design §9.13).
#include <filesystem>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "hub/hub.h"
#include "hub/migrations.h"
#include "platform/sql/sqlite_connection.h"
#include "platform/sql/stores.h"

namespace onshi::hub {
namespace {

using sql::ShardKey;
using sql::Statement;

// Grow with the nation or with its checks.
const std::set<std::string_view> hot_tables{"person",           "person_alias",
                                            "person_now",       "coverage",
                                            "coverage_number",  "card",
                                            "card_renewal",     "certificate_status",
                                            "use_registration", "card_suspension",
                                            "consent",          "used_challenge",
                                            "used_check",       "consent_given",
                                            "visual_use",       "audit_record",
                                            "audit_seal",       "number_tag",
                                            "resident",         "individual_number",
                                            "withheld_record",  "told",
                                            "correction",       "coverage_change",
                                            "paper_document",   "paper_order",
                                            "counter_case",     "person_certificate",
                                            "subsidy_choice",   "payment_book",
                                            "payment_posting",  "protection_wish",
                                            "person_reading"};

// Housekeeping goes by age, and a CA's list by its CA, not by key; on a sharded engine it runs on every shard.
const std::set<std::string_view> by_age{
    "eligibility.count_old_challenges", "eligibility.remove_old_challenges", "eligibility.count_old_check_ids",
    "eligibility.remove_old_check_ids", "eligibility.count_old_given_consents", "eligibility.remove_old_given_consents",
    "eligibility.count_old_visual_uses", "eligibility.remove_old_visual_uses", "cards.select_listed_page",
    "payments.count_old_choices", "payments.remove_old_choices",
    // An insurer's list of withheld records, by its own index.
    "coverage.select_withheld_page", "coverage.select_withheld_record",
    // What has changed since a commit, in the order of commits.
    "coverage.select_changes",
    // The names of a person who was merged, by the person they lead to.
    "identity.shorten_aliases",
    // An insurer's orders of certificates, by its own key, and a nightly walk over all of them.
    "coverage.open_paper_order", "coverage.close_paper_order", "coverage.select_paper_order",
    "coverage.select_paper_orders", "coverage.walk_open_orders", "coverage.move_order",
    // Whom a birth date and a reading lead to, by its own index.
    "identity.insert_reading", "identity.add_reading", "identity.select_by_reading",
    // An insurer's cases, by its own key.
    "eligibility.open_counter_case", "eligibility.select_counter_cases", "eligibility.move_counter_case"};

// What a statement must name for its shard key: one of these sets of columns.
const std::map<ShardKey, std::vector<std::vector<std::string_view>>> columns_of{
    {ShardKey::person, {{"person_key"}}},
    {ShardKey::card, {{"ca_id", "serial"}}},
    {ShardKey::insured_number, {{"insurer_number", "number"}}},
    {ShardKey::organisation, {{"organisation_key"}, {"terminal_key"}}},
    {ShardKey::lane, {{"lane"}}},
    {ShardKey::number_tag, {{"tag"}}},
};

class Words {
  public:
    explicit Words(std::string_view text) {
        std::size_t begun = 0;
        const auto in_word = [](char c) { return (std::isalnum(static_cast<unsigned char>(c)) != 0) || c == '_'; };
        for (std::size_t i = 0; i <= text.size(); ++i) {
            if (i < text.size() && in_word(text[i])) continue;
            if (i > begun) words_.insert(text.substr(begun, i - begun));
            begun = i + 1;
        }
    }
    [[nodiscard]] bool has(std::string_view word) const { return words_.contains(word); }
    [[nodiscard]] bool names_a_hot_table() const {
        return std::ranges::any_of(hot_tables, [this](std::string_view table) { return has(table); });
    }

  private:
    std::set<std::string_view> words_;
};

std::vector<const Statement*> statements() {
    // The linker takes what is used only; the hub uses all slices.
    [[maybe_unused]] const volatile auto all_of_the_hub = &Hub::open;
    std::vector<const Statement*> found;
    for (const Statement* statement : Statement::all()) {
        if (!statement->name().starts_with("test.")) found.push_back(statement);
    }
    return found;
}

class StatementsTest : public testing::Test {
  protected:
    StatementsTest() {
        std::string name = std::filesystem::temp_directory_path() / "onshi-statements-XXXXXX";
        options_.folder = mkdtemp(name.data());
        EXPECT_TRUE(sql::migrate(options_, all_migrations()));
        for (const char* store : {"registry", "ledger"}) {
            sqlite3* db = nullptr;
            EXPECT_EQ(sqlite3_open((options_.folder + "/" + store + ".db").c_str(), &db), SQLITE_OK);
            stores_.push_back(db);
        }
    }
    ~StatementsTest() override {
        for (sqlite3* db : stores_) sqlite3_close(db);
        std::filesystem::remove_all(options_.folder);
    }
    std::vector<std::string> plan(const Statement& statement) {
        int parameters = 0;
        const auto text = sql::to_sqlite_text(statement, &parameters);
        EXPECT_TRUE(text);
        sqlite3* db = stores_[statement.store() == sql::Store::registry ? 0 : 1];
        sqlite3_stmt* explained = nullptr;
        const std::string sql = "EXPLAIN QUERY PLAN " + *text;
        EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &explained, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
        std::vector<std::string> lines;
        while (sqlite3_step(explained) == SQLITE_ROW) {
            lines.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(explained, 3)));
        }
        sqlite3_finalize(explained);
        return lines;
    }
    sql::SqliteOptions options_;
    std::vector<sqlite3*> stores_;
};

TEST_F(StatementsTest, every_one_on_a_table_that_grows_names_its_shard_key) {
    std::size_t hot = 0;
    for (const Statement* statement : statements()) {
        SCOPED_TRACE(statement->name());
        const Words words(statement->text());
        if (!words.names_a_hot_table()) continue;
        ++hot;
        if (statement->shard_key() == ShardKey::none) {
            EXPECT_TRUE(by_age.contains(statement->name())) << "give it a shard key, or say why it needs none";
            continue;
        }
        const auto& alternatives = columns_of.at(statement->shard_key());
        const bool named = std::ranges::any_of(alternatives, [&](const auto& columns) {
            return std::ranges::all_of(columns, [&](std::string_view column) { return words.has(column); });
        });
        EXPECT_TRUE(named) << to_string(statement->shard_key()) << ": " << statement->text();
    }
    EXPECT_GT(hot, 25U) << "the slices' statements are in this program";
}

TEST_F(StatementsTest, none_reads_through_a_table_that_grows) {
    for (const Statement* statement : statements()) {
        SCOPED_TRACE(statement->name());
        for (const std::string& line : plan(*statement)) {
            const Words words(line);
            EXPECT_FALSE(line.starts_with("SCAN") && words.names_a_hot_table()) << line;
            EXPECT_FALSE(line.starts_with("USE TEMP B-TREE FOR ORDER BY")) << line << ": " << statement->text();
        }
    }
}

TEST_F(StatementsTest, every_table_that_grows_is_in_the_schema) {
    std::set<std::string, std::less<>> tables;
    for (sqlite3* db : stores_) {
        const auto add = [](void* all, int, char** values, char**) {
            static_cast<std::set<std::string, std::less<>>*>(all)->insert(values[0]);
            return 0;
        };
        ASSERT_EQ(sqlite3_exec(db, "SELECT name FROM sqlite_schema WHERE type = 'table'", add, &tables, nullptr),
                  SQLITE_OK);
    }
    for (const auto table : hot_tables) EXPECT_TRUE(tables.contains(table)) << table;
}

}  // namespace
}  // namespace onshi::hub
