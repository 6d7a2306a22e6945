#pragma once

#include <memory>

#include "base/random.h"
#include "base/result.h"
#include "platform/smartcard/card_channel.h"
#include "platform/smartcard/card_image.h"
#include "platform/smartcard/card_state.h"

namespace onshi::smartcard {

// A My Number Card, or a phone that stands for one, in software: the files, commands, status words and locks of
// jpki-card §1–§5. Where the real card's behaviour is not public it is our own, and said so: PIN-less use (§5.3), the
// P-384 key (§6.5), what signs the text AP's record, the values of GET DATA.
//
// A try is counted and durable before the card compares, as on a real card, so that killing the program never gives one
// back. Owns image, keys and store. Not thread-safe: one reader at a time.
class VirtualCard {
  public:
    // `card.image_malformed`, and what the store's `load` and first `save` give. `random` outlives the card.
    [[nodiscard]] static Result<VirtualCard> open(CardImage image, std::unique_ptr<CardStateStore> store,
                                                  Random& random);

    // Any bytes in, an answer with status word out.
    [[nodiscard]] ByteVector transmit(Bytes command);
    // Power on, power off or reset: forgets selection, verified PINs, challenge and terminal.
    void reset();
    // Answer to reset: contactless, as pcsc-tools lists it for the card (§1). The same for phones.
    [[nodiscard]] static Bytes atr() noexcept;
    [[nodiscard]] unsigned tries_left(CredentialId id) const;

    VirtualCard(VirtualCard&&) noexcept;
    VirtualCard& operator=(VirtualCard&&) noexcept;
    ~VirtualCard();

  private:
    class Chip;
    explicit VirtualCard(std::unique_ptr<Chip> chip);
    std::unique_ptr<Chip> chip_;
};

// A virtual card without a reader in between: for fast tests. Borrows the card, which may be taken out. Not
// thread-safe.
class VirtualCardChannel final : public CardChannel {
  public:
    explicit VirtualCardChannel(VirtualCard& card) : card_(card) {}
    [[nodiscard]] Result<void> begin_transaction() override;
    void end_transaction() noexcept override { card_.reset(); }
    [[nodiscard]] Result<ByteVector> exchange(Bytes command) override;
    // The card leaves after this many more commands; every later one fails with `card.removed`.
    void remove_after(std::size_t commands) { commands_left_ = commands; }

  private:
    VirtualCard& card_;
    std::optional<std::size_t> commands_left_;
};

}  // namespace onshi::smartcard
