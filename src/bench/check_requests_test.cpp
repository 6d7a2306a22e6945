#include "bench/check_requests.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/sha256.h"
#include "bench/baselines.h"
#include "bench/test_cards.h"
#include "bench/test_peers.h"
#include "domain/eligibility/challenges.h"
#include "domain/eligibility/rules.h"
#include "exchange/api/checks.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::check_requests_test {

using bench::PersonDraw;
using bench::PersonOrder;
using bench::PreparationOrder;
using bench::test::TestCards;
using bench::test::TestServer;

eligibility::Challenges make_challenges() {
    std::vector<eligibility::Challenges::LiveKey> keys;
    keys.push_back({1, pki::HmacKey::create(as_bytes("0123456789abcdef0123456789abcdef")).value()});
    return eligibility::Challenges(std::move(keys));
}

// The part of a hub that gives challenges: terminal n has the n-th certificate.
class ChallengeHub {
  public:
    ChallengeHub()
        : challenges_(make_challenges()),
          server_([](http::Request&) { return http::empty_response(); },
                  [this](http::Server& server) {
                      server.route(http::Method::post, "/v1/challenges", {},
                                   [this](http::Request& request, Deadline) { return give(request); });
                  }) {
        for (std::size_t i = 0; i < 2; ++i) {
            terminals.push_back(
                {"131234567" + std::to_string(i), "T" + std::to_string(i + 1), server_.trust().terminals[i].clone()});
        }
        hub.id = "test-hub";
        hub.server_name = "hub.test";
        hub.anchors = {server_.trust().server_anchor};
    }

    [[nodiscard]] PreparationOrder order(std::size_t count) const {
        return {
            .hub = hub, .port = server_.port(), .terminals = terminals, .cards = cards, .clock = clock, .count = count};
    }
    [[nodiscard]] const eligibility::Challenges& challenges() const { return challenges_; }

    SystemClock clock;
    TestCards cards;
    bench::BenchHub hub;
    std::vector<bench::BenchTerminal> terminals;
    std::size_t given_max = 1'000'000;

  private:
    Task<Result<http::Response>> give(http::Request& request) {
        auto asked = api::parse_challenge_request(request.body);
        if (!asked) co_return fail(std::move(asked));
        std::vector<eligibility::IssuedChallenge> issued;
        issued.reserve(asked->count);
        const TerminalKey terminal(terminal_of(*request.peer->certificate));
        for (std::size_t i = 0; i < std::min(asked->count, given_max); ++i) {
            issued.push_back(challenges_.issue(terminal, asked->purpose, clock.now(), random_));
        }
        co_return http::json_response(api::write_challenges(issued));
    }
    std::int64_t terminal_of(const http::Fingerprint& certificate) {
        return known_.try_emplace(certificate, static_cast<std::int64_t>(known_.size()) + 1).first->second;
    }

    eligibility::Challenges challenges_;
    SystemRandom random_;
    std::map<http::Fingerprint, std::int64_t> known_;
    TestServer server_;
};

// What the hub does with a body before it looks at the card's status. Gives the card's serial.
std::string verify(const ChallengeHub& hub, std::size_t lane, std::string_view body) {
    const auto message = api::parse_card_check(body);
    if (!message) return "malformed";
    const auto& check = (*message)->check;
    const auto opened = hub.challenges().open(check.challenge, TerminalKey(static_cast<std::int64_t>(lane) + 1),
                                              eligibility::Purpose::check, hub.clock.now());
    if (!opened) return "challenge";
    const auto id = check.id.text();
    const auto& terminal = hub.terminals[lane];
    const auto lines = to_text(eligibility::SignedLines{.hub_id = hub.hub.id,
                                                        .facility = terminal.facility,
                                                        .terminal = terminal.id,
                                                        .challenge = check.challenge,
                                                        .purpose = "check",
                                                        .method = "pin",
                                                        .face_engine = {},
                                                        .care_day = japan_day(hub.clock.now()),
                                                        .operator_reference = {},
                                                        .check_id = id});
    // The key says who it was: the pool is dealt by person.
    for (std::uint64_t person = 0; person < 300; ++person) {
        if (TestCards::serial_of(person) != check.serial) continue;
        const auto held = pki::verify_digest(pki::fixture_keys().public_key(person), check.algorithm,
                                             sha256(as_bytes(lines)), as_bytes(check.signature));
        return held ? check.serial.hex() : "signature";
    }
    return "serial";
}

TEST(prepare_checks, makes_bodies_that_a_hub_accepts_each_for_another_person) {
    ChallengeHub hub;
    PersonDraw draw{PersonOrder(300, 7), 0};
    auto prepared = prepare_checks(hub.order(100), draw);
    ASSERT_TRUE(prepared) << prepared.error().detail;
    EXPECT_EQ(prepared->count(), 100U);
    ASSERT_EQ(prepared->lanes.size(), 2U);
    EXPECT_GT(prepared->bytes(), 100 * 500U);
    std::set<std::string> serials;
    for (std::size_t lane = 0; lane < 2; ++lane) {
        EXPECT_EQ(prepared->lanes[lane].size(), 50U);
        while (const auto body = prepared->lanes[lane].take()) {
            const auto serial = verify(hub, lane, *body);
            ASSERT_EQ(serial.size(), 8U) << serial;
            EXPECT_TRUE(serials.insert(serial).second);
        }
    }
    EXPECT_EQ(serials.size(), 100U);
    EXPECT_EQ(draw.next, 100 + prepared->persons_skipped);
}

class NoCards final : public bench::CardSource {
  public:
    [[nodiscard]] std::optional<bench::BenchCard> card(std::uint64_t) const override { return std::nullopt; }
};

TEST(prepare_checks, says_when_somebody_had_to_be_drawn_again) {
    ChallengeHub hub;
    struct Row {
        std::uint64_t persons;  // two thirds have a card
        std::uint64_t rounds;
    };
    for (const auto& row : {Row{150, 1}, Row{147, 2}, Row{3, 50}}) {
        PersonDraw draw{PersonOrder(row.persons, 7), 0};
        const auto prepared = prepare_checks(hub.order(100), draw);
        ASSERT_TRUE(prepared) << prepared.error().detail;
        EXPECT_EQ(prepared->rounds, row.rounds) << row.persons;
    }
}

TEST(prepare_checks, without_cards_there_is_nothing_to_prepare) {
    ChallengeHub hub;
    const NoCards nobody;
    const bench::PreparationOrder order{.hub = hub.hub,
                                        .port = hub.order(10).port,
                                        .terminals = hub.terminals,
                                        .cards = nobody,
                                        .clock = hub.clock,
                                        .count = 10};
    PersonDraw draw{PersonOrder(300, 7), 0};
    const auto prepared = prepare_checks(order, draw);
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, ErrorCode::bench_invalid);
}

TEST(prepare_checks, counts_are_bounded) {
    ChallengeHub hub;
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, bench::prepared_requests_max + 1}) {
        PersonDraw draw{PersonOrder(300, 7), 0};
        const auto prepared = prepare_checks(hub.order(count), draw);
        ASSERT_FALSE(prepared);
        EXPECT_EQ(prepared.error().code, ErrorCode::config_value) << count;
    }
    PersonDraw draw{PersonOrder(300, 7), 0};
    EXPECT_TRUE(prepare_checks(hub.order(2), draw));
}

TEST(prepare_checks, a_hub_that_gives_fewer_challenges_is_reported) {
    ChallengeHub hub;
    hub.given_max = 3;
    PersonDraw draw{PersonOrder(300, 7), 0};
    const auto prepared = prepare_checks(hub.order(10), draw);
    ASSERT_FALSE(prepared);
    EXPECT_EQ(prepared.error().code, ErrorCode::peer_protocol);
}

TEST(baselines, verify_distinct_signatures_of_distinct_keys) {
    PersonDraw draw{PersonOrder(120, 7), 0};
    const auto rsa = bench::measure_rsa(TestCards(), draw, std::chrono::milliseconds(5), 0);
    ASSERT_TRUE(rsa) << rsa.error().detail;
    EXPECT_EQ(rsa->signatures, 80U);
    EXPECT_EQ(rsa->keys, pki::fixture_keys().size());
    EXPECT_GE(rsa->verified, rsa->signatures);
    EXPECT_GT(rsa->cpu_us, 1);
    EXPECT_LT(rsa->cpu_us, 10'000);
}

TEST(baselines, without_cards_there_is_nothing_to_verify) {
    PersonDraw draw{PersonOrder(10, 7), 0};
    const auto rsa = bench::measure_rsa(NoCards(), draw, std::chrono::milliseconds(5), 0);
    ASSERT_FALSE(rsa);
    EXPECT_EQ(rsa.error().code, ErrorCode::bench_invalid);
}

TEST(baselines, time_syncs_of_the_disk_and_leave_no_file) {
    const pki::TemporaryFolder folder;
    const auto disk = bench::measure_disk(folder.path(), std::chrono::milliseconds(20));
    ASSERT_TRUE(disk) << disk.error().detail;
    EXPECT_GT(disk->syncs, 0U);
    EXPECT_LE(disk->syncs, bench::disk_syncs_max);
    EXPECT_EQ(disk->latency.count(), disk->syncs);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
    const auto nowhere = bench::measure_disk(folder.path() / "no", std::chrono::milliseconds(20));
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, ErrorCode::bench_machine);
}

}  // namespace onshi::check_requests_test
