#include "domain/eligibility/webhooks.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "domain/audit/chain.h"
#include "domain/eligibility/store.h"
#include "platform/event_loop/event_loop.h"
#include "platform/sql/commit_counter.h"
#include "platform/sql/stores.h"
#include "platform/sql/test_stores.h"

namespace onshi::eligibility::webhooks_test {

struct UrlCase {
    const char* url;
    bool https_only;
    bool loopback_too;
};

TEST(webhook_url, only_named_hosts_over_https_and_loopback_in_a_demo) {
    const UrlCase cases[]{
        {"https://clinic.example.jp/onshi", true, true},
        {"https://clinic.example.jp", true, true},
        {"https://clinic.example.jp:8443/a?b=c", true, true},
        {"http://clinic.example.jp/onshi", false, false},
        {"http://127.0.0.1:8080/x", false, true},
        {"http://localhost:8080/x", false, true},
        {"https://127.0.0.1/x", false, true},
        {"https://10.0.0.5/x", false, false},
        {"https://intranet/x", false, false},
        {"https://user:secret@clinic.example.jp/", false, false},
        {"https://clinic.example.jp/#part", false, false},
        {"https://clinic.example.jp:0/", false, false},
        {"https://clinic.example.jp:99999/", false, false},
        {"https://clinic.example.jp:/", false, false},
        {"https://[::1]/", false, false},
        {"https://%31.example.jp/", false, false},
        {"https:///x", false, false},
        {"https://clinic.example.jp/a b", false, false},
        {"https://clinic.example.jp/\n", false, false},
        {"ftp://clinic.example.jp/", false, false},
        {"clinic.example.jp", false, false},
        {"", false, false},
    };
    for (const UrlCase& one : cases) {
        EXPECT_EQ(parse_webhook_url(one.url, WebhookReach::https_only).has_value(), one.https_only) << one.url;
        EXPECT_EQ(parse_webhook_url(one.url, WebhookReach::loopback_too).has_value(), one.loopback_too) << one.url;
    }
    const auto address = parse_webhook_url("https://clinic.example.jp:8443/a?b=c", WebhookReach::https_only);
    EXPECT_EQ(address->host, "clinic.example.jp");
    EXPECT_EQ(address->port, 8443);
    EXPECT_EQ(address->target, "/a?b=c");
    EXPECT_EQ(parse_webhook_url("https://clinic.example.jp", WebhookReach::https_only)->target, "/");
    for (const std::size_t size : {webhook_url_max, webhook_url_max + 1}) {
        std::string url = "https://clinic.example.jp/";
        url.append(size - url.size(), 'x');
        EXPECT_EQ(parse_webhook_url(url, WebhookReach::https_only).has_value(), size == webhook_url_max);
    }
}

TEST(webhook_wait, doubles_up_to_an_hour_and_is_spread_by_a_quarter) {
    const std::int64_t whole[]{30, 60, 120, 240, 480, 960, 1920, 3600, 3600};
    for (std::int64_t failures = 1; failures <= 9; ++failures) {
        const std::int64_t expected = whole[failures - 1];
        for (std::uint64_t draw = 0; draw < 4'000; ++draw) {
            const std::int64_t wait = webhook_wait(failures, draw).count();
            EXPECT_GE(wait, expected - expected / 4);
            EXPECT_LE(wait, expected + expected / 4 + 1);
        }
    }
    EXPECT_LE(webhook_wait(webhook_failures_max, 0), webhook_wait_max);
}

TEST(webhook_signature, is_a_plain_hmac_that_anybody_can_check) {
    // openssl dgst -sha256 -hmac 0123456789abcdef over `1790000000.{"a":1}`
    EXPECT_EQ(webhook_signature("0123456789abcdef", Instant{1'790'000'000'123'456}, "{\"a\":1}"),
              "t=1790000000,v1=d569e4518fe6f4620fd6639233427e7df5e5394d8f14c85c1063b8d90a724dcb");
}

std::vector<sql::Migration> steps() {
    std::vector<sql::Migration> all;
    for (const auto list : {sql::CommitCounter::migrations(), audit::migrations(), migrations()}) {
        all.insert(all.end(), list.begin(), list.end());
    }
    return all;
}

class WebhooksTest : public testing::Test {
  protected:
    WebhooksTest() : chain_(1, "hub-test") {
        EXPECT_TRUE(sql::migrate(stores_.options(), steps()));
        auto opened = sql::open_database(stores_.options(), steps(), counter_, chain_);
        EXPECT_TRUE(opened);
        database_ = std::move(*opened);
        webhooks_.emplace(*database_, clock_, random_);
    }
    ~WebhooksTest() override { database_.reset(); }
    static Deadline soon() { return Deadline::in(std::chrono::seconds(20)); }
    Webhook put(const char* url) { return *run_to_end(webhooks_->put(clinic_, url, soon())); }
    Webhook find() { return *run_to_end(webhooks_->find(clinic_.organisation, soon())); }
    std::vector<Webhook> due() { return *run_to_end(webhooks_->claim_due(soon())); }
    void deliver(const Webhook& webhook, std::int64_t upto, bool more = false) {
        EXPECT_TRUE(run_to_end(webhooks_->delivered(webhook, upto, more, soon())));
    }
    void make_correction() {
        sql::WriteSet set(sql::Store::ledger);
        wake_webhook(set, clinic_.organisation, clock_.now());
        EXPECT_TRUE(run_to_end(database_->commit(std::move(set), soon())));
    }

    const audit::Actor clinic_{OrganisationKey(7), TerminalKey(8), "-"};
    SeededRandom random_{1};
    ManualClock clock_{Instant{1'800'000'000'000'000}};
    sql::TestStores stores_;
    sql::CommitCounter counter_;
    audit::ChainSequencer chain_;
    std::unique_ptr<sql::Database> database_;
    std::optional<Webhooks> webhooks_;
};

TEST_F(WebhooksTest, it_is_tried_at_once_then_rests_and_a_correction_wakes_it) {
    EXPECT_EQ(run_to_end(webhooks_->find(clinic_.organisation, soon())).error().code, ErrorCode::webhook_unknown);
    make_correction();
    put("https://clinic.example.jp/a");
    auto claimed = due();
    ASSERT_EQ(claimed.size(), 1U);
    EXPECT_TRUE(due().empty()) << "leased";
    deliver(claimed[0], 5);
    EXPECT_EQ(find().delivered_upto, 5);
    EXPECT_FALSE(find().next_try_at);
    EXPECT_TRUE(due().empty());
    make_correction();
    claimed = due();
    ASSERT_EQ(claimed.size(), 1U);
    EXPECT_EQ(claimed[0].delivered_upto, 5);
    deliver(claimed[0], 205, true);
    EXPECT_EQ(due().size(), 1U) << "there is more";
}

TEST_F(WebhooksTest, a_correction_that_comes_while_a_message_is_under_way_is_not_lost) {
    put("https://clinic.example.jp/a");
    const auto claimed = due();
    make_correction();
    deliver(claimed.at(0), 9);
    EXPECT_EQ(find().delivered_upto, 9);
    EXPECT_EQ(due().size(), 1U);
}

TEST_F(WebhooksTest, a_lease_that_nobody_ended_ends_by_itself) {
    put("https://clinic.example.jp/a");
    EXPECT_EQ(due().size(), 1U);
    clock_.advance(webhook_lease - std::chrono::seconds(1));
    EXPECT_TRUE(due().empty());
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(due().size(), 1U);
}

TEST_F(WebhooksTest, failures_wait_longer_each_time_and_end_at_last) {
    put("https://clinic.example.jp/a");
    for (std::int64_t failures = 1; failures <= webhook_failures_max; ++failures) {
        const auto claimed = due();
        ASSERT_EQ(claimed.size(), 1U) << failures;
        ASSERT_TRUE(run_to_end(webhooks_->failed(claimed[0], soon())));
        EXPECT_EQ(find().failures, failures);
        EXPECT_TRUE(due().empty()) << failures;
        clock_.advance(webhook_wait_max + webhook_wait_max / 4 + std::chrono::seconds(1));
    }
    EXPECT_TRUE(due().empty());
    make_correction();
    EXPECT_FALSE(due().empty()) << "news are a reason to try once more";
    const Webhook again = put("https://clinic.example.jp/a");
    EXPECT_EQ(again.failures, 0);
    EXPECT_EQ(again.generation, 1) << "the same address keeps its secret";
    EXPECT_EQ(due().size(), 1U);
}

TEST_F(WebhooksTest, another_address_has_another_secret_and_is_told_what_the_old_one_was_not) {
    const auto key = pki::HmacKey::create(as_bytes("0123456789abcdef0123456789abcdef"));
    put("https://clinic.example.jp/a");
    const auto claimed = due();
    const Webhook other = put("https://clinic.example.jp/b");
    EXPECT_EQ(other.generation, 2);
    EXPECT_NE(webhook_secret(*key, clinic_.organisation, 1), webhook_secret(*key, clinic_.organisation, 2));
    EXPECT_NE(webhook_secret(*key, clinic_.organisation, 1), webhook_secret(*key, OrganisationKey(9), 1));
    deliver(claimed.at(0), 9);
    EXPECT_EQ(find().delivered_upto, 0) << "that was said to the old address";
    EXPECT_TRUE(run_to_end(webhooks_->remove(clinic_, soon())));
    EXPECT_EQ(run_to_end(webhooks_->find(clinic_.organisation, soon())).error().code, ErrorCode::webhook_unknown);
    make_correction();
    EXPECT_TRUE(due().empty());
    EXPECT_EQ(put("https://clinic.example.jp/b").url, "https://clinic.example.jp/b");
    EXPECT_EQ(due().size(), 1U);
}

}  // namespace onshi::eligibility::webhooks_test
