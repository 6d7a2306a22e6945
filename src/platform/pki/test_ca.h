#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/date.h"
#include "base/result.h"
#include "base/time.h"
#include "platform/pki/certificate.h"
#include "platform/pki/private_key.h"
#include "platform/pki/public_key.h"
#include "platform/pki/revocation.h"
#include "platform/pki/trust_store.h"

// Certification authorities for tests, demos and the synthetic nation, with the profile of jpki-card §6. Their O is
// `TEST JPKI`, so that nobody takes them for the real ones.
namespace onshi::pki {

inline constexpr int test_ca_generations = 3;

// What a signature certificate says about its holder (jpki-card §6.3).
struct SignatureSubject {
    std::string name;     // UTF-8
    char sex;             // '1', '2', '3'
    std::string birth;    // era digit + YYYYMMDD
    std::string address;  // UTF-8
};

struct CardCertificateOrder {
    // 0x01000000 … 0x7FFFFFFF, so that it is a positive INTEGER of four bytes.
    std::uint32_t serial;
    std::string subject_name;  // the CN: 23 upper-case letters and digits
    Instant not_before;        // whole seconds
    Instant not_after;
    std::string prefecture;    // names the list's distribution point, e.g. `Tokyo`
    std::string municipality;  // e.g. `Chiyoda-ku`
    // Signature certificates only.
    std::optional<SignatureSubject> holder;
};

// 14:59:59Z (23:59:59 in Japan) of the fifth birthday after the day of issue (jpki-card §6.2).
[[nodiscard]] Instant card_certificate_not_after(Date issued_on, Date birth);

// One line for `openssl ocsp -index` and `openssl ca`.
struct IssuedCertificate {
    Certificate certificate;
    std::optional<RevokedEntry> revoked;
};

// One CA: key and self-signed certificate. Owns both; movable. Thread-safe: issuing changes nothing.
class TestCa {
  public:
    enum class Kind : std::uint8_t { authentication, signature };

    [[nodiscard]] Kind kind() const;
    [[nodiscard]] const Certificate& certificate() const;
    [[nodiscard]] CaId id() const;
    [[nodiscard]] const RsaPrivateKey& key() const;

    // A certificate of this CA's kind with the whole profile, DER. Fast: one RSA signature and little else.
    // `certificate.malformed` for an order outside the ranges above.
    [[nodiscard]] Result<std::string> issue(const CardCertificateOrder& order, const CardPublicKey& key) const;
    // A responder's certificate: EKU OCSPSigning and id-pkix-ocsp-nocheck. DER.
    [[nodiscard]] std::string issue_ocsp_responder(const CardPublicKey& key, Instant not_before,
                                                   Instant not_after) const;
    // A complete list, DER.
    [[nodiscard]] std::string make_crl(std::span<const RevokedEntry> entries, std::uint64_t number, Instant this_update,
                                       Instant next_update) const;

    TestCa(TestCa&&) noexcept;
    TestCa& operator=(TestCa&&) noexcept;
    ~TestCa();

    struct State;
    explicit TestCa(std::unique_ptr<State> state);

  private:
    std::unique_ptr<State> state_;
};

// RSA-2048 keys made once per installation; cards of the synthetic nation share them (design §9.16). Owns the keys;
// movable. Thread-safe to read.
class KeyPool {
  public:
    // Loads `size` (1…key_pool_size_max) keys from the folder, making those that are missing (0600; about 60 ms each).
    [[nodiscard]] static Result<KeyPool> open(const std::filesystem::path& folder, std::size_t size);
    [[nodiscard]] static Result<KeyPool> generate(std::size_t size);
    // Several private keys in one PEM text, one after the other.
    [[nodiscard]] static Result<KeyPool> from_pem(std::string_view pem);
    [[nodiscard]] std::size_t size() const { return keys_.size(); }
    // `index` modulo the size.
    [[nodiscard]] const RsaPrivateKey& key(std::uint64_t index) const { return keys_[index % keys_.size()]; }
    // The same, made once: reading it out of the private key is slower.
    [[nodiscard]] const CardPublicKey& public_key(std::uint64_t index) const {
        return public_keys_[index % keys_.size()];
    }

  private:
    void push(RsaPrivateKey key);
    std::vector<RsaPrivateKey> keys_;
    std::vector<CardPublicKey> public_keys_;
};

// Three generations of authentication roots with one name and distinct keys, and three of signature roots. Seen from
// the moment of creation they are valid from 9, 5 and 2 years before to 1, 5 and 8 years after, as the real ones
// overlap. Owns the CAs; movable. Thread-safe: issuing changes nothing.
class TestJpki {
  public:
    // Makes six RSA keys: about a second.
    [[nodiscard]] static TestJpki create(Instant at);
    // With the first six keys of a pool of at least six, in a few milliseconds: for tests. Give cards the later ones.
    [[nodiscard]] static TestJpki create(Instant at, const KeyPool& keys);
    [[nodiscard]] static Result<TestJpki> load(const std::filesystem::path& folder);
    // New files auth_ca_1.crt, auth_ca_1.key (0600), … sign_ca_3.key, and auth_roots.pem, sign_roots.pem.
    [[nodiscard]] Result<void> save(const std::filesystem::path& folder) const;

    // Generation 1…3.
    [[nodiscard]] const TestCa& auth_ca(int generation) const;
    [[nodiscard]] const TestCa& sign_ca(int generation) const;
    // Which generation issued at this moment: each took over a year after its root began, the last before that is 1.
    [[nodiscard]] int generation_at(Instant issued_at) const;
    [[nodiscard]] TrustStore auth_store() const;
    [[nodiscard]] TrustStore sign_store() const;

  private:
    TestJpki() = default;
    std::vector<TestCa> auth_;
    std::vector<TestCa> sign_;
};

// The text of an index file for `openssl ocsp -index` and `openssl ca -gencrl`, ordered as given.
[[nodiscard]] std::string openssl_index(std::span<const IssuedCertificate> issued);

// Makes the folder (0700) with a fresh TestJpki. `secret.exists` when there is one.
[[nodiscard]] Result<TestJpki> write_test_jpki(const std::filesystem::path& folder, Instant at);

}  // namespace onshi::pki
