#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "platform/pki/public_key.h"

namespace onshi::pki {

// An RSA private key of 2048 to 4096 bits: what a card holds (virtual card, test CA, benches). Owns the key, which is
// wiped on destruction; movable. Thread-safe: concurrent signing is fine.
class RsaPrivateKey {
  public:
    // `bits` 2048…4096, e = 65537; otherwise `key.malformed`. RSA-2048 takes about 60 ms.
    [[nodiscard]] static Result<RsaPrivateKey> generate(unsigned bits);
    // PKCS#8 or traditional PEM without password. `key.malformed`.
    [[nodiscard]] static Result<RsaPrivateKey> from_pem(std::string_view pem);
    // Reads a PEM file; refuses one that others can read (`secret.permissions`), see secret_file.h.
    [[nodiscard]] static Result<RsaPrivateKey> load(const std::filesystem::path& file);
    // Writes PKCS#8 PEM to a new file of mode 0600; `secret.exists` when there is one.
    [[nodiscard]] Result<void> save(const std::filesystem::path& file) const;
    [[nodiscard]] SecretBytes to_pem() const;
    // A second owner of the same key.
    [[nodiscard]] RsaPrivateKey clone() const;

    [[nodiscard]] CardPublicKey public_key() const;
    [[nodiscard]] std::size_t signature_size() const;

    // PKCS#1 v1.5 type-1 padding over the bytes as given, as the card's P1=00 does (jpki-card §3.1). 1…245 bytes,
    // otherwise `key.malformed`.
    [[nodiscard]] Result<std::vector<std::uint8_t>> raw_sign_pkcs1(Bytes payload) const;
    // PKCS#1 v1.5 over DigestInfo(SHA-256). `digest` is 32 bytes.
    [[nodiscard]] Result<std::vector<std::uint8_t>> sign_pkcs1(Bytes digest) const;
    // RSASSA-PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes. `digest` is 32 bytes.
    [[nodiscard]] Result<std::vector<std::uint8_t>> sign_pss(Bytes digest) const;

    RsaPrivateKey(RsaPrivateKey&&) noexcept;
    RsaPrivateKey& operator=(RsaPrivateKey&&) noexcept;
    ~RsaPrivateKey();

    // For the other files of this folder, which see OpenSSL.
    struct Handle;
    [[nodiscard]] const Handle& handle() const { return *handle_; }

  private:
    explicit RsaPrivateKey(std::unique_ptr<Handle> handle);
    std::unique_ptr<Handle> handle_;
};

// An EC private key on P-256 (TLS of hubs and terminals, organisation CA, ES256 of capsules) or P-384 (a card of the
// next generation, jpki-card §6.5). Owns the key, wiped on destruction; movable. Thread-safe.
class EcPrivateKey {
  public:
    enum class Curve : std::uint8_t { p256, p384 };

    [[nodiscard]] static EcPrivateKey generate(Curve curve);
    [[nodiscard]] static Result<EcPrivateKey> from_pem(std::string_view pem);
    [[nodiscard]] static Result<EcPrivateKey> load(const std::filesystem::path& file);
    [[nodiscard]] Result<void> save(const std::filesystem::path& file) const;
    [[nodiscard]] SecretBytes to_pem() const;

    [[nodiscard]] Curve curve() const;
    // X ‖ Y, 64 bytes on P-256, 96 on P-384.
    [[nodiscard]] std::vector<std::uint8_t> public_point() const;
    [[nodiscard]] std::vector<std::uint8_t> subject_public_key_info() const;
    // ECDSA over SHA-256 (P-256) or SHA-384 (P-384) of the message, DER form: what X.509 and cards use.
    [[nodiscard]] std::vector<std::uint8_t> sign(Bytes message) const;
    // The same as r ‖ s of fixed size: what COSE and JOSE use (RFC 9053 §2.1).
    [[nodiscard]] std::vector<std::uint8_t> sign_fixed(Bytes message) const;

    EcPrivateKey(EcPrivateKey&&) noexcept;
    EcPrivateKey& operator=(EcPrivateKey&&) noexcept;
    ~EcPrivateKey();

    struct Handle;
    [[nodiscard]] const Handle& handle() const { return *handle_; }

  private:
    explicit EcPrivateKey(std::unique_ptr<Handle> handle);
    std::unique_ptr<Handle> handle_;
};

// Checks r ‖ s (64 bytes) over SHA-256 of the message with a P-256 point X ‖ Y. `signature.invalid`, `key.malformed`.
[[nodiscard]] Result<void> verify_es256(Bytes public_point, Bytes message, Bytes signature);

}  // namespace onshi::pki
