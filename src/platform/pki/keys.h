#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/sha256.h"

// Symmetric primitives and seals. What is on the path of a check allocates nothing.
namespace onshi::pki {

// Equal contents in constant time; different lengths differ at once.
[[nodiscard]] bool constant_time_equal(Bytes a, Bytes b);

// Room for OpenSSL's SHA-256 state (its size is checked when compiled): plain bytes, so that it can be copied and kept.
struct alignas(8) Sha256State {
    std::array<std::uint8_t, 112> opaque;
};

// HMAC-SHA-256 (RFC 2104) with the key already mixed in, so that a MAC costs the message and two blocks (0.13 µs for a
// short message) and allocates nothing. Owns the mixed key, wiped on destruction; movable. Thread-safe: `mac` changes
// nothing.
class HmacKey {
  public:
    // `key.malformed` for fewer than 16 bytes: such a key protects nothing.
    [[nodiscard]] static Result<HmacKey> create(Bytes key);
    HmacKey(HmacKey&& other) noexcept;
    HmacKey& operator=(HmacKey&& other) noexcept;
    HmacKey(const HmacKey&) = delete;
    HmacKey& operator=(const HmacKey&) = delete;
    ~HmacKey();

    [[nodiscard]] Sha256 mac(Bytes message) const;
    [[nodiscard]] Sha256 mac(std::initializer_list<Bytes> parts) const;
    // Whether `tag` is the first `tag.size()` bytes of the MAC, in constant time. A tag shorter than 16 bytes never is.
    [[nodiscard]] bool verify(std::initializer_list<Bytes> parts, Bytes tag) const;

  private:
    explicit HmacKey(Bytes key);
    Sha256State inner_;
    Sha256State outer_;
};

// HKDF-SHA-256 (RFC 5869). `size` 1…8160, otherwise `key.malformed`.
[[nodiscard]] Result<SecretBytes> hkdf_sha256(Bytes key, Bytes salt, std::string_view info, std::size_t size);

// AES-256-GCM with a random 96-bit nonce: nonce (12) ‖ ciphertext ‖ tag (16). One key seals at most 2^32 values; rotate
// before (design §9.15). Owns the key, wiped on destruction; movable. Thread-safe.
class SealingKey {
  public:
    static constexpr std::size_t key_bytes = 32;
    static constexpr std::size_t overhead_bytes = 28;

    // `key.malformed` unless 32 bytes.
    [[nodiscard]] static Result<SealingKey> create(Bytes key);

    // `associated` is bound but not stored: give it what says where the value belongs (table, column, row key).
    // `request.too_large` above sealed_plaintext_bytes_max.
    [[nodiscard]] Result<std::string> seal(Bytes plaintext, Bytes associated, Random& random) const;
    // `secret.not_authentic`: other key, other associated bytes, or changed.
    [[nodiscard]] Result<SecretBytes> open(Bytes sealed, Bytes associated) const;

  private:
    explicit SealingKey(Bytes key) : key_(key) {}
    SecretBytes key_;
};

using Ed25519PublicKey = std::array<std::uint8_t, 32>;
using Ed25519Signature = std::array<std::uint8_t, 64>;

// Signs audit seals and the like (Ed25519, RFC 8032). Owns the key, wiped on destruction; movable. Thread-safe.
class SigningKey {
  public:
    static constexpr std::size_t seed_bytes = 32;

    // From the 32 bytes of a secret file; `key.malformed` otherwise.
    [[nodiscard]] static Result<SigningKey> from_seed(Bytes seed);
    [[nodiscard]] Ed25519PublicKey public_key() const { return public_key_; }
    [[nodiscard]] Ed25519Signature sign(Bytes message) const;

  private:
    SigningKey(Bytes seed, const Ed25519PublicKey& public_key) : seed_(seed), public_key_(public_key) {}
    SecretBytes seed_;
    Ed25519PublicKey public_key_;
};

// `signature.invalid`, or `key.malformed` for a public key of another size.
[[nodiscard]] Result<void> verify_ed25519(Bytes public_key, Bytes message, Bytes signature);

}  // namespace onshi::pki
