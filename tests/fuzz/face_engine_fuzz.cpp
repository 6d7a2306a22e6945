// Any bytes as a line of an engine that compares faces, and as a line of a terminal: read or refused; what was read is
// written and read again the same; a decision that nobody signed is never believed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ensure.h"
#include "exchange/face_engine/messages.h"
#include "platform/pki/private_key.h"

namespace {

using namespace onshi;

const face::EngineKey& key() {
    static const face::EngineKey made{
        "acme-9", std::string(as_text(pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256).public_point()))};
    return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes(data, size);
    const std::string_view line = as_text(bytes);
    const auto reply = face::parse_reply(line);
    if (reply) {
        const SecretBytes written = face::write_reply(*reply);
        const auto again = face::parse_reply(as_text(written.bytes()));
        ENSURE(again && again->index() == reply->index());
        ENSURE(face::write_reply(*again).equals(written.bytes()));
        if (const auto* decision = std::get_if<face::Decision>(&*reply)) {
            const std::string nonce(face::nonce_bytes, 'n');
            ENSURE(!face::check_decision(key(), nonce, bytes, *decision));
        }
    }
    const auto request = face::parse_request(line);
    if (request) {
        const SecretBytes written = face::write_request(*request);
        const auto again = face::parse_request(as_text(written.bytes()));
        ENSURE(again && again->ask == request->ask && again->nonce == request->nonce);
        ENSURE(again->photo.equals(request->photo.bytes()));
    }
    return 0;
}
