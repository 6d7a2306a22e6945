#include "platform/smartcard/card_channel.h"

#include <deque>

#include <gtest/gtest.h>

#include "platform/smartcard/limits.h"

namespace onshi::smartcard::card_channel_test {

// Answers with what it was given, in order, and keeps what it was sent.
class ScriptedChannel final : public CardChannel {
  public:
    explicit ScriptedChannel(std::deque<std::string> answers) : answers_(std::move(answers)) {}
    Result<void> begin_transaction() override {
        ++begun;
        return {};
    }
    void end_transaction() noexcept override { ++ended; }
    Result<ByteVector> exchange(Bytes command) override {
        sent.push_back(to_hex(command));
        if (answers_.empty()) return fail(ErrorCode::card_removed, "script ended");
        const auto answer = from_hex(answers_.front());
        answers_.pop_front();
        const Bytes bytes = as_bytes(*answer);
        return ByteVector(bytes.begin(), bytes.end());
    }
    std::vector<std::string> sent;
    int begun = 0;
    int ended = 0;

  private:
    std::deque<std::string> answers_;
};

using Sent = std::vector<std::string>;

TEST(CardChannel, fetches_what_61xx_announces) {
    ScriptedChannel channel({"aabb6102", "cc6101", "dd9000"});
    const auto answer = channel.transmit(make_command(0x00, ins::read_binary, 0, 0, {}, 256));
    ASSERT_TRUE(answer);
    EXPECT_EQ(to_hex(answer->encode()), "aabbccdd9000");
    EXPECT_EQ(channel.sent, (Sent{"00b0000000", "00c0000002", "00c0000001"}));
}

TEST(CardChannel, takes_6100_for_256_bytes) {
    ScriptedChannel channel({"6100", "aa9000"});
    const ByteVector data{1};
    ASSERT_TRUE(channel.transmit(make_command(0x80, ins::perform_security_operation, 0, 0x80, data, 256)));
    EXPECT_EQ(channel.sent.back(), "80c0000000");
}

TEST(CardChannel, repeats_once_with_the_length_of_6cxx) {
    ScriptedChannel channel({"6c03", "aabbcc9000"});
    const auto answer = channel.transmit(make_command(0x00, ins::read_binary, 0, 0, {}, 256));
    ASSERT_TRUE(answer);
    EXPECT_EQ(to_hex(answer->encode()), "aabbcc9000");
    EXPECT_EQ(channel.sent, (Sent{"00b0000000", "00b0000003"}));

    ScriptedChannel stubborn({"6c03", "6c04", "aa9000"});
    const auto second = stubborn.transmit(make_command(0x00, ins::read_binary, 0, 0, {}, 256));
    ASSERT_TRUE(second);
    EXPECT_EQ(second->status.text(), "6C04");
}

TEST(CardChannel, never_repeats_a_command_with_a_credential) {
    const ByteVector pin{'1', '2', '3', '4'};
    ScriptedChannel channel({"6c04", "9000"});
    auto command = make_command(0x00, ins::verify, 0, 0x80, pin, 256);
    const auto answer = channel.transmit(command);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status.text(), "6C04");
    EXPECT_EQ(channel.sent.size(), 1U);
}

TEST(CardChannel, gives_up_on_a_card_that_always_announces_more) {
    std::deque<std::string> with_data(get_response_rounds_max + 2, "aa6101");
    ScriptedChannel endless(with_data);
    EXPECT_EQ(endless.transmit(make_command(0x00, ins::read_binary, 0, 0, {}, 256)).error().code,
              ErrorCode::card_unreadable);
    EXPECT_EQ(endless.sent.size(), 1 + get_response_rounds_max);

    std::deque<std::string> enough(get_response_rounds_max, "aa6101");
    enough.emplace_back("aa9000");
    ScriptedChannel just_enough(enough);
    EXPECT_TRUE(just_enough.transmit(make_command(0x00, ins::read_binary, 0, 0, {}, 256)));

    ScriptedChannel empty({"6101", "6101", "6101"});
    EXPECT_EQ(empty.transmit(make_command(0x00, ins::read_binary, 0, 0, {}, 256)).error().code,
              ErrorCode::card_unreadable);
}

TEST(CardTransaction, ends_once_and_sends_nothing_after_its_deadline) {
    ScriptedChannel channel({"9000"});
    {
        auto card = CardTransaction::begin(channel, Deadline::in(std::chrono::seconds(30)));
        ASSERT_TRUE(card);
        const CardTransaction moved = std::move(*card);
    }
    EXPECT_EQ(channel.begun, 1);
    EXPECT_EQ(channel.ended, 1);

    const Deadline passed(std::chrono::steady_clock::now() - std::chrono::seconds(1));
    EXPECT_EQ(CardTransaction::begin(channel, passed).error().code, ErrorCode::deadline_passed);
    EXPECT_EQ(channel.begun, 1);
    EXPECT_TRUE(channel.sent.empty());
}

TEST(TracingChannel, tells_every_turn_without_credentials_and_contents) {
    ScriptedChannel inner({"63c2", "9000", "4142439000"});
    std::vector<std::string> lines;
    TracingChannel channel(inner, [&lines](std::string_view line) { lines.emplace_back(line); });
    const ByteVector pin{'1', '2', '3', '4'};
    ASSERT_TRUE(channel.transmit(make_command(0x00, ins::verify, 0, 0x80)));
    ASSERT_TRUE(channel.transmit(make_command(0x00, ins::verify, 0, 0x80, pin)));
    ASSERT_TRUE(channel.transmit(make_command(0x00, ins::read_binary, 0, 0, {}, 3)));
    EXPECT_FALSE(channel.transmit(make_command(0x00, ins::read_binary, 0, 0, {}, 3)));
    EXPECT_EQ(lines, (Sent{"> 00 20 00 80", "< 0 bytes 63C2", "> 00 20 00 80 [masked]", "< 0 bytes 9000",
                           "> 00 B0 00 00 Le=3", "< 3 bytes 9000", "> 00 B0 00 00 Le=3", "< card.removed"}));
}

}  // namespace onshi::smartcard::card_channel_test
