#pragma once

// Inside this folder only: a private key on the virtual card.
#include <variant>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "platform/pki/private_key.h"
#include "platform/smartcard/apdu.h"
#include "platform/smartcard/crypto.h"

namespace onshi::smartcard {

// RSA-2048, or P-384 as our stand-in for the next generation of cards. Owns the key; movable; thread-safe.
class CardKey {
  public:
    // `card.image_malformed` for any other key.
    [[nodiscard]] static Result<CardKey> from_pem(const SecretBytes& pem);
    [[nodiscard]] bool is_rsa() const { return std::holds_alternative<pki::RsaPrivateKey>(key_); }
    // Of an RSA key, for the records that carry it.
    [[nodiscard]] pki::CardPublicKey rsa_public_key() const;
    // COMPUTE DIGITAL SIGNATURE with P1 and data as the command has them (jpki-card §3.1). A P-384 key knows one form,
    // ours: P1 `00` over a 48-byte digest gives ECDSA in DER.
    [[nodiscard]] ResponseApdu compute_signature(std::uint8_t p1, Bytes data) const;

  private:
    using Key = std::variant<pki::RsaPrivateKey, P384Signer>;
    explicit CardKey(Key key) : key_(std::move(key)) {}
    Key key_;
};

}  // namespace onshi::smartcard
