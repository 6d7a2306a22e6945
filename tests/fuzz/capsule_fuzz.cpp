// Any bytes as a scanned code, as a list of keys, and as the token inside of both: read or refused, never believed;
// what was read is written again and read again the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ensure.h"
#include "exchange/capsule/capsule.h"
#include "platform/cose/base45.h"
#include "platform/cose/cbor.h"
#include "platform/cose/cose_sign1.h"

namespace {

using namespace onshi;

const pki::EcPrivateKey& key() {
    static const pki::EcPrivateKey made = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
    return made;
}

enum class SignedBy : std::uint8_t { anybody, us };

void scan(std::string_view text, SignedBy signer) {
    const auto scanned = capsule::read_capsule(text);
    if (!scanned) return;
    const capsule::Trust trust{"hub", Instant{1'800'000'000'000'000}, {std::string(as_text(key().public_point()))}, {}};
    const auto verdict = capsule::judge(*scanned, trust, {}, trust.issued_at);
    const bool refused = verdict == capsule::Verdict::unknown_key || verdict == capsule::Verdict::forged;
    ENSURE(refused == (signer == SignedBy::anybody));
    const auto again = capsule::read_capsule(capsule::write_capsule(scanned->capsule, key()));
    ENSURE(again && again->capsule.name == scanned->capsule.name);
    ENSURE(again->capsule.expires_at == scanned->capsule.expires_at && again->capsule.card == scanned->capsule.card);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes(data, size);
    const std::string_view text = as_text(bytes);
    scan(text, SignedBy::anybody);
    // So that the fuzzer need not find out about base45 and base64url by itself.
    scan("ONSHI1:" + cose::to_base45(bytes), SignedBy::anybody);
    static_cast<void>(capsule::read_trust(text, nullptr));
    static_cast<void>(capsule::read_trust(to_base64url(bytes), nullptr));
    const auto signed_by_us = cose::sign1(key(), text);
    const auto opened = cose::open_sign1(as_bytes(signed_by_us));
    ENSURE(opened && opened->payload == text && cose::verify_sign1(*opened, key().public_point()));
    scan("ONSHI1:" + cose::to_base45(as_bytes(signed_by_us)), SignedBy::us);
    static_cast<void>(capsule::read_trust(to_base64url(as_bytes(signed_by_us)), nullptr));
    cose::CborReader reader(bytes);
    reader.skip(8);
    const auto decoded = cose::from_base45(text);
    if (decoded) ENSURE(cose::to_base45(as_bytes(*decoded)) == text);
    return 0;
}
