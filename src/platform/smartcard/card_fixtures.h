#pragma once

// For tests of any folder that depends on this one: cards with fixed keys, ready to be read.
#include <memory>
#include <string>
#include <string_view>

#include "base/ensure.h"
#include "platform/pki/test_fixtures.h"
#include "platform/smartcard/card_image.h"
#include "platform/smartcard/my_number_card.h"
#include "platform/smartcard/test_card_issuer.h"
#include "platform/smartcard/virtual_card.h"

namespace onshi::smartcard {

inline const TestCardIssuer& fixture_issuer() {
    static const TestCardIssuer issuer = [] {
        const auto copy = [](std::uint64_t index) {
            auto key = pki::RsaPrivateKey::from_pem(as_text(pki::fixture_keys().key(index).to_pem().bytes()));
            ENSURE(key.has_value());
            return *std::move(key);
        };
        return TestCardIssuer(copy(6), copy(7), copy(8));
    }();
    return issuer;
}

// Number B of the sample card, and its other numbers.
inline constexpr std::string_view fixture_number_b = "60041220340000";
inline constexpr std::string_view fixture_number_a = "999999990000";
inline constexpr std::string_view fixture_birth_code = "600412";

inline CardOrder fixture_order(CardPins pins = CardPins::set, TokenKind token = TokenKind::my_number_card) {
    CardOrder order = sample_card_order(0);
    order.pins = pins;
    order.token = token;
    order.key_index = 9;
    return order;
}

inline CardImage fixture_image(const CardOrder& order = fixture_order()) {
    SystemRandom random;
    auto image = fixture_issuer().issue(order, pki::fixture_jpki(), pki::fixture_keys(), random);
    ENSURE(image.has_value());
    return *std::move(image);
}

// A card in a channel without a reader. Owns both.
class FixtureCard {
  public:
    explicit FixtureCard(CardImage image, std::unique_ptr<CardStateStore> store = std::make_unique<VolatileCardState>())
        : card_(*VirtualCard::open(std::move(image), std::move(store), random_)), channel_(card_) {}
    explicit FixtureCard(const CardOrder& order = fixture_order()) : FixtureCard(fixture_image(order)) {}
    [[nodiscard]] VirtualCard& card() { return card_; }
    [[nodiscard]] VirtualCardChannel& channel() { return channel_; }

    // A command in hexadecimal, spaces allowed; the answer with its status in lower-case hexadecimal.
    std::string run(std::string_view hex) {
        std::string packed;
        for (const char c : hex) {
            if (c != ' ') packed.push_back(c);
        }
        const auto command = from_hex(packed);
        ENSURE(command.has_value());
        return to_hex(card_.transmit(as_bytes(*command)));
    }

  private:
    SystemRandom random_;
    VirtualCard card_;
    VirtualCardChannel channel_;
};

[[nodiscard]] inline SecretBytes secret(std::string_view text) {
    return SecretBytes(as_bytes(text));
}
[[nodiscard]] inline Deadline soon() {
    return Deadline::in(std::chrono::seconds(30));
}

}  // namespace onshi::smartcard
