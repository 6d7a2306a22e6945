#include "base/cp932.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/bytes.h"
#include "base/character_tables.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace onshi::cp932_test {

template <class T>
ErrorCode code_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? ErrorCode::internal_unexpected : result.error().code;
}

std::string hex_of(std::string_view utf8) {
    const auto encoded = encode_cp932(utf8);
    EXPECT_TRUE(encoded) << utf8;
    return encoded ? to_hex(as_bytes(encoded->bytes)) : std::string();
}

// Reads the encoded bytes back: what a receiver sees.
std::string seen(std::string_view utf8) {
    const auto encoded = encode_cp932(utf8);
    EXPECT_TRUE(encoded) << utf8;
    return encoded ? decode_cp932(encoded->bytes).value() : std::string();
}

// Codes of the Microsoft table (cp932.txt of the Unicode consortium).
TEST(Cp932, writes_the_codes_that_windows_writes) {
    struct Row {
        std::string_view text;
        std::string_view hex;
    };
    const std::vector<Row> rows{
        {"A", "41"},    {"\\", "5c"},   {"~", "7e"},    {"ｱ", "b1"},    {"ﾟ", "df"},    {"あ", "82a0"},
        {"亜", "889f"}, {"高", "8d82"}, {"髙", "fbfc"}, {"﨑", "fab1"}, {"①", "8740"},  {"㈱", "878a"},
        {"～", "8160"}, {"－", "817c"}, {"∥", "8161"},  {"￢", "81ca"}, {"∵", "81e6"},  {"≒", "81e0"},
        {"Ⅰ", "8754"},  {"ⅰ", "fa40"},  {"纊", "fa5c"}, {"￤", "fa55"}, {"表", "955c"}, {"熙", "eaa4"},
        {"―", "815c"},  {"￥", "818f"}, {"㎡", "8775"}, {"德", "faba"}, {"濵", "fb4d"}, {"　", "8140"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(hex_of(row.text), row.hex) << row.text;
        EXPECT_EQ(decode_cp932(*from_hex(row.hex)).value(), row.text);
        EXPECT_EQ(encode_cp932(row.text).value().substitution_count, 0U);
    }
}

TEST(Cp932, maps_all_of_ascii_to_itself) {
    std::string ascii;
    for (char c = 0; c < 0x7F; ++c) ascii.push_back(c);
    ascii.push_back(0x7F);
    const auto encoded = encode_cp932(ascii);
    ASSERT_TRUE(encoded);
    EXPECT_EQ(encoded->bytes, ascii);
    EXPECT_EQ(decode_cp932(ascii).value(), ascii);
}

TEST(Cp932, reads_every_code_and_writes_it_back_as_itself_or_its_preferred_twin) {
    std::size_t read = 0;
    std::size_t twins = 0;
    for (unsigned code = 0x8140; code <= 0xFCFC; ++code) {
        const std::string bytes{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)};
        const auto text = decode_cp932(bytes);
        if (!text || decode_utf8(*text)->size() != 1) continue;
        ++read;
        const bool private_use = code >= 0xF040 && code <= 0xF9FC;
        const auto encoded = encode_cp932(*text);
        ASSERT_EQ(encoded.has_value(), !private_use) << std::hex << code;
        if (private_use) continue;
        EXPECT_EQ(encoded->substitution_count, 0U);
        if (encoded->bytes != bytes) ++twins;
        EXPECT_EQ(decode_cp932(encoded->bytes).value(), *text);
    }
    // Microsoft's table: 7,724 two-byte codes and 188 × 10 user-defined ones. 398 of them name a character that has a
    // preferred code elsewhere.
    EXPECT_EQ(read, 7724U + 1880U);
    EXPECT_EQ(twins, 398U);
}

TEST(Cp932, takes_declared_substitutes_and_says_so) {
    struct Row {
        std::string_view text;
        std::string_view received;
        std::size_t substitutions;
    };
    const std::vector<Row> rows{
        {"千〜万", "千～万", 1},
        {"1−2", "1－2", 1},
        {"𠮷田", "吉田", 1},
        {"渡邉\xF3\xA0\x84\x80", "渡邉", 1},
        {"葛\xF3\xA0\x84\x80飾\xF3\xA0\x84\x81", "葛飾", 2},
        {"神\xEF\xB8\x80", "神", 1},
        {"José", "Jose", 1},
        {"Jose\xCC\x81", "Jose", 1},
        {"Nguyễn", "Nguyen", 1},
        {"Nguye\xCC\x82\xCC\x83n", "Nguyen", 1},
        {"x\xCC\x8Dy", "xy", 1},  // a mark that composes with nothing
        {"x\xCC\x8D\xCC\x8Dy", "xy", 2},
        {"Øst", "OEst", 1},
        {"ǿ", "oe", 1},
        {"Straße", "Strasse", 1},
        {"½", "1/2", 1},
        {"㉑", "21", 1},
        {"ﬁ", "fi", 1},
        {"ヷ", "ヴァ", 1},
        {"か\xE3\x82\x99", "が", 0},  // one character where Unicode has one
        {"カ\xE3\x82\x9A", "カ゜", 1},
        {"\xEF\xBB\xBF"
         "a",
         "a", 1},
        {"\xC2\xA0", " ", 1},
        {"£100", "￡100", 1},
        {"槗", "橋", 1},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(seen(row.text), row.received) << row.text;
        const auto encoded = encode_cp932(row.text).value();
        EXPECT_EQ(encoded.substitution_count, row.substitutions) << row.text;
        EXPECT_EQ(encoded.substitutions.size(), row.substitutions);
    }
    const auto encoded = encode_cp932("髙𠮷\xF3\xA0\x84\x80!").value();
    ASSERT_EQ(encoded.substitutions.size(), 2U);
    EXPECT_EQ(encoded.substitutions[0].from, U'𠮷');
    EXPECT_EQ(encoded.substitutions[0].to, "吉");
    EXPECT_EQ(encoded.substitutions[0].position, 3U);
    EXPECT_EQ(encoded.substitutions[1].from, U'\U000E0100');
    EXPECT_EQ(encoded.substitutions[1].to, "");
    EXPECT_EQ(encoded.substitutions[1].position, 7U);
}

TEST(Cp932, refuses_what_has_no_substitute) {
    for (const std::string_view text : {"𩸽", "한", "😀", "\xEE\x80\x80", "\xEF\xA3\xBF", "\xC2\x80", "ไ", "\xCC\x81",
                                        "あ\xCC\x81", "\xEF\xBF\xBD", "𝟘한"}) {
        EXPECT_EQ(code_of(encode_cp932(text)), ErrorCode::text_not_representable) << text;
    }
    for (const std::string_view text : {"\xFF", "\xED\xA0\x80", "あ\xE3\x81"}) {
        EXPECT_EQ(code_of(encode_cp932(text)), ErrorCode::text_invalid_encoding);
    }
}

TEST(Cp932, refuses_bytes_that_are_no_characters) {
    for (const std::string_view bytes : {"\x80", "\xA0", "\xFD", "\xFE", "\xFF", "\x81", "a\x81", "\x81\x20",
                                         "\x81\x7F", "\x85\x40", "\x81\xFD", "\xFC\x4C", "\x82\xA0\x81"}) {
        EXPECT_EQ(code_of(decode_cp932(bytes)), ErrorCode::text_invalid_encoding) << to_hex(as_bytes(bytes));
    }
}

TEST(Cp932, reads_user_defined_characters_as_private_use) {
    EXPECT_EQ(decode_cp932("\xF0\x40").value(), "\xEE\x80\x80");
    EXPECT_EQ(decode_cp932("\xF9\xFC").value(), "\xEE\x9D\x97");
}

TEST(Cp932, lists_substitutions_up_to_its_limit_and_counts_the_rest) {
    const auto of = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += "〜";
        return encode_cp932(text).value();
    };
    for (const std::size_t count :
         {cp932_substitutions_listed_max - 1, cp932_substitutions_listed_max, cp932_substitutions_listed_max + 1}) {
        EXPECT_EQ(of(count).substitution_count, count);
        EXPECT_EQ(of(count).substitutions.size(), std::min(count, cp932_substitutions_listed_max));
        EXPECT_EQ(of(count).bytes.size(), count * 2);
    }
}

TEST(Cp932, has_a_largest_text) {
    const std::string largest(cp932_bytes_max, 'a');
    EXPECT_TRUE(encode_cp932(std::string_view(largest).substr(1)));
    EXPECT_TRUE(encode_cp932(largest));
    EXPECT_TRUE(decode_cp932(largest));
    EXPECT_EQ(code_of(encode_cp932(largest + "a")), ErrorCode::text_too_long);
    EXPECT_EQ(code_of(decode_cp932(largest + "a")), ErrorCode::text_too_long);
}

TEST(Cp932SubstituteTable, holds_only_what_is_needed_and_can_be_written) {
    const auto table = cp932_substitute_table();
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (i > 0) {
            EXPECT_LT(table[i - 1].from, table[i].from);
        }
        EXPECT_FALSE(in_cp932(table[i].from)) << table[i].to;
        const auto characters = decode_utf8(table[i].to);
        ASSERT_TRUE(characters && !characters->empty());
        for (const char32_t c : *characters) EXPECT_TRUE(in_cp932(c)) << table[i].to;
    }
    for (const auto& row : variant_table())
        EXPECT_TRUE(in_cp932(row.first)) << encode_utf8(std::u32string(1, row.first));
    EXPECT_EQ(cp932_rules().size(), 4U);
}

TEST(Cp932, gives_back_what_it_can_write) {
    EXPECT_TRUE(rc::check([] {
        const auto character = rc::gen::suchThat(rc::gen::map(rc::gen::inRange<std::uint32_t>(0, 0x10000),
                                                              [](std::uint32_t c) { return static_cast<char32_t>(c); }),
                                                 [](char32_t c) { return in_cp932(c); });
        const std::string text = encode_utf8(*rc::gen::container<std::u32string>(
            rc::gen::oneOf(rc::gen::elementOf(std::u32string(U"髙﨑①㈱～－亜ｱ表a\n")), character)));
        const auto encoded = encode_cp932(text).value();
        RC_ASSERT(encoded.substitution_count == 0U);
        RC_ASSERT(decode_cp932(encoded.bytes).value() == text);
    }));
}

TEST(Cp932, never_writes_a_replacement_character) {
    EXPECT_TRUE(rc::check([] {
        const auto character = rc::gen::map(rc::gen::inRange<std::uint32_t>(0x80, 0x30000), [](std::uint32_t c) {
            const bool taken =
                (c >= 0xD800 && c <= 0xDFFF) || c == U'●' || c == U'■' || c == U'〓' || c == U'？' || c == U'?';
            return taken ? U'x' : static_cast<char32_t>(c);
        });
        const std::string text = encode_utf8(*rc::gen::container<std::u32string>(character));
        const auto encoded = encode_cp932(text);
        if (!encoded) return;
        const std::string received = decode_cp932(encoded->bytes).value();
        for (const std::string_view mark : {"●", "■", "〓", "\x1A"})
            RC_ASSERT(received.find(mark) == std::string::npos);
    }));
}

}  // namespace onshi::cp932_test
