#include "platform/smartcard/tlv.h"

#include <fmt/format.h>

#include "base/ensure.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace {

struct Header {
    TlvTag tag;
    std::size_t size;  // of tag and length
    std::size_t value_size;
};

tl::unexpected<Error> broken(const char* why) {
    return fail(ErrorCode::card_unreadable, std::string("TLV: ") + why);
}

Result<Header> read_header(Bytes bytes) {
    if (bytes.empty()) return broken("no tag");
    std::size_t at = 1;
    TlvTag tag = bytes[0];
    // The low five bits set: the tag goes on in a second byte, and ours end there.
    if ((tag & 0x1FU) == 0x1FU) {
        if (bytes.size() < 2) return broken("tag cut off");
        if ((bytes[1] & 0x80U) != 0) return broken("tag of more than two bytes");
        tag = static_cast<TlvTag>(tag << 8U | bytes[1]);
        at = 2;
    }
    if (bytes.size() <= at) return broken("no length");
    const std::uint8_t first = bytes[at++];
    if (first < 0x80) return Header{tag, at, first};
    const std::size_t length_bytes = first & 0x7FU;
    if (length_bytes != 1 && length_bytes != 2) return broken("length form");
    if (bytes.size() < at + length_bytes) return broken("length cut off");
    std::size_t value_size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) value_size = value_size << 8U | bytes[at + i];
    return Header{tag, at + length_bytes, value_size};
}

// A private tag cannot be `FFFF` (its second byte would go on), nor can an object begin with the reserved `00`.
bool is_filler(Bytes bytes) {
    return bytes[0] == 0 || (bytes[0] == 0xFF && (bytes.size() == 1 || bytes[1] == 0xFF));
}

}  // namespace

Result<std::size_t> tlv_total_size(Bytes head) {
    auto header = read_header(head);
    if (!header) return fail(std::move(header));
    return header->size + header->value_size;
}

Result<TlvObject> read_tlv(Bytes bytes) {
    auto header = read_header(bytes);
    if (!header) return fail(std::move(header));
    const std::size_t total = header->size + header->value_size;
    if (total > bytes.size()) return broken("value cut off");
    return TlvObject{header->tag, 0, bytes.subspan(header->size, header->value_size), bytes.first(total)};
}

Result<std::vector<TlvObject>> read_tlv_list(Bytes bytes) {
    std::vector<TlvObject> objects;
    std::size_t at = 0;
    while (at < bytes.size() && !is_filler(bytes.subspan(at))) {
        if (objects.size() == tlv_objects_max) return broken("too many objects");
        auto object = read_tlv(bytes.subspan(at));
        if (!object) return fail(std::move(object));
        object->offset = at;
        at += object->whole.size();
        objects.push_back(*object);
    }
    return objects;
}

const TlvObject* find_tlv(std::span<const TlvObject> objects, TlvTag tag) {
    for (const TlvObject& object : objects) {
        if (object.tag == tag) return &object;
    }
    return nullptr;
}

Result<Bytes> tlv_value(std::span<const TlvObject> objects, TlvTag tag) {
    const TlvObject* found = find_tlv(objects, tag);
    if (found == nullptr) return fail(ErrorCode::card_unreadable, fmt::format("TLV: no object {:X}", tag));
    return found->value;
}

void append_tlv(ByteVector& out, TlvTag tag, Bytes value) {
    ENSURE(value.size() <= tlv_value_bytes_max);
    if (tag > 0xFF) out.push_back(static_cast<std::uint8_t>(tag >> 8U));
    out.push_back(static_cast<std::uint8_t>(tag));
    if (value.size() > 0xFF) {
        out.push_back(0x82);
        out.push_back(static_cast<std::uint8_t>(value.size() >> 8U));
    } else if (value.size() > 0x7F) {
        out.push_back(0x81);
    }
    out.push_back(static_cast<std::uint8_t>(value.size()));
    out.insert(out.end(), value.begin(), value.end());
}

ByteVector make_tlv(TlvTag tag, Bytes value) {
    ByteVector out;
    append_tlv(out, tag, value);
    return out;
}

ByteVector make_tlv_with_offsets(TlvTag tag, TlvTag offsets_tag, std::span<const ByteVector> objects) {
    // The offsets count from the file's start, and the header's size depends on the whole: build once to learn it.
    std::size_t body_size = make_tlv(offsets_tag, ByteVector(objects.size() * 2)).size();
    for (const ByteVector& object : objects) body_size += object.size();
    std::size_t at = make_tlv(tag, ByteVector(body_size)).size() - body_size;
    at += make_tlv(offsets_tag, ByteVector(objects.size() * 2)).size();

    ByteVector offsets;
    ByteVector tail;
    for (const ByteVector& object : objects) {
        offsets.push_back(static_cast<std::uint8_t>(at >> 8U));
        offsets.push_back(static_cast<std::uint8_t>(at));
        at += object.size();
        tail.insert(tail.end(), object.begin(), object.end());
    }
    ByteVector body = make_tlv(offsets_tag, offsets);
    body.insert(body.end(), tail.begin(), tail.end());
    return make_tlv(tag, body);
}

}  // namespace onshi::smartcard
