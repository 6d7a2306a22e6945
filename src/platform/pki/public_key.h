#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace onshi::pki {

enum class KeyKind : std::uint8_t { rsa = 1, ec_p384 = 2 };

// The whole list (jpki-card §6.5, §7 step 5). What a request names is one of these; the key's kind decides which of
// them it may be, so a client can never pick a weaker one.
enum class SignatureAlgorithm : std::uint8_t { rsa_pkcs1_sha256, rsa_pss_sha256, ecdsa_p384_sha384 };

// Wire names: `rsa_pkcs1_sha256`, `rsa_pss_sha256`, `ecdsa_p384_sha384`. nullopt for anything else.
[[nodiscard]] std::optional<SignatureAlgorithm> parse_signature_algorithm(std::string_view name);
[[nodiscard]] std::string_view to_string(SignatureAlgorithm algorithm) noexcept;
// 32 for the SHA-256 kinds, 48 for SHA-384.
[[nodiscard]] std::size_t digest_size(SignatureAlgorithm algorithm) noexcept;
[[nodiscard]] bool is_allowed(KeyKind kind, SignatureAlgorithm algorithm) noexcept;

// The public key of a card: RSA of 2048 to 4096 bits with e ≥ 65537, or EC P-384 (jpki-card §7 step 3). A value; holds
// its storage form only, so storing and loading copy bytes (261 for RSA-2048, 97 for P-384). Thread-safe as any value:
// concurrent reads are fine.
class CardPublicKey {
  public:
    // Storage form: kind ‖ (rsa) exponent length ‖ exponent ‖ modulus, or kind ‖ X ‖ Y. Canonical: one key, one form.
    // `key.malformed` for another form, size or exponent. That an EC point lies on its curve is checked on use.
    [[nodiscard]] static Result<CardPublicKey> parse(Bytes stored);
    // Big-endian; leading zeros are dropped.
    [[nodiscard]] static Result<CardPublicKey> rsa(Bytes modulus, Bytes exponent);
    // 48 bytes each, big-endian.
    [[nodiscard]] static Result<CardPublicKey> ec_p384(Bytes x, Bytes y);

    [[nodiscard]] KeyKind kind() const { return static_cast<KeyKind>(stored_[0]); }
    [[nodiscard]] Bytes stored() const { return stored_; }
    [[nodiscard]] std::size_t bits() const;
    // Of an RSA key; empty for EC.
    [[nodiscard]] Bytes modulus() const;
    [[nodiscard]] Bytes exponent() const;
    // Of an EC key: X ‖ Y, 96 bytes; empty for RSA.
    [[nodiscard]] Bytes point() const;
    // SubjectPublicKeyInfo, DER.
    [[nodiscard]] std::vector<std::uint8_t> subject_public_key_info() const;

    friend bool operator==(const CardPublicKey&, const CardPublicKey&) = default;

  private:
    explicit CardPublicKey(std::vector<std::uint8_t> stored) : stored_(std::move(stored)) {}
    std::vector<std::uint8_t> stored_;
};

// Checks a signature over a digest that the caller made (SHA-256 or SHA-384, as the algorithm says). Thread-safe; 20 to
// 30 µs for RSA-2048. `signature.algorithm`: not allowed for this key, or a digest of another size.
// `signature.invalid`: does not hold. `key.malformed`: the key is no usable one (an EC point beside its curve).
[[nodiscard]] Result<void> verify_digest(const CardPublicKey& key, SignatureAlgorithm algorithm, Bytes digest,
                                         Bytes signature);
// The same over a message, which is hashed here.
[[nodiscard]] Result<void> verify_message(const CardPublicKey& key, SignatureAlgorithm algorithm, Bytes message,
                                          Bytes signature);

}  // namespace onshi::pki
