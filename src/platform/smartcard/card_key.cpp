#include "platform/smartcard/card_key.h"

#include "base/sha256.h"
#include "platform/pki/limits.h"
#include "platform/smartcard/card_layout.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace {

constexpr std::size_t rsa_2048_bytes = 256;

ResponseApdu answer(Result<ByteVector> signature) {
    if (!signature) return {{}, sw::memory_failure};
    return {std::move(*signature), sw::ok};
}

ResponseApdu sign_rsa(const pki::RsaPrivateKey& key, std::uint8_t p1, Bytes data) {
    constexpr ResponseApdu (*wrong_length)() = [] { return ResponseApdu{{}, sw::wrong_length}; };
    const bool takes_digest = p1 == 0x02 || p1 == 0x04;
    if (data.empty() || (takes_digest && data.size() != sizeof(Sha256))) return wrong_length();
    if (p1 == 0x00 && data.size() > pki::raw_sign_payload_bytes_max) return wrong_length();
    if (data.size() > short_data_bytes_max) return wrong_length();
    switch (static_cast<SignMode>(p1)) {
        case SignMode::as_given: return answer(key.raw_sign_pkcs1(data));
        case SignMode::message_bare_hash: return answer(key.raw_sign_pkcs1(sha256(data)));
        case SignMode::digest: return answer(key.sign_pkcs1(data));
        case SignMode::message: return answer(key.sign_pkcs1(sha256(data)));
        case SignMode::digest_pss: return answer(key.sign_pss(data));
        case SignMode::message_pss: return answer(key.sign_pss(sha256(data)));
    }
    return {{}, sw::bad_parameters};
}

ResponseApdu sign_p384(const P384Signer& key, std::uint8_t p1, Bytes data) {
    if (p1 != 0x00) return {{}, sw::bad_parameters};
    if (data.size() != sha384_bytes) return {{}, sw::wrong_length};
    return answer(key.sign(data));
}

}  // namespace

Result<CardKey> CardKey::from_pem(const SecretBytes& pem) {
    auto rsa = pki::RsaPrivateKey::from_pem(as_text(pem.bytes()));
    if (rsa && rsa->signature_size() == rsa_2048_bytes) return CardKey(Key(std::move(*rsa)));
    auto p384 = P384Signer::from_pem(pem.bytes());
    if (!p384) return fail(ErrorCode::card_image_malformed, "key is neither RSA-2048 nor P-384");
    return CardKey(Key(std::move(*p384)));
}

pki::CardPublicKey CardKey::rsa_public_key() const {
    return std::get<pki::RsaPrivateKey>(key_).public_key();
}

ResponseApdu CardKey::compute_signature(std::uint8_t p1, Bytes data) const {
    if (const auto* rsa = std::get_if<pki::RsaPrivateKey>(&key_)) return sign_rsa(*rsa, p1, data);
    return sign_p384(std::get<P384Signer>(key_), p1, data);
}

}  // namespace onshi::smartcard
