#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

// The part of CBOR (RFC 8949) that signed tokens need: integers, byte and text strings, arrays, maps and tags of
// definite length. Encoded in the shortest form; libcbor does both ways, one item at a time, without an allocation of
// its own.
namespace onshi::cose {

// Appends to a string, which outlives it.
class CborWriter {
  public:
    explicit CborWriter(std::string& out) : out_(out) {}
    void integer(std::int64_t value);
    void bytes(Bytes value);
    void text(std::string_view value);
    // So many items follow; twice as many in a map.
    void array(std::size_t count);
    void map(std::size_t count);
    void tag(std::uint64_t value);

  private:
    std::string& out_;
};

// Reads what was announced in its order. After anything else `ok()` is false and every further value is empty or zero,
// so a caller checks once at the end. Views point into the bytes it was given.
class CborReader {
  public:
    explicit CborReader(Bytes bytes) : rest_(bytes) {}
    [[nodiscard]] std::int64_t integer();
    [[nodiscard]] Bytes bytes();
    [[nodiscard]] std::string_view text();
    // At most `count_max`.
    [[nodiscard]] std::size_t array(std::size_t count_max);
    [[nodiscard]] std::size_t map(std::size_t count_max);
    [[nodiscard]] std::uint64_t tag();
    // One item with all that belongs to it, whatever it is, at most `depth_max` deep.
    void skip(int depth_max);
    [[nodiscard]] bool next_is_text() const { return !rest_.empty() && rest_[0] >> 5U == 3; }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

  private:
    enum class Kind : std::uint8_t {
        nothing,
        unsigned_integer,
        negative_integer,
        bytes,
        text,
        array,
        map,
        tag,
        simple
    };
    struct Item {
        Kind kind = Kind::nothing;
        std::uint64_t number = 0;  // value, or count
        Bytes content;
    };
    struct Callbacks;
    [[nodiscard]] Item next();
    [[nodiscard]] Item expect(Kind kind);
    Bytes rest_;
    bool ok_ = true;
};

}  // namespace onshi::cose
