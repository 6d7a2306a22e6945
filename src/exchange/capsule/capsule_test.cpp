#include "exchange/capsule/capsule.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "platform/cose/cose_sign1.h"

namespace onshi::capsule {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant t0{1'800'000'000'000'000};

pki::EcPrivateKey new_key() {
    return pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
}

std::string point(const pki::EcPrivateKey& key) {
    return std::string(as_text(Bytes(key.public_point())));
}

Capsule example() {
    Capsule capsule;
    capsule.id = std::string(id_bytes, 'i');
    capsule.issuer = "hub-1";
    capsule.issued_at = t0;
    capsule.expires_at = t0 + life;
    capsule.insurer_number = "06139463";
    capsule.symbol = "12";
    capsule.number = "3456";
    capsule.branch = "01";
    capsule.name = "髙橋 美咲";
    capsule.kana = "タカハシ ミサキ";
    capsule.birth = *parse_iso_date("1985-04-12");
    capsule.copay_percent = 30;
    capsule.limit_category = "ウ";
    capsule.valid_to = *parse_iso_date("2027-03-31");
    capsule.card = std::string(card_bytes, 'c');
    capsule.card_name = std::string(card_name_bytes, 'n');
    return capsule;
}

struct Issuer {
    pki::EcPrivateKey key = new_key();
    Trust trust{"hub-1", t0, {point(key)}, {}};

    Verdict verdict(const std::string& text, Instant now, std::string_view card = {}) const {
        const auto scanned = read_capsule(text);
        EXPECT_TRUE(scanned);
        return judge(*scanned, trust, card, now);
    }
};

TEST(capsule, says_after_scanning_what_was_put_in) {
    const Issuer issuer;
    const Capsule put = example();
    const std::string text = write_capsule(put, issuer.key);
    const auto scanned = read_capsule(text + "\r\n");
    ASSERT_TRUE(scanned) << scanned.error().detail;
    const Capsule& got = scanned->capsule;
    EXPECT_EQ(got.id, put.id);
    EXPECT_EQ(got.issuer, put.issuer);
    EXPECT_EQ(got.issued_at, put.issued_at);
    EXPECT_EQ(got.expires_at, put.expires_at);
    EXPECT_EQ(got.insurer_number, put.insurer_number);
    EXPECT_EQ(got.symbol, put.symbol);
    EXPECT_EQ(got.number, put.number);
    EXPECT_EQ(got.branch, put.branch);
    EXPECT_EQ(got.name, put.name);
    EXPECT_EQ(got.kana, put.kana);
    EXPECT_EQ(got.birth, put.birth);
    EXPECT_EQ(got.copay_percent, put.copay_percent);
    EXPECT_EQ(got.limit_category, put.limit_category);
    EXPECT_EQ(got.valid_to, put.valid_to);
    EXPECT_EQ(got.card, put.card);
    EXPECT_LE(text.size(), 900U) << "a code that a phone reads at once";
    EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= 'Z'; }));
}

TEST(capsule, what_may_be_missing_may_be_missing) {
    Capsule put = example();
    put.symbol.clear();
    put.branch.clear();
    put.kana.clear();
    put.limit_category.clear();
    put.copay_percent.reset();
    put.valid_to.reset();
    const auto scanned = read_capsule(write_capsule(put, new_key()));
    ASSERT_TRUE(scanned);
    EXPECT_FALSE(scanned->capsule.copay_percent);
    EXPECT_FALSE(scanned->capsule.valid_to);
}

TEST(capsule, what_must_not_be_missing_must_not) {
    const auto refused = [](const Capsule& capsule) { return !read_capsule(write_capsule(capsule, new_key())); };
    Capsule capsule = example();
    capsule.name.clear();
    EXPECT_TRUE(refused(capsule));
    capsule = example();
    capsule.card.pop_back();
    EXPECT_TRUE(refused(capsule));
    capsule = example();
    capsule.expires_at = capsule.issued_at;
    EXPECT_TRUE(refused(capsule));
    capsule = example();
    capsule.name = std::string(513, 'x');
    EXPECT_TRUE(refused(capsule));
}

TEST(capsule, text_of_another_form_is_refused) {
    const std::string text = write_capsule(example(), new_key());
    for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(read_capsule(text.substr(0, size))) << size;
    EXPECT_FALSE(read_capsule("HC1:" + text.substr(7)));
    EXPECT_FALSE(read_capsule(std::string(text_bytes_max + 1, 'A')));
}

TEST(capsule, counts_from_its_issue_until_its_end) {
    const Issuer issuer;
    const std::string text = write_capsule(example(), issuer.key);
    EXPECT_EQ(issuer.verdict(text, t0), Verdict::genuine);
    EXPECT_EQ(issuer.verdict(text, t0 - minutes(5)), Verdict::genuine) << "clocks differ a little";
    EXPECT_EQ(issuer.verdict(text, t0 - minutes(5) - seconds(1)), Verdict::not_yet);
    EXPECT_EQ(issuer.verdict(text, t0 + life - seconds(1)), Verdict::genuine);
    EXPECT_EQ(issuer.verdict(text, t0 + life), Verdict::expired);
}

TEST(capsule, belongs_to_its_card) {
    const Issuer issuer;
    const std::string text = write_capsule(example(), issuer.key);
    EXPECT_EQ(issuer.verdict(text, t0, std::string(card_bytes, 'c')), Verdict::genuine);
    EXPECT_EQ(issuer.verdict(text, t0, std::string(card_bytes, 'd')), Verdict::other_card);
}

TEST(capsule, of_a_stopped_card_counts_no_longer) {
    Issuer issuer;
    const std::string text = write_capsule(example(), issuer.key);
    issuer.trust.revoked = {std::string(card_name_bytes, 'a'), std::string(card_name_bytes, 'n')};
    EXPECT_EQ(issuer.verdict(text, t0), Verdict::revoked);
    EXPECT_EQ(issuer.verdict(text, t0 + life), Verdict::revoked);
}

TEST(capsule, by_an_unknown_key_or_with_changed_claims_is_not_believed) {
    const Issuer issuer;
    EXPECT_EQ(issuer.verdict(write_capsule(example(), new_key()), t0), Verdict::unknown_key);
    const auto scanned = read_capsule(write_capsule(example(), issuer.key));
    ASSERT_TRUE(scanned);
    for (std::size_t i = 0; i < scanned->token.size(); ++i) {
        Scanned changed = *scanned;
        changed.token[i] = static_cast<char>(changed.token[i] ^ 1);
        EXPECT_NE(judge(changed, issuer.trust, {}, t0), Verdict::genuine) << i;
    }
}

// Two live generations: what the old key made stays good, and what is made now is made by the new one.
TEST(capsule, keys_may_change_while_capsules_are_out) {
    Issuer issuer;
    const std::string old = write_capsule(example(), issuer.key);
    const auto next = new_key();
    issuer.trust.keys.insert(issuer.trust.keys.begin(), point(next));
    EXPECT_EQ(issuer.verdict(old, t0), Verdict::genuine);
    EXPECT_EQ(issuer.verdict(write_capsule(example(), next), t0), Verdict::genuine);
    issuer.trust.keys.pop_back();
    EXPECT_EQ(issuer.verdict(old, t0), Verdict::unknown_key);
}

TEST(capsule_trust, is_taken_over_only_from_who_was_believed_and_never_goes_back) {
    const auto first = new_key();
    const auto second = new_key();
    const Trust held{"hub-1", t0, {point(first)}, {}};
    const Trust newer{"hub-1", t0 + hours(1), {point(second), point(first)}, {std::string(card_name_bytes, 'a')}};
    const auto read = read_trust(write_trust(newer, first), &held);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(read->keys, newer.keys);
    EXPECT_EQ(read->revoked, newer.revoked);
    EXPECT_EQ(read->issued_at, newer.issued_at);
    // The new key is known from that list on.
    EXPECT_TRUE(read_trust(write_trust(newer, second), &*read));
    EXPECT_EQ(read_trust(write_trust(newer, second), &held).error().code, ErrorCode::signature_invalid);
    EXPECT_EQ(read_trust(write_trust(held, first), &newer).error().code, ErrorCode::revocation_stale);
    EXPECT_TRUE(read_trust(write_trust(held, first), nullptr));
    EXPECT_EQ(read_trust(write_trust(held, second), nullptr).error().code, ErrorCode::signature_invalid);
}

TEST(capsule_trust, lists_of_another_form_are_refused) {
    const auto key = new_key();
    EXPECT_FALSE(read_trust("", nullptr));
    EXPECT_FALSE(read_trust("?", nullptr));
    EXPECT_FALSE(read_trust(write_trust(Trust{"hub-1", t0, {}, {}}, key), nullptr));
    EXPECT_FALSE(read_trust(write_trust(Trust{"hub-1", t0, {point(key).substr(1)}, {}}, key), nullptr));
    EXPECT_FALSE(read_trust(
        write_trust(Trust{"hub-1", t0, {point(key)}, {std::string(16, 'b'), std::string(16, 'a')}}, key), nullptr));
}

TEST(capsule_trust, tells_its_age) {
    const Trust trust{"hub-1", t0, {}, {}};
    EXPECT_TRUE(is_fresh(trust, t0 + hours(24)));
    EXPECT_FALSE(is_fresh(trust, t0 + hours(24) + seconds(1)));
}

}  // namespace
}  // namespace onshi::capsule
