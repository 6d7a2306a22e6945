#include "base/ensure.h"
#include "platform/smartcard/test_card_issuer.h"

namespace onshi::smartcard {

namespace {

constexpr std::uint32_t picture_side_max = 4096;

void append_u16(ByteVector& out, std::uint32_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8U));
    out.push_back(static_cast<std::uint8_t>(value));
}

void append_u32(ByteVector& out, std::uint32_t value) {
    append_u16(out, value >> 16U);
    append_u16(out, value & 0xFFFFU);
}

void append(ByteVector& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

// A box of the file format: length, type, content (ISO/IEC 15444-1 annex I).
ByteVector box(std::string_view type, Bytes content) {
    ByteVector out;
    append_u32(out, static_cast<std::uint32_t>(8 + content.size()));
    append(out, as_bytes(type));
    append(out, content);
    return out;
}

// One tile, one component, no decomposition, one packet that carries nothing: every sample is the middle grey.
ByteVector grey_codestream(std::uint32_t width, std::uint32_t height) {
    ByteVector out{0xFF, 0x4F};                             // start
    append(out, ByteVector{0xFF, 0x51, 0x00, 0x29, 0, 0});  // size of picture and tiles
    for (const std::uint32_t value : {width, height, 0U, 0U, width, height, 0U, 0U}) append_u32(out, value);
    append(out, ByteVector{0x00, 0x01, 0x07, 0x01, 0x01});  // one component of 8 bits
    append(out, ByteVector{0xFF, 0x52, 0x00, 0x0C, 0x00});  // coding: one layer, reversible, blocks of 64 × 64
    append(out, ByteVector{0x00, 0x00, 0x01, 0x00, 0x00, 0x04, 0x04, 0x00, 0x01});
    append(out, ByteVector{0xFF, 0x5C, 0x00, 0x04, 0x40, 0x40});                                      // no quantisation
    append(out, ByteVector{0xFF, 0x90, 0x00, 0x0A, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0F, 0x00, 0x01});  // the tile part
    append(out, ByteVector{0xFF, 0x93, 0x00});  // its data: an empty packet
    append(out, ByteVector{0xFF, 0xD9});        // end
    return out;
}

}  // namespace

ByteVector make_grey_jp2(std::uint32_t width, std::uint32_t height) {
    ENSURE(width > 0 && width <= picture_side_max && height > 0 && height <= picture_side_max);
    ByteVector image_header;
    append_u32(image_header, height);
    append_u32(image_header, width);
    append(image_header, ByteVector{0x00, 0x01, 0x07, 0x07, 0x00, 0x00});
    const ByteVector colour{0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x11};  // greyscale
    ByteVector header = box("ihdr", image_header);
    append(header, box("colr", colour));

    ByteVector out = box("jP  ", ByteVector{0x0D, 0x0A, 0x87, 0x0A});
    append(out, box("ftyp", as_bytes(std::string_view("jp2 \0\0\0\0jp2 ", 12))));
    append(out, box("jp2h", header));
    append(out, box("jp2c", grey_codestream(width, height)));
    return out;
}

ByteVector make_blank_png() {
    return {0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49, 0x48, 0x44, 0x52, 0x00,
            0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0x37, 0x6E, 0xF9, 0x24, 0x00,
            0x00, 0x00, 0x0A, 0x49, 0x44, 0x41, 0x54, 0x78, 0x01, 0x63, 0x60, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01,
            0x73, 0x75, 0x01, 0x18, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82};
}

}  // namespace onshi::smartcard
