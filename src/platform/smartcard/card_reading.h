#pragma once

// Inside this folder only: the single turns that the client is made of.
#include <optional>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "platform/smartcard/card_channel.h"
#include "platform/smartcard/card_layout.h"

namespace onshi::smartcard {

// `card.refused` with instruction and status word, for a status nobody expects here.
[[nodiscard]] tl::unexpected<Error> refused(const char* step, StatusWord status);

// Drops all security status, also when the application is the current one. False when the card has no such application.
[[nodiscard]] Result<bool> select_application(CardTransaction& card, Application application);
// False when there is no such file. Must not name a file with the Individual Number.
[[nodiscard]] Result<bool> select_file(CardTransaction& card, Application current, FileId file);

// The first `size` bytes (1…256) of the current file; fewer when it is shorter.
[[nodiscard]] Result<ByteVector> read_start(CardTransaction& card, std::uint32_t size);
// The DER certificate at the beginning of the current file. `card.unreadable` when the file holds no DER of a sensible
// size.
[[nodiscard]] Result<ByteVector> read_certificate_file(CardTransaction& card);
// The BER-TLV object at the beginning of the current file.
[[nodiscard]] Result<ByteVector> read_tlv_file(CardTransaction& card);

// Of the current PIN file; 0 means locked.
[[nodiscard]] Result<unsigned> read_tries_left(CardTransaction& card);

// The card's answer to a VERIFY of the current PIN file.
struct VerifyAnswer {
    bool right;
    unsigned tries_left;  // 0 when it was or is now locked; of no meaning when right
};
[[nodiscard]] Result<VerifyAnswer> verify_credential(CardTransaction& card, const SecretBytes& credential);

[[nodiscard]] Result<ByteVector> get_challenge(CardTransaction& card, std::uint32_t size);

}  // namespace onshi::smartcard
