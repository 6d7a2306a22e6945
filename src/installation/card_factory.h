#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/identifiers.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "platform/pki/private_key.h"
#include "platform/pki/test_ca.h"
#include "platform/smartcard/card_image.h"
#include "platform/smartcard/test_card_issuer.h"
#include "synth/nation.h"

namespace onshi::installation {

// The card of a synthetic person as a terminal meets it.
struct TestCard {
    CardKey key;
    std::string authority_key_id;  // raw bytes, as a check names the CA
    std::string certificate_der;
    Instant not_after;
    const pki::RsaPrivateKey* private_key;  // of the pool, which outlives it
};

// Makes the cards of the synthetic nation on demand: certificate and keys follow from the person's index, so none is
// stored (design §9.16). The CA is the generation that issued on the certificate's day of issue. Borrows nation,
// authorities and pool. Thread-safe: making a card changes nothing.
class CardFactory {
  public:
    CardFactory(const synth::Nation& nation, const pki::TestJpki& jpki, const pki::KeyPool& keys);

    // Without any signature: fast enough for every row of a load.
    [[nodiscard]] CardKey key_of(const synth::SyntheticCertificate& certificate) const;
    // `index` as SyntheticCard::key.
    [[nodiscard]] const pki::CardPublicKey& pool_key(std::uint8_t index) const { return keys_.public_key(index); }
    // 23:59:59 in Japan of the last valid day.
    [[nodiscard]] static Instant not_after(const synth::SyntheticCertificate& certificate);
    // Our numbers of the three authentication CAs.
    [[nodiscard]] const std::array<std::int32_t, pki::test_ca_generations>& ca_ids() const { return ca_ids_; }

    // One RSA signature (about 0.3 ms). synth.no_card: the index is out of range, or the person holds none.
    [[nodiscard]] Result<TestCard> make(std::uint64_t person) const;
    [[nodiscard]] Result<TestCard> make(const synth::SyntheticPerson& person) const;
    // Everything a virtual card needs, with PIN 1234 in clear text where the person set one; children's cards have no
    // signature certificate. synth.no_card, card.image_malformed.
    [[nodiscard]] Result<smartcard::CardImage> make_image(const synth::SyntheticPerson& person,
                                                          const smartcard::TestCardIssuer& issuer,
                                                          Random& random) const;

    [[nodiscard]] const synth::Nation& nation() const { return nation_; }

  private:
    [[nodiscard]] const pki::TestCa& ca_of(const synth::SyntheticCertificate& certificate) const;
    [[nodiscard]] smartcard::CardOrder order_of(const synth::SyntheticPerson& person) const;
    const synth::Nation& nation_;
    const pki::TestJpki& jpki_;
    const pki::KeyPool& keys_;
    std::array<std::int32_t, pki::test_ca_generations> ca_ids_{};
};

}  // namespace onshi::installation
