#include <filesystem>
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/smartcard/card_fixtures.h"
#include "platform/smartcard/card_state.h"

// Tries are never given back: not by a wrong order of commands, not by a reset, not by stopping the program, not by a
// full disk.
namespace onshi::smartcard::virtual_card_pin_test {

constexpr std::string_view select_jpki = "00a4040c0ad392f000260100000001";
constexpr std::string_view wrong_pin =
    "0020009804"
    "30303030";
constexpr std::string_view right_pin =
    "0020009804"
    "31323334";

// Keeps every saved state, so that a test can stop the program at any of them, and fails when told to.
class RecordingState final : public CardStateStore {
  public:
    struct Disk {
        std::vector<std::array<unsigned, credential_count>> saved;
        bool broken = false;
    };
    explicit RecordingState(Disk& disk) : disk_(disk) {}
    Result<std::optional<CardState>> load(const CardImage&) override {
        if (disk_.saved.empty()) return std::optional<CardState>();
        CardState state;
        state.tries_left = disk_.saved.back();
        return std::optional<CardState>(std::move(state));
    }
    Result<void> save(const CardImage&, const CardState& state) override {
        if (disk_.broken) return fail(ErrorCode::card_image_unreadable, "disk");
        disk_.saved.push_back(state.tries_left);
        return {};
    }

  private:
    Disk& disk_;
};

unsigned tries_on(const RecordingState::Disk& disk) {
    return disk.saved.back()[0];
}

TEST(CardTries, are_durable_before_the_answer_leaves) {
    RecordingState::Disk disk;
    FixtureCard card(fixture_image(), std::make_unique<RecordingState>(disk));
    ASSERT_EQ(tries_on(disk), 3U);
    card.run(select_jpki);
    EXPECT_EQ(card.run(wrong_pin), "63c2");
    EXPECT_EQ(tries_on(disk), 2U);
    EXPECT_EQ(card.run(right_pin), "9000");
    EXPECT_EQ(tries_on(disk), 3U);
}

TEST(CardTries, are_spent_before_the_comparison_so_that_a_cut_gives_none_back) {
    RecordingState::Disk disk;
    FixtureCard card(fixture_image(), std::make_unique<RecordingState>(disk));
    card.run(select_jpki);
    const auto before = disk.saved.size();
    EXPECT_EQ(card.run(right_pin), "9000");
    // Whoever stops the program between the two writes of a right PIN finds one try fewer, never more.
    ASSERT_EQ(disk.saved.size(), before + 2);
    EXPECT_EQ(disk.saved[before][0], 2U);
    EXPECT_EQ(disk.saved[before + 1][0], 3U);
}

TEST(CardTries, are_not_answered_about_while_the_disk_fails) {
    RecordingState::Disk disk;
    FixtureCard card(fixture_image(), std::make_unique<RecordingState>(disk));
    card.run(select_jpki);
    disk.broken = true;
    // Right and wrong look the same, and the try counts.
    EXPECT_EQ(card.run(right_pin), "6581");
    EXPECT_EQ(card.run(wrong_pin), "6581");
    EXPECT_EQ(card.run("00200098"), "63c1");
    EXPECT_EQ(card.run("802a029720" + std::string(64, '0') + "00"), "6982");
    disk.broken = false;
    EXPECT_EQ(card.run(right_pin), "9000");
    EXPECT_EQ(card.run("00200098"), "63c3");
}

TEST(CardTries, a_change_that_cannot_be_stored_leaves_the_old_pin) {
    RecordingState::Disk disk;
    FixtureCard card(fixture_image(), std::make_unique<RecordingState>(disk));
    card.run(select_jpki);
    EXPECT_EQ(card.run(right_pin), "9000");
    disk.broken = true;
    EXPECT_EQ(card.run("0024018004"
                       "35363738"),
              "6581");
    disk.broken = false;
    EXPECT_EQ(card.run(right_pin), "9000");
}

TEST(CardTries, a_card_whose_state_cannot_be_written_does_not_start) {
    RecordingState::Disk disk;
    disk.broken = true;
    SystemRandom random;
    const auto card = VirtualCard::open(fixture_image(), std::make_unique<RecordingState>(disk), random);
    EXPECT_EQ(card.error().code, ErrorCode::card_image_unreadable);
}

// What a card's PIN may do, in ten lines.
struct Model {
    unsigned tries = 3;
    std::string pin = "1234";
    bool verified = false;
    std::string verify(const std::string& guess) {
        verified = false;
        if (tries == 0) return "6984";
        if (guess == pin) {
            tries = 3;
            verified = true;
            return "9000";
        }
        return "63c" + std::to_string(--tries);
    }
};

// An Android phone: the same PIN with the fewest keys to load at each start.
CardImage small_image() {
    static const SecretBytes text =
        encode_card_image(fixture_image(fixture_order(CardPins::set, TokenKind::android_phone)));
    return std::move(*parse_card_image(as_text(text.bytes())));
}

struct World {
    RecordingState::Disk disk;
    std::optional<FixtureCard> card;
    Model model;

    void power_on() {
        card.reset();
        card.emplace(small_image(), std::make_unique<RecordingState>(disk));
        card->run(select_jpki);
        model.verified = false;
    }
};

std::string verify_command(const std::string& pin) {
    const auto length = static_cast<std::uint8_t>(pin.size());
    return "00200098" + to_hex(Bytes(&length, 1)) + to_hex(as_bytes(pin));
}

void step(World& world, unsigned action) {
    auto& card = *world.card;
    auto& model = world.model;
    switch (action) {
        case 0: RC_ASSERT(card.run(verify_command("1234")) == model.verify("1234")); break;
        case 1: RC_ASSERT(card.run(verify_command("0000")) == model.verify("0000")); break;
        case 2: RC_ASSERT(card.run("00200098") == "63c" + std::to_string(model.tries)); break;
        case 3:
            card.run(select_jpki);
            model.verified = false;
            break;
        case 4:
            card.card().reset();
            card.run(select_jpki);
            model.verified = false;
            break;
        case 5: world.power_on(); break;
        case 6: {
            const auto answer = card.run("802a029720" + std::string(64, '0') + "00");
            RC_ASSERT(answer.ends_with("9000") == model.verified);
            break;
        }
        case 7: RC_ASSERT(card.run(verify_command("12345")) == model.verify("12345")); break;
        default:
            card.run(
                "0020009b"
                "0630303030"
                "3030");
            break;  // another credential
    }
    RC_ASSERT(tries_on(world.disk) == model.tries);
}

TEST(CardTries, follow_the_model_through_any_sequence_of_commands_resets_and_restarts) {
    const auto held = rc::check([] {
        World world;
        world.power_on();
        const auto actions = *rc::gen::container<std::vector<unsigned>>(rc::gen::weightedElement<unsigned>(
            {{3, 0U}, {5, 1U}, {2, 2U}, {1, 3U}, {1, 4U}, {1, 5U}, {2, 6U}, {1, 7U}, {1, 8U}}));
        for (const unsigned action : actions) step(world, action);
    });
    EXPECT_TRUE(held);
}

TEST(CardTries, never_rise_by_any_commands_that_do_not_hold_the_pin) {
    FixtureCard card;
    const auto held = rc::check([&card] {
        card.card().reset();
        const auto before = card.card().tries_left(CredentialId::auth_pin);
        const std::vector<std::string> prefixes{"00a4040c0ad392f000260100000001",
                                                "00a4020c020018",
                                                "0020008004",
                                                "0024018004",
                                                "00b0000000",
                                                "802a0080",
                                                "80a200c1",
                                                "00820096",
                                                "0084000010"};
        const auto count = *rc::gen::inRange(0, 12);
        for (int i = 0; i < count; ++i) {
            auto bytes = *from_hex(*rc::gen::elementOf(prefixes));
            for (const auto byte : *rc::gen::container<ByteVector>(rc::gen::arbitrary<std::uint8_t>())) {
                bytes.push_back(static_cast<char>(byte));
            }
            if (bytes.find("1234") != std::string::npos) continue;
            [[maybe_unused]] const auto answer = card.card().transmit(as_bytes(bytes));
            RC_ASSERT(card.card().tries_left(CredentialId::auth_pin) <= before);
        }
    });
    EXPECT_TRUE(held);
}

class CardStateFile : public ::testing::Test {
  protected:
    pki::TemporaryFolder folder_;
    std::filesystem::path file_ = folder_.path() / "card.state";

    std::unique_ptr<FixtureCard> insert() {
        auto store = FileCardState::open(file_);
        EXPECT_TRUE(store.has_value());
        return std::make_unique<FixtureCard>(fixture_image(), std::move(*store));
    }
    ErrorCode refusal(const std::string& content) {
        std::ofstream(file_, std::ios::trunc) << content;
        std::filesystem::permissions(file_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        SystemRandom random;
        const auto card = VirtualCard::open(fixture_image(), std::move(*FileCardState::open(file_)), random);
        return card ? ErrorCode::internal_unexpected : card.error().code;
    }
};

TEST_F(CardStateFile, keeps_tries_and_changed_pins_over_a_restart) {
    auto card = insert();
    card->run(select_jpki);
    EXPECT_EQ(card->run(wrong_pin), "63c2");
    EXPECT_EQ(card->run(wrong_pin), "63c1");
    card.reset();
    card = insert();
    card->run(select_jpki);
    EXPECT_EQ(card->run("00200098"), "63c1");
    EXPECT_EQ(card->run(right_pin), "9000");
    EXPECT_EQ(card->run("0024018004"
                        "35363738"),
              "9000");
    card.reset();
    card = insert();
    card->run(select_jpki);
    EXPECT_EQ(card->run("00200098"), "63c3");
    EXPECT_EQ(card->run("0020009804"
                        "35363738"),
              "9000");
    EXPECT_EQ(card->run(right_pin), "63c2");
}

TEST_F(CardStateFile, a_lock_stays_over_a_restart) {
    auto card = insert();
    card->run(select_jpki);
    for (int i = 0; i < 3; ++i) card->run(wrong_pin);
    card.reset();
    card = insert();
    card->run(select_jpki);
    EXPECT_EQ(card->run("00200098"), "63c0");
    EXPECT_EQ(card->run(right_pin), "6984");
}

TEST_F(CardStateFile, is_used_by_one_program_at_a_time) {
    const auto card = insert();
    EXPECT_EQ(FileCardState::open(file_).error().code, ErrorCode::card_image_in_use);
}

TEST_F(CardStateFile, is_refused_and_not_started_afresh_when_it_is_damaged) {
    insert();
    std::ifstream in(file_);
    const std::string good(std::istreambuf_iterator<char>(in), {});
    const auto replaced = [&good](std::string_view what, std::string_view by) {
        std::string text = good;
        const auto at = text.find(what);
        EXPECT_NE(at, std::string::npos) << what;
        return text.replace(at, what.size(), by);
    };
    EXPECT_EQ(refusal(good), ErrorCode::internal_unexpected);
    EXPECT_EQ(refusal(good.substr(0, good.size() / 2)), ErrorCode::card_image_malformed);
    EXPECT_EQ(refusal("[]"), ErrorCode::card_image_malformed);
    EXPECT_EQ(refusal(replaced("999999999990000", "999999999990001")), ErrorCode::card_image_malformed);
    EXPECT_EQ(refusal(replaced("onshi-card-state-1", "onshi-card-state-2")), ErrorCode::card_image_malformed);
    EXPECT_EQ(refusal(replaced("\"auth_pin\":3", "\"auth_pin\":4")), ErrorCode::card_image_malformed);
    EXPECT_EQ(refusal(replaced("\"auth_pin\":3", "\"auth_pin\":-1")), ErrorCode::card_image_malformed);
    EXPECT_EQ(refusal(replaced("\"auth_pin\":3", "\"auth_pan\":3")), ErrorCode::card_image_malformed);
    EXPECT_EQ(refusal(replaced("\"auth_pin\":3", "\"auth_pin\":2")), ErrorCode::internal_unexpected);
}

TEST_F(CardStateFile, in_a_folder_that_does_not_exist_is_an_error) {
    EXPECT_EQ(FileCardState::open(folder_.path() / "none" / "card.state").error().code,
              ErrorCode::card_image_unreadable);
}

TEST_F(CardStateFile, a_folder_that_vanishes_stops_the_answers) {
    const auto inner = folder_.path() / "inner";
    std::filesystem::create_directory(inner);
    FixtureCard card(fixture_image(), std::move(*FileCardState::open(inner / "card.state")));
    card.run(select_jpki);
    std::filesystem::remove_all(inner);
    EXPECT_EQ(card.run(wrong_pin), "6581");
    std::filesystem::create_directory(inner);
    EXPECT_EQ(card.run(wrong_pin), "63c1");
}

}  // namespace onshi::smartcard::virtual_card_pin_test
