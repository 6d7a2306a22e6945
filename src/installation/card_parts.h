#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/time.h"
#include "installation/layout.h"
#include "installation/nation_loader.h"
#include "platform/pki/test_ca.h"
#include "platform/smartcard/test_card_issuer.h"

namespace onshi::installation {

// What the cards of an installation are made with: give `jpki` and `keys` to a CardFactory. Owns the keys; movable.
struct CardParts {
    pki::TestJpki jpki;
    pki::KeyPool keys;
    smartcard::TestCardIssuer issuer;
};

// Makes new ones in the installation's folders. An RSA key takes 60 to 300 ms, and there are nine and `card_keys` of
// them. Errors: secret.*, installation.folder.
[[nodiscard]] Result<CardParts> make_card_parts(const Layout& layout, std::uint32_t card_keys, Instant now,
                                                const Progress& progress);
// Those of a finished installation; `card_keys` as its description says. Errors: secret.*, key.malformed.
[[nodiscard]] Result<CardParts> load_card_parts(const Layout& layout, std::uint32_t card_keys);

}  // namespace onshi::installation
