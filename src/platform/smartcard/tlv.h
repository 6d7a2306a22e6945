#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "platform/smartcard/apdu.h"

namespace onshi::smartcard {

// One or two bytes, as written: `0xA1`, `0xFF20`, `0x7F21`, `0x5F4E` (jpki-card §4).
using TlvTag = std::uint16_t;

// An object inside bytes that somebody else holds. A value; the bytes must outlive it.
struct TlvObject {
    TlvTag tag = 0;
    std::size_t offset = 0;  // of the tag's first byte in the bytes that were read
    Bytes value;
    Bytes whole;  // tag, length and value as written: what signatures cover
};

// How many bytes an object takes, from its first bytes (at most 5 are needed): what is left to read of a file.
// `card.unreadable` for a tag or length form that is not ours.
[[nodiscard]] Result<std::size_t> tlv_total_size(Bytes head);

// Reads the object at the beginning; what follows (filler) is left alone. BER lengths in short form, `81` or `82`; tags
// of one or two bytes. `card.unreadable` for anything else and for an object that is longer than the bytes.
[[nodiscard]] Result<TlvObject> read_tlv(Bytes bytes);

// Reads objects until the end or until filler (`FF FF` or `00`) begins; at most 64.
[[nodiscard]] Result<std::vector<TlvObject>> read_tlv_list(Bytes bytes);

// The first object of that tag; nullptr when there is none.
[[nodiscard]] const TlvObject* find_tlv(std::span<const TlvObject> objects, TlvTag tag);
// Its value, or `card.unreadable` naming the missing tag.
[[nodiscard]] Result<Bytes> tlv_value(std::span<const TlvObject> objects, TlvTag tag);

// Appends an object in the shortest length form. The value has at most 65535 bytes (ours to keep).
void append_tlv(ByteVector& out, TlvTag tag, Bytes value);
[[nodiscard]] ByteVector make_tlv(TlvTag tag, Bytes value);
// `tag`{ `offsets_tag` offsets, objects… }: the offsets table of jpki-card §4 holds, for each following object, its
// place from the start of the file as a big-endian u16. `objects` are complete objects.
[[nodiscard]] ByteVector make_tlv_with_offsets(TlvTag tag, TlvTag offsets_tag, std::span<const ByteVector> objects);

}  // namespace onshi::smartcard
