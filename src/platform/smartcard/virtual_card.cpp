#include "platform/smartcard/virtual_card.h"

#include "platform/smartcard/virtual_chip.h"

namespace onshi::smartcard {

namespace {

constexpr std::array<std::uint8_t, 13> contactless_atr{0x3B, 0x88, 0x80, 0x01, 0x00, 0x00, 0x05,
                                                       0xE0, 0xB3, 0x81, 0xA1, 0x00, 0x7F};

}  // namespace

VirtualCard::VirtualCard(std::unique_ptr<Chip> chip) : chip_(std::move(chip)) {}
VirtualCard::VirtualCard(VirtualCard&&) noexcept = default;
VirtualCard& VirtualCard::operator=(VirtualCard&&) noexcept = default;
VirtualCard::~VirtualCard() = default;

Result<VirtualCard> VirtualCard::open(CardImage image, std::unique_ptr<CardStateStore> store, Random& random) {
    auto checked = check_card_image(image);
    if (!checked) return fail(std::move(checked));
    auto keys = make_card_keys(image);
    if (!keys) return fail(std::move(keys));
    auto applications = make_applications(image, *keys);
    if (!applications) return fail(std::move(applications));
    auto loaded = store->load(image);
    if (!loaded) return fail(std::move(loaded));
    CardState state = *loaded ? std::move(**loaded) : CardState::fresh(image);
    // Written even when fresh: a folder that cannot be written must show now and not at the first wrong PIN.
    auto saved = store->save(image, state);
    if (!saved) return fail(std::move(saved));
    return VirtualCard(std::make_unique<Chip>(std::move(image), std::move(store), std::move(state), std::move(*keys),
                                              std::move(*applications), random));
}

ByteVector VirtualCard::transmit(Bytes command) {
    const auto parsed = CommandApdu::parse(command);
    if (!parsed) return ResponseApdu{{}, sw::wrong_length}.encode();
    return chip_->run(*parsed).encode();
}

void VirtualCard::reset() {
    chip_->reset();
}
Bytes VirtualCard::atr() noexcept {
    return contactless_atr;
}
unsigned VirtualCard::tries_left(CredentialId id) const {
    return chip_->tries_left(id);
}

Result<void> VirtualCardChannel::begin_transaction() {
    if (commands_left_ == 0U) return fail(ErrorCode::card_removed, "virtual card taken out");
    return {};
}

Result<ByteVector> VirtualCardChannel::exchange(Bytes command) {
    if (commands_left_ == 0U) return fail(ErrorCode::card_removed, "virtual card taken out");
    if (commands_left_) --*commands_left_;
    return card_.transmit(command);
}

}  // namespace onshi::smartcard
