#include "base/bytes.h"

#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace onshi::bytes_test {

TEST(Hex, is_written_in_lower_case_and_read_in_both) {
    EXPECT_EQ(to_hex(as_bytes("\x01\xAB\xFF")), "01abff");
    EXPECT_EQ(from_hex("01aBFf"), "\x01\xAB\xFF");
    EXPECT_EQ(from_hex(""), "");
    EXPECT_FALSE(from_hex("0"));
    EXPECT_FALSE(from_hex("0g"));
    EXPECT_FALSE(from_hex(" 0"));
}

// RFC 4648 §10, without padding and in the alphabet of §5.
TEST(Base64Url, follows_the_published_vectors) {
    const std::vector<std::pair<std::string_view, std::string_view>> rows{
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF\xFE", "-__-"}};
    for (const auto& [plain, text] : rows) {
        EXPECT_EQ(to_base64url(as_bytes(plain)), text);
        EXPECT_EQ(from_base64url(text), plain);
    }
}

TEST(Base64Url, has_one_form_per_value) {
    EXPECT_FALSE(from_base64url("Z"));
    EXPECT_FALSE(from_base64url("Zg=="));
    EXPECT_FALSE(from_base64url("Zh"));   // left-over bits set
    EXPECT_FALSE(from_base64url("Zm9"));  // left-over bits set
    EXPECT_FALSE(from_base64url("+__-"));
    EXPECT_FALSE(from_base64url("Zm 9v"));
}

TEST(Bytes, come_back_from_hex_and_base64url) {
    EXPECT_TRUE(rc::check([](const std::string& bytes) {
        RC_ASSERT(from_hex(to_hex(as_bytes(bytes))) == bytes);
        RC_ASSERT(from_base64url(to_base64url(as_bytes(bytes))) == bytes);
    }));
}

TEST(Base64Url, that_is_accepted_is_what_would_be_written) {
    EXPECT_TRUE(rc::check([] {
        const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("AQgw_-019z=+")));
        const auto bytes = from_base64url(text);
        if (bytes) RC_ASSERT(to_base64url(as_bytes(*bytes)) == text);
    }));
}

TEST(ByteReader, reads_what_the_writer_wrote) {
    EXPECT_TRUE(rc::check(
        [](std::uint8_t a, std::uint32_t b, std::uint64_t c, std::int64_t d, std::uint64_t e, const std::string& f) {
            std::string packed;
            ByteWriter writer(packed);
            writer.u8(a);
            writer.u32(b);
            writer.u64(c);
            writer.i64(d);
            writer.varint(e);
            writer.text(f);
            writer.raw(as_bytes("end"));
            ByteReader reader(as_bytes(packed));
            RC_ASSERT(reader.u8() == a);
            RC_ASSERT(reader.u32() == b);
            RC_ASSERT(reader.u64() == c);
            RC_ASSERT(reader.i64() == d);
            RC_ASSERT(reader.varint() == e);
            RC_ASSERT(reader.text() == f);
            RC_ASSERT(as_text(reader.raw(3)) == "end");
            RC_ASSERT(reader.ok() && reader.at_end());
        }));
}

TEST(ByteReader, is_not_ok_after_any_cut) {
    std::string packed;
    ByteWriter writer(packed);
    writer.u32(7);
    writer.varint(300);
    writer.text("three");
    for (std::size_t size = 0; size < packed.size(); ++size) {
        ByteReader reader(as_bytes(std::string_view(packed).substr(0, size)));
        (void)reader.u32();
        (void)reader.varint();
        (void)reader.text();
        EXPECT_FALSE(reader.ok()) << size;
        EXPECT_EQ(reader.u64(), 0U);
        EXPECT_TRUE(reader.text().empty());
    }
}

TEST(ByteReader, gives_zero_for_a_varint_that_is_cut_or_too_long) {
    const auto read = [](std::string_view bytes) {
        ByteReader reader(as_bytes(bytes));
        const std::uint64_t value = reader.varint();
        return std::pair(value, reader.ok());
    };
    EXPECT_EQ(read("\x85"), std::pair(std::uint64_t{0}, false));
    EXPECT_EQ(read("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"), std::pair(UINT64_MAX, true));
    EXPECT_EQ(read("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"), std::pair(std::uint64_t{0}, false));
    EXPECT_EQ(read("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), std::pair(std::uint64_t{0}, false));
}

TEST(ByteReader, survives_a_length_beyond_the_end) {
    std::string packed;
    ByteWriter(packed).varint(UINT64_MAX);
    ByteReader reader(as_bytes(packed));
    EXPECT_TRUE(reader.text().empty());
    EXPECT_FALSE(reader.ok());
}

TEST(ByteWriter, writes_big_endian_so_that_bytes_sort_like_numbers) {
    std::string small;
    std::string large;
    ByteWriter(small).u32(255);
    ByteWriter(large).u32(256);
    EXPECT_EQ(to_hex(as_bytes(small)), "000000ff");
    EXPECT_LT(small, large);
}

}  // namespace onshi::bytes_test
