#pragma once

// For tests: the parts that cards are made with, from fixed keys, so that no test waits for key generation.
#include <fmt/format.h>

#include "base/ensure.h"
#include "installation/card_parts.h"
#include "platform/pki/test_fixtures.h"

namespace onshi::installation {

// Fills the installation's folders with fixture keys, as make_card_parts does with new ones.
inline Result<CardParts> make_fixture_card_parts(const Layout& layout, std::uint32_t card_keys, Instant now,
                                                 const Progress&) {
    for (const auto& folder : {layout.jpki(), layout.card_issuer(), layout.card_keys()}) {
        std::filesystem::create_directories(folder);
    }
    const pki::KeyPool& keys = pki::fixture_keys();
    auto saved = pki::TestJpki::create(now, keys).save(layout.jpki());
    if (saved) saved = keys.key(6).save(layout.card_issuer() / "card_surface_ca.key");
    if (saved) saved = keys.key(7).save(layout.card_issuer() / "card_surface_signer.key");
    if (saved) saved = keys.key(8).save(layout.card_issuer() / "card_terminal_ca.key");
    for (std::uint32_t i = 0; i < card_keys && saved; ++i) {
        saved = keys.key(9 + i).save(layout.card_keys() / fmt::format("card_key_{:04}.pem", i));
    }
    if (!saved) return fail(std::move(saved));
    return load_card_parts(layout, card_keys);
}

inline const CardParts& fixture_card_parts() {
    static const CardParts parts = [] {
        const pki::TemporaryFolder folder;
        auto made = make_fixture_card_parts({folder.path()}, 7, pki::fixture_now, {});
        ENSURE(made.has_value());
        return *std::move(made);
    }();
    return parts;
}

}  // namespace onshi::installation
