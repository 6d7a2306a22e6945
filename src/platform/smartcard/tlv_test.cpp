#include "platform/smartcard/tlv.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "platform/smartcard/limits.h"

namespace onshi::smartcard::tlv_test {

ByteVector bytes_of(std::string_view hex) {
    const auto packed = from_hex(hex);
    EXPECT_TRUE(packed.has_value()) << hex;
    const Bytes bytes = as_bytes(*packed);
    return {bytes.begin(), bytes.end()};
}

TEST(Tlv, reads_one_and_two_byte_tags_and_three_length_forms) {
    struct Row {
        std::string head;
        std::size_t size;
        TlvTag tag;
    };
    const Row rows[] = {
        {"a100", 0, 0xA1},         {"ff2003", 3, 0xFF20},       {"df2a7f", 127, 0xDF2A}, {"5f4e8180", 128, 0x5F4E},
        {"5f3781ff", 255, 0x5F37}, {"7f21820100", 256, 0x7F21}, {"9103", 3, 0x91},       {"ff2082ffff", 65535, 0xFF20},
        {"df27820001", 1, 0xDF27},  // longer than needed is accepted: cards do that
    };
    for (const Row& row : rows) {
        ByteVector bytes = bytes_of(row.head);
        bytes.resize(bytes.size() + row.size, 0x5A);
        const auto object = read_tlv(bytes);
        ASSERT_TRUE(object.has_value()) << row.head;
        EXPECT_EQ(object->tag, row.tag);
        EXPECT_EQ(object->value.size(), row.size);
        EXPECT_EQ(object->whole.size(), bytes.size());
        EXPECT_EQ(*tlv_total_size(Bytes(bytes).first(std::min<std::size_t>(5, bytes.size()))), bytes.size());
    }
}

TEST(Tlv, refuses_what_is_cut_off_or_of_another_form) {
    const std::string_view rows[] = {"",           "ff",     "ff20",       "ff2001",       "ff2081",   "ff208200",
                                     "ff20820001", "ff9001", "ffff0100aa", "ff2083000001", "ff208001", "ff2084000000"};
    for (const auto row : rows) {
        const auto object = read_tlv(bytes_of(row));
        ASSERT_FALSE(object.has_value()) << row;
        EXPECT_EQ(object.error().code, ErrorCode::card_unreadable);
    }
}

TEST(Tlv, a_list_ends_where_filler_begins) {
    for (const std::string filler : {"", "ff", "ffff", "ffffffff", "00", "0000"}) {
        const auto bytes = bytes_of("df2101aadf220200bb" + filler);
        const auto objects = read_tlv_list(bytes);
        ASSERT_TRUE(objects.has_value()) << filler;
        ASSERT_EQ(objects->size(), 2U) << filler;
        EXPECT_EQ((*objects)[1].offset, 4U);
        EXPECT_EQ(to_hex(*tlv_value(*objects, 0xDF22)), "00bb");
        EXPECT_EQ(tlv_value(*objects, 0xDF23).error().code, ErrorCode::card_unreadable);
    }
}

TEST(Tlv, a_list_has_at_most_64_objects) {
    const auto list_of = [](std::size_t count) {
        ByteVector bytes;
        for (std::size_t i = 0; i < count; ++i) append_tlv(bytes, 0xDF21, {});
        return read_tlv_list(bytes);
    };
    EXPECT_TRUE(list_of(tlv_objects_max - 1));
    EXPECT_TRUE(list_of(tlv_objects_max));
    EXPECT_FALSE(list_of(tlv_objects_max + 1));
}

TEST(Tlv, the_offsets_table_points_at_each_object) {
    for (const std::size_t photo_size : {1U, 100U, 200U, 5000U}) {
        const std::vector<ByteVector> objects{make_tlv(0xDF22, as_bytes("19850412")),
                                              make_tlv(0xDF27, ByteVector(photo_size)),
                                              make_tlv(0xDF29, as_bytes("20340412"))};
        const auto file = make_tlv_with_offsets(0xFF20, 0xDF21, objects);
        const auto outer = read_tlv(file);
        ASSERT_TRUE(outer);
        ASSERT_EQ(outer->whole.size(), file.size());
        const auto inner = read_tlv_list(outer->value);
        ASSERT_TRUE(inner);
        const Bytes offsets = *tlv_value(*inner, 0xDF21);
        ASSERT_EQ(offsets.size(), 2 * objects.size());
        for (std::size_t i = 0; i < objects.size(); ++i) {
            const std::size_t at = static_cast<std::size_t>(offsets[2 * i]) << 8U | offsets[2 * i + 1];
            const auto object = read_tlv(Bytes(file).subspan(at));
            ASSERT_TRUE(object);
            EXPECT_EQ(to_hex(object->whole), to_hex(objects[i]));
        }
    }
}

TEST(Tlv, survives_writing_and_reading) {
    const auto held = rc::check([] {
        const auto tag = *rc::gen::element<TlvTag>(0x90, 0x91, 0xA1, 0xFF10, 0xFF20, 0xDF21, 0x7F21, 0x5F4E);
        const auto size = *rc::gen::element<std::size_t>(0, 1, 127, 128, 255, 256, 4000, 65535);
        const ByteVector value(size, *rc::gen::arbitrary<std::uint8_t>());
        const auto bytes = make_tlv(tag, value);
        const auto object = read_tlv(bytes);
        RC_ASSERT(object.has_value());
        RC_ASSERT(object->tag == tag);
        RC_ASSERT(ByteVector(object->value.begin(), object->value.end()) == value);
    });
    EXPECT_TRUE(held);
}

TEST(Tlv, any_bytes_are_read_or_refused) {
    const auto held = rc::check([] {
        const auto bytes = *rc::gen::container<ByteVector>(rc::gen::arbitrary<std::uint8_t>());
        const auto objects = read_tlv_list(bytes);
        if (!objects) RC_ASSERT(objects.error().code == ErrorCode::card_unreadable);
        std::size_t used = 0;
        if (objects) {
            for (const auto& object : *objects) used += object.whole.size();
        }
        RC_ASSERT(used <= bytes.size());
    });
    EXPECT_TRUE(held);
}

}  // namespace onshi::smartcard::tlv_test
