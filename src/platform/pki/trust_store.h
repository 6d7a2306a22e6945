#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "platform/pki/certificate.h"
#include "platform/pki/public_key.h"

namespace onshi::pki {

// One store per purpose, never two in one (design §9.8): a signature certificate must fail for lack of a chain even
// where a check of its kind is forgotten.
enum class TrustPurpose : std::uint8_t { card_authentication, card_signature, organisation, server };

struct TrustRoot {
    CaId id;
    Certificate certificate;
};

// The pinned roots of one purpose. Owns OpenSSL's store; movable. Thread-safe once made: verifying changes nothing.
class TrustStore {
  public:
    // 1…trust_roots_max self-signed CA certificates that carry a subjectKeyIdentifier, by which roots of one name are
    // told apart. `certificate.malformed`; `certificate.kind`: not a CA; `certificate.key`: weaker than RSA-2048 or
    // P-256; `certificate.untrusted`: not self-signed, no or a repeated identifier, too many.
    [[nodiscard]] static Result<TrustStore> create(TrustPurpose purpose, std::span<const Certificate> roots);
    [[nodiscard]] static Result<TrustStore> from_pem(TrustPurpose purpose, std::string_view pem);

    [[nodiscard]] TrustPurpose purpose() const;
    [[nodiscard]] std::span<const TrustRoot> roots() const;
    // nullptr when no root has this key.
    [[nodiscard]] const TrustRoot* find(const CaId& id) const;
    // Whether a root says of itself that it is for tests (O begins with TEST): refused by the production profile
    // (§9.15).
    [[nodiscard]] bool contains_test_ca() const;

    TrustStore(TrustStore&&) noexcept;
    TrustStore& operator=(TrustStore&&) noexcept;
    ~TrustStore();

    // For the other files of this folder, which see OpenSSL.
    struct State;
    [[nodiscard]] const State& state() const { return *state_; }

  private:
    explicit TrustStore(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Whether no key stands in both. To be asserted at start for every pair of stores.
[[nodiscard]] bool are_disjoint(const TrustStore& a, const TrustStore& b);

// User-authentication certificates, jpki-card §6.4. What else is accepted is a setting.
inline constexpr std::string_view policy_card_authentication = "1.2.392.200149.8.5.1.3.30";
inline constexpr std::string_view policy_card_signature = "1.2.392.200149.8.5.1.1.20";

// A card works for three more months after its certificate ended, a phone does not (jpki-card §7.2).
enum class ExpiryGrace : std::uint8_t { none, three_months };

struct AcceptedPolicy {
    std::string oid;
    ExpiryGrace grace;
};

struct VerifiedCardCertificate {
    Certificate certificate;
    CardPublicKey key;
    CaId ca;
    // What its policy grants after the end.
    ExpiryGrace grace;
    // Expired, but not longer than to the end of the third month after the month of expiry (domain-rules §6.9):
    // eligibility yes, health data no.
    bool in_grace;
};

// Steps 2 to 4 of jpki-card §7 in that order; the first that fails decides, and its number stands in the error's
// detail:
//   2  `certificate.malformed`
//   3  `certificate.kind` (keyUsage, CA) → `certificate.policy` → `certificate.kind` (no clientAuth) →
//   `certificate.key` 4  `certificate.untrusted` → `certificate.not_yet_valid` → `certificate.expired` (also of the
//   grace)
// The chain is judged at `at`, or at the end of a certificate that is expired, so that a foreign one is untrusted
// first. A certificate without authorityKeyIdentifier is untrusted: OpenSSL would try the first root of that name only.
// `store` must be of card_authentication. Thread-safe; about 0.4 ms.
[[nodiscard]] Result<VerifiedCardCertificate> verify_card_certificate(Bytes der, const TrustStore& store,
                                                                      std::span<const AcceptedPolicy> policies,
                                                                      Instant at);

// The last moment (exclusive) at which a certificate with this notAfter still proves coverage.
[[nodiscard]] Instant grace_end(Instant not_after);

// A terminal's or organisation's certificate: parse → clientAuth, not a CA → P-256 → chain → dates, with the codes
// above. `store` must be of organisation.
[[nodiscard]] Result<Certificate> verify_organisation_certificate(Bytes der, const TrustStore& store, Instant at);

}  // namespace onshi::pki
