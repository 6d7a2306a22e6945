#include "platform/smartcard/apdu.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/smartcard/limits.h"

namespace onshi::smartcard::apdu_test {

ByteVector bytes_of(std::string_view hex) {
    const auto packed = from_hex(hex);
    EXPECT_TRUE(packed.has_value()) << hex;
    const Bytes bytes = as_bytes(*packed);
    return {bytes.begin(), bytes.end()};
}

std::string hex_of(const CommandApdu& command) {
    const auto encoded = command.encode();
    return encoded ? to_hex(encoded->bytes()) : "refused";
}

TEST(CommandApdu, is_written_as_the_seven_iso_cases) {
    const ByteVector three{1, 2, 3};
    const ByteVector long_data(256, 0xAB);
    const std::string long_hex = to_hex(long_data);
    EXPECT_EQ(hex_of(make_command(0x00, 0x20, 0x00, 0x80)), "00200080");
    EXPECT_EQ(hex_of(make_command(0x00, 0xB0, 0x00, 0x00, {}, 4)), "00b0000004");
    EXPECT_EQ(hex_of(make_command(0x00, 0xB0, 0x00, 0x00, {}, 256)), "00b0000000");
    EXPECT_EQ(hex_of(make_command(0x00, 0xA4, 0x04, 0x0C, three)), "00a4040c03010203");
    EXPECT_EQ(hex_of(make_command(0x80, 0x2A, 0x00, 0x80, three, 256)), "802a00800301020300");
    EXPECT_EQ(hex_of(make_command(0x00, 0xB0, 0x00, 0x00, {}, 257)), "00b00000000101");
    EXPECT_EQ(hex_of(make_command(0x00, 0xB0, 0x00, 0x00, {}, 65536)), "00b00000000000");
    EXPECT_EQ(hex_of(make_command(0x80, 0xA2, 0x00, 0xC1, long_data)), "80a200c1000100" + long_hex);
    EXPECT_EQ(hex_of(make_command(0x80, 0xA2, 0x00, 0xC1, long_data, 65536)), "80a200c1000100" + long_hex + "0000");
    EXPECT_EQ(hex_of(make_command(0x80, 0xA2, 0x00, 0xC1, three, 257)), "80a200c10000030102030101");
}

TEST(CommandApdu, is_short_up_to_255_bytes_and_refused_above_65535) {
    const auto size_of = [](std::size_t data, std::optional<std::uint32_t> le) {
        const auto encoded = make_command(0, 0, 0, 0, ByteVector(data), le).encode();
        return encoded ? encoded->size() : 0;
    };
    EXPECT_EQ(size_of(254, {}), 5 + 254);
    EXPECT_EQ(size_of(255, {}), 5 + 255);
    EXPECT_EQ(size_of(256, {}), 7 + 256);
    EXPECT_EQ(size_of(65535, {}), 7 + 65535);
    EXPECT_EQ(size_of(65536, {}), 0);
    EXPECT_EQ(size_of(0, 65536), 7);
    EXPECT_EQ(size_of(0, 65537), 0);
    EXPECT_EQ(size_of(0, 0), 0);
}

TEST(CommandApdu, is_refused_when_its_lengths_do_not_add_up) {
    const std::string_view rows[] = {
        "",                    // nothing
        "002000",              // no header
        "00200080053132",      // Lc beyond the end
        "002000800131323334",  // more than Lc and Le
        "0020008000313233",    // extended Lc beyond the end
        "00b00000000000ff",    // extended Lc of zero with something behind it
        "00b000000001",        // Lc of zero and Le, which no case has
    };
    for (const auto row : rows) {
        const auto parsed = CommandApdu::parse(bytes_of(row));
        ASSERT_FALSE(parsed.has_value()) << row;
        EXPECT_EQ(parsed.error().code, ErrorCode::request_malformed) << row;
    }
}

TEST(CommandApdu, survives_writing_and_reading) {
    const auto held = rc::check([] {
        const auto data = *rc::gen::container<ByteVector>(rc::gen::arbitrary<std::uint8_t>());
        const auto wants_answer = *rc::gen::arbitrary<bool>();
        const auto le = *rc::gen::inRange<std::uint32_t>(1, 65537);
        const auto header = *rc::gen::container<std::array<std::uint8_t, 4>>(rc::gen::arbitrary<std::uint8_t>());
        const auto command = make_command(header[0], header[1], header[2], header[3], data,
                                          wants_answer ? std::optional(le) : std::nullopt);
        const auto encoded = command.encode();
        RC_ASSERT(encoded.has_value());
        const auto parsed = CommandApdu::parse(encoded->bytes());
        RC_ASSERT(parsed.has_value());
        RC_ASSERT(parsed->data.equals(data));
        RC_ASSERT(parsed->le == command.le);
        RC_ASSERT(parsed->cla == header[0] && parsed->ins == header[1] && parsed->p1 == header[2] &&
                  parsed->p2 == header[3]);
    });
    EXPECT_TRUE(held);
}

TEST(CommandApdu, what_parses_is_written_back_in_the_same_or_the_shorter_form) {
    const auto held = rc::check([] {
        const auto bytes = *rc::gen::container<ByteVector>(rc::gen::arbitrary<std::uint8_t>());
        const auto parsed = CommandApdu::parse(bytes);
        if (!parsed) return;
        const auto encoded = parsed->encode();
        RC_ASSERT(encoded.has_value());
        RC_ASSERT(encoded->size() <= bytes.size());
        const auto again = CommandApdu::parse(encoded->bytes());
        RC_ASSERT(again.has_value());
        RC_ASSERT(again->data.equals(parsed->data.bytes()));
        RC_ASSERT(again->le == parsed->le);
    });
    EXPECT_TRUE(held);
}

TEST(ResponseApdu, is_data_and_status) {
    const auto parsed = ResponseApdu::parse(bytes_of("0102039000"));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(to_hex(parsed->data), "010203");
    EXPECT_TRUE(parsed->is_ok());
    EXPECT_EQ(to_hex(parsed->encode()), "0102039000");
    EXPECT_EQ(ResponseApdu::parse(bytes_of("90")).error().code, ErrorCode::card_unreadable);
}

TEST(ResponseApdu, has_at_most_65536_bytes_of_data) {
    EXPECT_TRUE(ResponseApdu::parse(ByteVector(answer_bytes_max - 1)));
    EXPECT_TRUE(ResponseApdu::parse(ByteVector(answer_bytes_max)));
    EXPECT_FALSE(ResponseApdu::parse(ByteVector(answer_bytes_max + 1)));
}

TEST(StatusWord, tells_the_tries_left) {
    EXPECT_EQ(StatusWord(0x63C3).tries_left(), 3U);
    EXPECT_EQ(StatusWord(0x63C0).tries_left(), 0U);
    EXPECT_EQ(StatusWord(0x63CF).tries_left(), 15U);
    EXPECT_EQ(StatusWord(0x6300).tries_left(), std::nullopt);
    EXPECT_EQ(StatusWord(0x6984).tries_left(), std::nullopt);
    EXPECT_EQ(StatusWord(0x6A82).text(), "6A82");
}

TEST(Trace, never_tells_a_credential_or_its_length) {
    const ByteVector pin{'1', '2', '3', '4'};
    EXPECT_EQ(describe(make_command(0x00, ins::verify, 0x00, 0x80, pin)), "00 20 00 80 [masked]");
    EXPECT_EQ(describe(make_command(0x00, ins::change_pin, 0x01, 0x80, pin)), "00 24 01 80 [masked]");
    EXPECT_EQ(describe(make_command(0x80, ins::change_key, 0x00, 0x80, pin)), "80 32 00 80 [masked]");
    EXPECT_EQ(describe(make_command(0x00, ins::verify, 0x00, 0x80)), "00 20 00 80");
}

TEST(Trace, tells_other_commands_whole_and_answers_by_length_and_status) {
    const ByteVector id{0x00, 0x18};
    EXPECT_EQ(describe(make_command(0x00, ins::select, 0x02, 0x0C, id)), "00 A4 02 0C Lc=2 0018");
    EXPECT_EQ(describe(make_command(0x00, ins::read_binary, 0x00, 0x00, {}, 256)), "00 B0 00 00 Le=256");
    EXPECT_EQ(describe(ResponseApdu{{1, 2, 3}, sw::ok}), "3 bytes 9000");
}

}  // namespace onshi::smartcard::apdu_test
