#include <array>
#include <limits>

#include <gtest/gtest.h>

#include "platform/cose/base45.h"
#include "platform/cose/cbor.h"
#include "platform/cose/cose_sign1.h"

namespace onshi::cose {
namespace {

std::string from_hex_text(std::string_view hex) {
    return from_hex(hex).value();
}

// RFC 8949, appendix A.
TEST(cbor, integers_are_written_in_their_shortest_form) {
    struct Row {
        std::int64_t value;
        const char* hex;
    };
    constexpr std::array rows{Row{0, "00"},
                              Row{23, "17"},
                              Row{24, "1818"},
                              Row{100, "1864"},
                              Row{1000, "1903e8"},
                              Row{1'000'000, "1a000f4240"},
                              Row{-1, "20"},
                              Row{-10, "29"},
                              Row{-100, "3863"},
                              Row{-1000, "3903e7"},
                              Row{1'000'000'000'000, "1b000000e8d4a51000"},
                              Row{std::numeric_limits<std::int64_t>::min(), "3b7fffffffffffffff"}};
    for (const auto& row : rows) {
        std::string text;
        CborWriter(text).integer(row.value);
        EXPECT_EQ(to_hex(as_bytes(text)), row.hex);
        CborReader reader(as_bytes(text));
        EXPECT_EQ(reader.integer(), row.value);
        EXPECT_TRUE(reader.ok() && reader.at_end());
    }
}

TEST(cbor, strings_arrays_maps_and_tags_come_back) {
    std::string text;
    CborWriter writer(text);
    writer.tag(18);
    writer.array(3);
    writer.text("髙橋");
    writer.bytes(as_bytes(std::string(300, 'x')));
    writer.map(1);
    writer.integer(1);
    writer.integer(-7);
    CborReader reader(as_bytes(text));
    EXPECT_EQ(reader.tag(), 18U);
    EXPECT_EQ(reader.array(3), 3U);
    EXPECT_EQ(reader.text(), "髙橋");
    EXPECT_EQ(reader.bytes().size(), 300U);
    EXPECT_EQ(reader.map(1), 1U);
    EXPECT_EQ(reader.integer(), 1);
    EXPECT_EQ(reader.integer(), -7);
    EXPECT_TRUE(reader.ok() && reader.at_end());
}

TEST(cbor, what_is_cut_off_or_of_another_kind_is_noticed_once_and_for_all) {
    std::string text;
    CborWriter writer(text);
    writer.array(2);
    writer.text("abc");
    writer.integer(1000);
    for (std::size_t size = 0; size < text.size(); ++size) {
        CborReader reader(as_bytes(text).first(size));
        static_cast<void>(reader.array(2));
        static_cast<void>(reader.text());
        static_cast<void>(reader.integer());
        EXPECT_FALSE(reader.ok()) << size;
        EXPECT_EQ(reader.integer(), 0);
    }
    CborReader wrong(as_bytes(text));
    EXPECT_EQ(wrong.map(9), 0U);
    EXPECT_FALSE(wrong.ok());
    CborReader many(as_bytes(text));
    EXPECT_EQ(many.array(1), 0U);
    EXPECT_FALSE(many.ok());
}

// A few bytes that announce more than the world holds.
TEST(cbor, announcements_cost_nothing) {
    for (const char* hex : {"9bffffffffffffffff", "bbffffffffffffffff", "5bffffffffffffffff", "7bffffffffffffffff",
                            "9f", "bf", "5f", "7f", "ff", "f97e00", "818181818181"}) {
        const std::string text = from_hex_text(hex);
        CborReader reader(as_bytes(text));
        reader.skip(4);
        EXPECT_FALSE(reader.ok()) << hex;
    }
    CborReader above(as_bytes(std::string_view("\x1b\xff\xff\xff\xff\xff\xff\xff\xff", 9)));
    EXPECT_EQ(above.integer(), 0);
    EXPECT_FALSE(above.ok());
}

TEST(cose_sign1, is_verified_by_its_key_and_by_no_other) {
    const auto key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    const auto other = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    const std::string token = sign1(key, "what it says");
    const auto opened = open_sign1(as_bytes(token));
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->payload, "what it says");
    EXPECT_EQ(opened->key_id, key_id_of(key.public_point()));
    EXPECT_TRUE(verify_sign1(*opened, key.public_point()));
    EXPECT_EQ(verify_sign1(*opened, other.public_point()).error().code, ErrorCode::signature_invalid);
}

TEST(cose_sign1, a_change_of_any_byte_is_noticed) {
    const auto key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    const std::string token = sign1(key, "payload");
    for (std::size_t i = 0; i < token.size(); ++i) {
        std::string changed = token;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        const auto opened = open_sign1(as_bytes(changed));
        if (!opened) continue;
        EXPECT_FALSE(verify_sign1(*opened, key.public_point())) << i;
    }
    EXPECT_FALSE(open_sign1(as_bytes(token + "x")));
    EXPECT_FALSE(open_sign1(as_bytes(std::string_view(token).substr(1)))) << "untagged";
}

// EdDSA in place of ES256: {1: -8}.
TEST(cose_sign1, another_algorithm_is_refused) {
    EXPECT_FALSE(
        open_sign1(as_bytes(from_hex_text("d28443a10127a04161"
                                          "41ff"))));
}

// RFC 9285 §4.3 and §4.4.
TEST(base45, agrees_with_its_examples) {
    EXPECT_EQ(to_base45(as_bytes("AB")), "BB8");
    EXPECT_EQ(to_base45(as_bytes("Hello!!")), "%69 VD92EX0");
    EXPECT_EQ(to_base45(as_bytes("base-45")), "UJCLQE7W581");
    EXPECT_EQ(from_base45("QED8WEX0"), "ietf!");
}

TEST(base45, every_byte_and_pair_comes_back) {
    for (int a = 0; a < 256; ++a) {
        const std::string one(1, static_cast<char>(a));
        EXPECT_EQ(from_base45(to_base45(as_bytes(one))), one);
        for (int b = 0; b < 256; ++b) {
            const std::string two{static_cast<char>(a), static_cast<char>(b)};
            ASSERT_EQ(from_base45(to_base45(as_bytes(two))), two);
        }
    }
}

TEST(base45, what_stands_for_nothing_is_refused) {
    for (const char* text : {"A", "AAAA", "::", "GGW", ":::", "ab", "A?", "AB\n"})
        EXPECT_FALSE(from_base45(text)) << text;
    EXPECT_EQ(from_base45(""), "");
}

}  // namespace
}  // namespace onshi::cose
