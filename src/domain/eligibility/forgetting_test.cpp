// What guards against a repeat goes when it is of no use any more: not before, and never much at once.
#include "domain/eligibility/forgetting.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "domain/audit/chain.h"
#include "domain/eligibility/store.h"
#include "domain/payments/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::eligibility {
namespace {

using sql::Statement;

const Statement count_rows("test.count_challenges", sql::Store::ledger, sql::ShardKey::none,
                           "SELECT count(*) FROM used_challenge");
const Statement count_uses("test.count_visual_uses", sql::Store::ledger, sql::ShardKey::none,
                           "SELECT count(*) FROM visual_use");

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto list :
         {sql::CommitCounter::migrations(), audit::migrations(), payments::migrations(), migrations()}) {
        all.insert(all.end(), list.begin(), list.end());
    }
    return all;
}

class ForgettingTest : public testing::Test {
  protected:
    ForgettingTest() : chain_(1, "hub-test") {
        EXPECT_TRUE(sql::migrate(options_, steps()));
        auto opened = sql::open_database(options_, steps(), counter_, chain_);
        EXPECT_TRUE(opened);
        database_ = std::move(*opened);
    }
    ~ForgettingTest() override { database_.reset(); }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    void write(sql::WriteSet set) { ASSERT_TRUE(run_to_end(database_->commit(std::move(set), soon()))); }
    OpenedChallenge challenge(Instant expires_at) {
        OpenedChallenge made{expires_at, {}};
        random_.fill(made.nonce);
        return made;
    }
    void use_challenges(std::size_t count, Instant expires_at) {
        constexpr std::size_t per_set = 2000;
        for (std::size_t done = 0; done < count;) {
            sql::WriteSet set(sql::Store::ledger);
            for (std::size_t i = 0; i < per_set && done < count; ++i, ++done) {
                consume_challenge(set, challenge(expires_at + std::chrono::microseconds(done % 100)), PersonKey(1));
            }
            write(std::move(set));
        }
    }
    std::size_t forget() {
        auto forgotten = run_to_end(forget_old(*database_, now_, soon()));
        EXPECT_TRUE(forgotten);
        return forgotten ? *forgotten : 0;
    }
    std::int64_t count(const Statement& statement) {
        sql::ReadBatch batch;
        const auto rows = batch.one<std::int64_t>(statement, [](const sql::Row& row) { return row.integer(0); });
        EXPECT_TRUE(run_to_end(database_->read(batch, soon())));
        return *rows;
    }

    static constexpr Instant now_{1'800'000'000'000'000};
    SeededRandom random_{1};
    sql::TestStores stores_;
    const sql::StoreOptions options_ = stores_.options();
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_;
    std::unique_ptr<sql::Database> database_;
};

constexpr std::chrono::microseconds hour = std::chrono::hours(1);

TEST_F(ForgettingTest, a_challenge_is_kept_for_an_hour_after_its_expiry) {
    const OpenedChallenge live = challenge(now_ + hour / 4);
    const OpenedChallenge kept = challenge(now_ - hour);
    const OpenedChallenge old = challenge(now_ - hour - std::chrono::microseconds(1));
    sql::WriteSet set(sql::Store::ledger);
    for (const auto& one : {live, kept, old}) consume_challenge(set, one, PersonKey(1));
    write(std::move(set));
    EXPECT_EQ(forget(), 1U);
    sql::ReadBatch batch;
    const auto first = load_used_challenge(batch, live, PersonKey(1));
    const auto second = load_used_challenge(batch, kept, PersonKey(1));
    const auto third = load_used_challenge(batch, old, PersonKey(1));
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(third);
}

TEST_F(ForgettingTest, a_backlog_goes_in_slices_and_a_round_ends) {
    constexpr std::size_t per_round = rows_per_slice_max * slices_per_round_max;
    use_challenges(per_round + rows_per_slice_max + 7, now_ - 2 * hour);
    use_challenges(5, now_);
    const auto before = database_->counters(sql::Store::ledger).sets_committed;
    EXPECT_EQ(forget(), per_round);
    EXPECT_EQ(database_->counters(sql::Store::ledger).sets_committed - before, slices_per_round_max);
    EXPECT_EQ(count(count_rows), static_cast<std::int64_t>(rows_per_slice_max) + 7 + 5);
    EXPECT_EQ(forget(), rows_per_slice_max + 7);
    EXPECT_EQ(forget(), 0U);
    EXPECT_EQ(count(count_rows), 5);
}

TEST_F(ForgettingTest, nothing_old_costs_no_commit) {
    use_challenges(3, now_);
    const auto before = database_->counters(sql::Store::ledger).commits;
    EXPECT_EQ(forget(), 0U);
    EXPECT_EQ(database_->counters(sql::Store::ledger).commits, before);
}

TEST_F(ForgettingTest, a_check_id_and_given_consents_are_kept_for_a_day) {
    const CheckId first = CheckId::make(random_);
    const CheckId second = CheckId::make(random_);
    const Instant kept = now_ - 24 * hour;
    const Instant old = kept - std::chrono::microseconds(1);
    sql::WriteSet set(sql::Store::ledger);
    consume_check_id(set, TerminalKey(1), first, kept);
    consume_check_id(set, TerminalKey(1), second, old);
    consume_consents(set, {1, 10}, Sha256{}, kept);
    consume_consents(set, {1, 11}, Sha256{}, old);
    write(std::move(set));
    EXPECT_EQ(forget(), 2U);
    sql::ReadBatch batch;
    const auto check = load_used_check(batch, TerminalKey(1), first);
    const auto old_check = load_used_check(batch, TerminalKey(1), second);
    const auto consents = load_given_consents(batch, {1, 10});
    const auto old_consents = load_given_consents(batch, {1, 11});
    ASSERT_TRUE(run_to_end(database_->read(batch, soon())));
    EXPECT_TRUE(check && consents);
    EXPECT_FALSE(old_check || old_consents);
}

TEST_F(ForgettingTest, the_count_of_visual_checks_is_kept_for_a_week) {
    const Date today = japan_day(now_);
    sql::WriteSet set(sql::Store::ledger);
    for (const int back : {0, 3, 7, 8, 30})
        count_visual_use(set, OrganisationKey(1), "staff", today.plus_days(-back), 0, 5);
    write(std::move(set));
    EXPECT_EQ(forget(), 2U);
    EXPECT_EQ(count(count_uses), 3);
}

}  // namespace
}  // namespace onshi::eligibility
