#include "installation/card_parts.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "installation/installation_files.h"

namespace onshi::installation {

namespace {

constexpr std::uint32_t keys_per_step = 4;

// In steps, so that who waits sees that it goes on; a step reads the keys of those before it.
Result<pki::KeyPool> make_keys(const Layout& layout, std::uint32_t count, const Progress& progress) {
    for (std::uint32_t made = keys_per_step; made < count; made += keys_per_step) {
        auto some = pki::KeyPool::open(layout.card_keys(), made);
        if (!some) return some;
        if (progress) progress("card keys", made, count);
    }
    return pki::KeyPool::open(layout.card_keys(), count);
}

}  // namespace

Result<CardParts> make_card_parts(const Layout& layout, std::uint32_t card_keys, Instant now,
                                  const Progress& progress) {
    if (progress) progress("card authorities", 0, 1);
    auto jpki = pki::write_test_jpki(layout.jpki(), now);
    if (!jpki) return fail(std::move(jpki));
    auto issuer = smartcard::TestCardIssuer::generate();
    if (!issuer) return fail(std::move(issuer));
    auto done = make_folder(layout.card_issuer());
    if (done) done = issuer->save(layout.card_issuer());
    if (done) done = make_folder(layout.card_keys());
    if (!done) return fail(std::move(done));
    if (progress) progress("card keys", 0, card_keys);
    auto keys = make_keys(layout, card_keys, progress);
    if (!keys) return fail(std::move(keys));
    return CardParts{std::move(*jpki), std::move(*keys), std::move(*issuer)};
}

Result<CardParts> load_card_parts(const Layout& layout, std::uint32_t card_keys) {
    auto jpki = pki::TestJpki::load(layout.jpki());
    if (!jpki) return fail(std::move(jpki));
    auto issuer = smartcard::TestCardIssuer::load(layout.card_issuer());
    if (!issuer) return fail(std::move(issuer));
    // KeyPool makes what is missing; an installation that lacks a key must not silently get another one.
    std::error_code error;
    const auto files = std::distance(std::filesystem::directory_iterator(layout.card_keys(), error), {});
    if (error || static_cast<std::uint64_t>(files) < card_keys) {
        return fail(ErrorCode::secret_missing, layout.card_keys().string() + " lacks a key");
    }
    auto keys = pki::KeyPool::open(layout.card_keys(), card_keys);
    if (!keys) return fail(std::move(keys));
    return CardParts{std::move(*jpki), std::move(*keys), std::move(*issuer)};
}

}  // namespace onshi::installation
