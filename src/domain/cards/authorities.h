#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/identifiers.h"
#include "base/result.h"
#include "base/sha256.h"
#include "domain/cards/model.h"
#include "platform/pki/certificate.h"
#include "platform/pki/keys.h"
#include "platform/pki/trust_store.h"

namespace onshi::cards {

// Our number for a CA's public key: the first 31 bits of its identifier. Three roots share one name, never a key.
[[nodiscard]] std::int32_t ca_number(const pki::CaId& id);

// The authentication CAs that this hub trusts, and what their cards are verified with. Owns the trust store.
// Thread-safe once made.
class Authorities {
  public:
    // `trust_epoch` rises when a CA is removed, so that keys stored under it are no longer believed.
    // Fails with certificate.untrusted when two CAs would have one number.
    [[nodiscard]] static Result<Authorities> create(pki::TrustStore store, std::vector<pki::AcceptedPolicy> policies,
                                                    std::int64_t trust_epoch);
    // The number of the CA whose subjectKeyIdentifier a card's authorityKeyIdentifier names.
    [[nodiscard]] std::optional<std::int32_t> find(std::string_view authority_key_id) const;
    [[nodiscard]] bool knows(std::int32_t ca_id) const { return key_of(ca_id) != nullptr; }
    [[nodiscard]] std::int64_t trust_epoch() const { return trust_epoch_; }
    // Verifies a certificate that a terminal sent (jpki-card §7 steps 2-4) and that it is the one it claims to be.
    [[nodiscard]] Result<pki::VerifiedCardCertificate> verify(Bytes der, const CardKey& claimed, Instant at) const;
    [[nodiscard]] bool contains_test_ca() const { return store_.contains_test_ca(); }
    // What lists and answers about certificates are verified with.
    [[nodiscard]] const pki::TrustStore& store() const { return store_; }
    // Our numbers of all of them.
    [[nodiscard]] std::vector<std::int32_t> ca_ids() const;
    // nullptr for a number of none of them.
    [[nodiscard]] const pki::CaId* key_of(std::int32_t ca_id) const;

  private:
    struct Authority {
        std::int32_t ca_id;
        std::string key_id;
    };
    Authorities(pki::TrustStore store, std::vector<pki::AcceptedPolicy> policies, std::int64_t trust_epoch)
        : store_(std::move(store)), policies_(std::move(policies)), trust_epoch_(trust_epoch) {}
    pki::TrustStore store_;
    std::vector<pki::AcceptedPolicy> policies_;
    std::int64_t trust_epoch_;
    std::vector<Authority> authorities_;
};

// Proves that a hub stored this key for this card and person: who can write the database still cannot forge a card.
[[nodiscard]] Sha256 card_tag(const pki::HmacKey& row_key, const Card& card, std::int64_t trust_epoch);
// Whether the card has a stored key that a hub of ours has put there under the present set of CAs.
[[nodiscard]] bool has_trusted_key(const pki::HmacKey& row_key, const Card& card, std::int64_t trust_epoch);

}  // namespace onshi::cards
