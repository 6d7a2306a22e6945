#include "platform/pki/der.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/pki/limits.h"

namespace onshi::pki::der_test {

TEST(StrictDer, refuses_every_second_spelling_of_an_element) {
    struct Row {
        const char* what;
        const char* hex;
        bool strict;
    };
    const Row rows[] = {
        {"an empty sequence", "3000", true},
        {"an integer in a sequence", "3003020101", true},
        {"nothing", "", false},
        {"a tag alone", "30", false},
        {"trailing byte", "300000", false},
        {"trailing element", "30003000", false},
        {"value cut short", "30030201", false},
        {"inner value longer than the outer one", "3003020201", false},
        {"trailing byte inside", "300402010100", false},
        {"length 3 in the long form", "308103020101", false},
        {"length with a leading zero", "30820003020101", false},
        {"indefinite length", "30800201010000", false},
        {"indefinite length inside", "300624800201010000", false},
        {"reserved length octet", "30FF", false},
        {"length of five octets", "30850000000000", false},
        {"high tag number", "3F810100", false},
        {"a primitive string is not looked into", "0403308000", true},
    };
    for (const auto& row : rows) {
        const auto bytes = from_hex(row.hex);
        ASSERT_TRUE(bytes) << row.what;
        EXPECT_EQ(der::is_strict(as_bytes(*bytes)), row.strict) << row.what;
    }
}

TEST(StrictDer, lengths_at_the_borders_of_their_forms_are_written_and_read) {
    for (const std::size_t size : {0U, 1U, 127U, 128U, 255U, 256U, 65535U, 65536U, 70000U}) {
        const auto element = der::element(0x04, {std::string(size, 'x')});
        EXPECT_TRUE(der::is_strict(as_bytes(element))) << size;
        EXPECT_EQ(der::element_size(as_bytes(element + "filler")), element.size()) << size;
    }
}

TEST(StrictDer, goes_as_deep_as_the_limit) {
    const auto nested = [](std::size_t levels) {
        std::string element = der::element(der::tag_sequence, {});
        for (std::size_t i = 1; i < levels; ++i) element = der::element(der::tag_sequence, {element});
        return element;
    };
    EXPECT_TRUE(der::is_strict(as_bytes(nested(der_depth_max - 1))));
    EXPECT_TRUE(der::is_strict(as_bytes(nested(der_depth_max))));
    EXPECT_FALSE(der::is_strict(as_bytes(nested(der_depth_max + 1))));
}

TEST(StrictDer, integers_are_written_in_their_shortest_form) {
    const std::pair<const char*, const char*> rows[] = {
        {"", "020100"},     {"00", "020100"},     {"01", "020101"},     {"7F", "02017f"},
        {"80", "02020080"}, {"0080", "02020080"}, {"000001", "020101"}, {"010001", "0203010001"}};
    for (const auto& [number, encoded] : rows) {
        EXPECT_EQ(to_hex(as_bytes(der::unsigned_integer(as_bytes(*from_hex(number))))), encoded) << number;
    }
}

TEST(StrictDer, the_value_of_an_element_is_what_stands_behind_its_head) {
    EXPECT_EQ(as_text(der::value_of(as_bytes(der::element(0x04, {"ab", "cd"})))), "abcd");
    EXPECT_EQ(der::value_of(as_bytes(der::element(0x04, {std::string(300, 'x')}) + "filler")).size(), 300U);
    for (const std::string bytes : {"", "\x04", "\x04\x02x", "\x04\x80xx"})
        EXPECT_TRUE(der::value_of(as_bytes(bytes)).empty());
    EXPECT_EQ(der::context(3), 0xA3);
}

TEST(StrictDer, any_bytes_are_judged_without_reading_past_them) {
    EXPECT_TRUE(rc::check("no crash, and what is strict loses that by one byte less or more", [] {
        auto bytes = *rc::gen::arbitrary<std::string>();
        if (!der::is_strict(as_bytes(bytes))) return;
        RC_ASSERT(!der::is_strict(as_bytes(bytes + "x")));
        bytes.pop_back();
        RC_ASSERT(!der::is_strict(as_bytes(bytes)));
    }));
}

}  // namespace onshi::pki::der_test
