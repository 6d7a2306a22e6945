#pragma once

// Inside this folder only: the few turns of OpenSSL that platform/pki has no word for.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "platform/pki/public_key.h"
#include "platform/smartcard/apdu.h"

namespace onshi::smartcard {

[[nodiscard]] std::array<std::uint8_t, 48> sha384(Bytes bytes);

// What stands inside a PKCS#1 v1.5 type-1 signature of an RSA key: the card signs payloads that are no ordinary
// DigestInfo (jpki-card §4.2). `card.not_authentic` when the padding does not hold.
[[nodiscard]] Result<ByteVector> recover_pkcs1_payload(const pki::CardPublicKey& key, Bytes signature);

// PBKDF2-HMAC-SHA-256, 32 bytes.
[[nodiscard]] SecretBytes derive_pin_hash(Bytes pin, Bytes salt, unsigned iterations);

// A P-384 private key that signs ready digests, as a card does. Owns the key; thread-safe.
class P384Signer {
  public:
    // `card.image_malformed` for anything but a P-384 key.
    [[nodiscard]] static Result<P384Signer> from_pem(Bytes pem);
    // DER form. `digest` is 48 bytes.
    [[nodiscard]] Result<ByteVector> sign(Bytes digest) const;

    P384Signer(P384Signer&&) noexcept;
    P384Signer& operator=(P384Signer&&) noexcept;
    ~P384Signer();

  private:
    struct Key;
    explicit P384Signer(std::unique_ptr<Key> key);
    std::unique_ptr<Key> key_;
};

// RFC 4648 §4, as files carry binary content. nullopt for another character, padding or length.
[[nodiscard]] std::string to_base64(Bytes bytes);
[[nodiscard]] std::optional<ByteVector> from_base64(std::string_view text);

}  // namespace onshi::smartcard
