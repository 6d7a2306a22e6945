#include "platform/cose/cose_sign1.h"

#include <optional>

#include "base/sha256.h"
#include "platform/cose/cbor.h"

namespace onshi::cose {

namespace {

constexpr std::uint64_t sign1_tag = 18;
constexpr std::int64_t header_algorithm = 1;
constexpr std::int64_t header_key_id = 4;
constexpr std::int64_t es256 = -7;
constexpr std::size_t headers_max = 8;
constexpr int depth_max = 4;

// What is signed (RFC 9052 §4.4), without external data.
std::string signed_bytes(std::string_view protected_header, std::string_view payload) {
    std::string text;
    CborWriter writer(text);
    writer.array(4);
    writer.text("Signature1");
    writer.bytes(as_bytes(protected_header));
    writer.bytes({});
    writer.bytes(as_bytes(payload));
    return text;
}

}  // namespace

std::string key_id_of(Bytes public_point) {
    const Sha256 digest = sha256(public_point);
    return std::string(as_text(Bytes(digest).first(key_id_bytes)));
}

std::string sign1(const pki::EcPrivateKey& key, std::string_view payload) {
    std::string header;
    CborWriter header_writer(header);
    header_writer.map(2);
    header_writer.integer(header_algorithm);
    header_writer.integer(es256);
    header_writer.integer(header_key_id);
    header_writer.bytes(as_bytes(key_id_of(key.public_point())));
    const auto signature = key.sign_fixed(as_bytes(signed_bytes(header, payload)));
    std::string token;
    CborWriter writer(token);
    writer.tag(sign1_tag);
    writer.array(4);
    writer.bytes(as_bytes(header));
    writer.map(0);
    writer.bytes(as_bytes(payload));
    writer.bytes(signature);
    return token;
}

Result<Sign1> open_sign1(Bytes token) {
    const auto malformed = [] { return fail(ErrorCode::file_malformed, "no COSE_Sign1 with ES256"); };
    if (token.size() > token_bytes_max) return malformed();
    CborReader reader(token);
    const std::uint64_t tag = reader.tag();
    const std::size_t parts = reader.array(4);
    Sign1 opened;
    opened.protected_header = as_text(reader.bytes());
    const std::size_t unprotected = reader.map(headers_max);
    for (std::size_t i = 0; i < 2 * unprotected; ++i) reader.skip(depth_max);
    opened.payload = as_text(reader.bytes());
    opened.signature = reader.bytes();
    if (!reader.ok() || !reader.at_end() || tag != sign1_tag || parts != 4) return malformed();

    CborReader header(as_bytes(opened.protected_header));
    std::optional<std::int64_t> algorithm;
    const std::size_t count = header.map(headers_max);
    for (std::size_t i = 0; i < count && header.ok(); ++i) {
        // Names of headers may be texts; those that count here are numbers.
        if (header.next_is_text()) {
            header.skip(depth_max);
            header.skip(depth_max);
            continue;
        }
        const std::int64_t name = header.integer();
        if (name == header_algorithm) {
            algorithm = header.integer();
        } else if (name == header_key_id) {
            opened.key_id = as_text(header.bytes());
        } else {
            header.skip(depth_max);
        }
    }
    if (!header.ok() || !header.at_end() || algorithm != es256) return malformed();
    return opened;
}

Result<void> verify_sign1(const Sign1& token, Bytes public_point) {
    return pki::verify_es256(public_point, as_bytes(signed_bytes(token.protected_header, token.payload)),
                             token.signature);
}

}  // namespace onshi::cose
