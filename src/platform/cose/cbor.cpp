#include "platform/cose/cbor.h"

#include <array>
#include <cbor.h>
#include <limits>

#include "base/ensure.h"

namespace onshi::cose {

namespace {

// A head is one byte and at most eight more.
using Head = std::array<std::uint8_t, 9>;

template <class Encode>
void append_head(std::string& out, Encode encode) {
    Head head{};
    const std::size_t size = encode(head.data(), head.size());
    ENSURE(size > 0 && size <= head.size());
    out.append(as_text(Bytes(head).first(size)));
}

}  // namespace

void CborWriter::integer(std::int64_t value) {
    append_head(out_, [&](unsigned char* into, std::size_t size) {
        if (value >= 0) return cbor_encode_uint(static_cast<std::uint64_t>(value), into, size);
        return cbor_encode_negint(static_cast<std::uint64_t>(-1 - value), into, size);
    });
}

void CborWriter::bytes(Bytes value) {
    append_head(out_, [&](unsigned char* into, std::size_t size) {
        return cbor_encode_bytestring_start(value.size(), into, size);
    });
    out_.append(as_text(value));
}

void CborWriter::text(std::string_view value) {
    append_head(out_, [&](unsigned char* into, std::size_t size) {
        return cbor_encode_string_start(value.size(), into, size);
    });
    out_.append(value);
}

void CborWriter::array(std::size_t count) {
    append_head(out_,
                [&](unsigned char* into, std::size_t size) { return cbor_encode_array_start(count, into, size); });
}

void CborWriter::map(std::size_t count) {
    append_head(out_, [&](unsigned char* into, std::size_t size) { return cbor_encode_map_start(count, into, size); });
}

void CborWriter::tag(std::uint64_t value) {
    append_head(out_, [&](unsigned char* into, std::size_t size) { return cbor_encode_tag(value, into, size); });
}

struct CborReader::Callbacks {
    template <Kind kind, class T>
    static void number(void* item, T value) {
        *static_cast<Item*>(item) = {kind, static_cast<std::uint64_t>(value), {}};
    }
    template <Kind kind>
    static void string(void* item, cbor_data data, std::size_t size) {
        *static_cast<Item*>(item) = {kind, 0, Bytes(data, size)};
    }
    static void simple(void* item) { *static_cast<Item*>(item) = {Kind::simple, 0, {}}; }
    static void boolean(void* item, bool) { simple(item); }
    static cbor_callbacks make() {
        // What is of indefinite length or a float stays with the empty callbacks, and so is no item.
        cbor_callbacks callbacks = cbor_empty_callbacks;
        callbacks.uint8 = number<Kind::unsigned_integer, std::uint8_t>;
        callbacks.uint16 = number<Kind::unsigned_integer, std::uint16_t>;
        callbacks.uint32 = number<Kind::unsigned_integer, std::uint32_t>;
        callbacks.uint64 = number<Kind::unsigned_integer, std::uint64_t>;
        callbacks.negint8 = number<Kind::negative_integer, std::uint8_t>;
        callbacks.negint16 = number<Kind::negative_integer, std::uint16_t>;
        callbacks.negint32 = number<Kind::negative_integer, std::uint32_t>;
        callbacks.negint64 = number<Kind::negative_integer, std::uint64_t>;
        callbacks.byte_string = string<Kind::bytes>;
        callbacks.string = string<Kind::text>;
        callbacks.array_start = number<Kind::array, std::size_t>;
        callbacks.map_start = number<Kind::map, std::size_t>;
        callbacks.tag = number<Kind::tag, std::uint64_t>;
        callbacks.null = simple;
        callbacks.undefined = simple;
        callbacks.boolean = boolean;
        return callbacks;
    }
};

CborReader::Item CborReader::next() {
    static const cbor_callbacks callbacks = Callbacks::make();
    Item item;
    if (!ok_ || rest_.empty()) {
        ok_ = false;
        return item;
    }
    // libcbor 0.8 refuses tags of one byte that had no meaning when it was written; COSE_Sign1 (18) is one of them.
    constexpr std::uint8_t first_short_tag = 0xC0;
    constexpr std::uint8_t last_short_tag = 0xD7;
    if (rest_[0] >= first_short_tag && rest_[0] <= last_short_tag) {
        item = {Kind::tag, static_cast<std::uint64_t>(rest_[0] - first_short_tag), {}};
        rest_ = rest_.subspan(1);
        return item;
    }
    const cbor_decoder_result result = cbor_stream_decode(rest_.data(), rest_.size(), &callbacks, &item);
    const bool read = result.status == CBOR_DECODER_FINISHED && item.kind != Kind::nothing;
    if (!read || result.read > rest_.size()) {
        ok_ = false;
        return {};
    }
    rest_ = rest_.subspan(result.read);
    return item;
}

CborReader::Item CborReader::expect(Kind kind) {
    Item item = next();
    if (item.kind == kind) return item;
    ok_ = false;
    return {};
}

std::int64_t CborReader::integer() {
    const Item item = next();
    const bool is_integer = item.kind == Kind::unsigned_integer || item.kind == Kind::negative_integer;
    if (!is_integer || item.number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        ok_ = false;
        return 0;
    }
    const auto value = static_cast<std::int64_t>(item.number);
    return item.kind == Kind::unsigned_integer ? value : -1 - value;
}

Bytes CborReader::bytes() {
    return expect(Kind::bytes).content;
}

std::string_view CborReader::text() {
    return as_text(expect(Kind::text).content);
}

std::size_t CborReader::array(std::size_t count_max) {
    const Item item = expect(Kind::array);
    if (item.number > count_max) ok_ = false;
    return ok_ ? static_cast<std::size_t>(item.number) : 0;
}

std::size_t CborReader::map(std::size_t count_max) {
    const Item item = expect(Kind::map);
    if (item.number > count_max) ok_ = false;
    return ok_ ? static_cast<std::size_t>(item.number) : 0;
}

std::uint64_t CborReader::tag() {
    return expect(Kind::tag).number;
}

void CborReader::skip(int depth_max) {
    if (depth_max <= 0) {
        ok_ = false;
        return;
    }
    const Item item = next();
    std::uint64_t parts = 0;
    if (item.kind == Kind::tag) parts = 1;
    if (item.kind == Kind::array) parts = item.number;
    // A count that no bytes can hold ends the loop at the first item that is missing.
    if (item.kind == Kind::map)
        parts = item.number > std::numeric_limits<std::uint64_t>::max() / 2 ? 0 : item.number * 2;
    if (item.kind == Kind::map && parts == 0 && item.number > 0) ok_ = false;
    for (std::uint64_t i = 0; i < parts && ok_; ++i) skip(depth_max - 1);
}

}  // namespace onshi::cose
