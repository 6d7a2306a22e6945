#pragma once

#include <optional>
#include <span>
#include <variant>

#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/time.h"
#include "platform/pki/public_key.h"
#include "platform/smartcard/card_channel.h"
#include "platform/smartcard/card_layout.h"
#include "platform/smartcard/card_records.h"
#include "platform/smartcard/pinless_use.h"

namespace onshi::smartcard {

// What can be done with the auth PIN (利用者証明用暗証番号) just now.
enum class PinState : std::uint8_t {
    usable,
    last_try,  // warn the holder before asking (jpki-card §5.2)
    locked,
    missing  // both PINs blocked and no signature certificate: taken for a face-authentication card (§5.4, inferred)
};

// What a card tells about itself without any credential. A value.
struct CardOverview {
    TokenKind token;
    PinState pin;
    unsigned pin_tries_left;
    bool has_signature_certificate;
};

// Whether a VERIFY may be sent while a wrong one would lock the credential. There is no default: the caller has asked,
// or not.
enum class LastTry : std::uint8_t { keep, spend };

// A signature of the auth key over the caller's message, and what the verifier needs besides. A value.
struct CardSignature {
    ByteVector certificate;  // user-authentication certificate, DER, without filler
    pki::SignatureAlgorithm algorithm;
    ByteVector signature;
};

struct CredentialWrong {
    unsigned tries_left;  // at least 1
};
struct CredentialLocked {};  // now, or already before
struct LastTryKept {};       // one try is left and the caller did not allow spending it: nothing was sent
struct PinMissing {};        // see PinState::missing

// Ordinary ends of asking for a PIN or number B; failures of card and reader are the Result around them.
using PinCheck = std::variant<CardSignature, CredentialWrong, CredentialLocked, LastTryKept, PinMissing>;
using TextReading = std::variant<TextRecord, CredentialWrong, CredentialLocked, LastTryKept>;
using SurfaceReading = std::variant<SurfaceRecord, CredentialWrong, CredentialLocked, LastTryKept>;

// The catalogue's code for an end that is not the wanted one: card.pin_wrong, card.pin_locked, card.pin_last_try,
// card.pin_missing; nullopt when it is. The sentence's `{tries_left}` is `CredentialWrong::tries_left`.
[[nodiscard]] std::optional<ErrorCode> error_code_of(const PinCheck& check);
// card.number_b_wrong, card.number_b_locked (also for a try that was kept).
[[nodiscard]] std::optional<ErrorCode> error_code_of(const SurfaceReading& reading);

// Which credential opens the text AP: its own PIN (券面事項入力補助用暗証番号) or number B. Number A is never sent by
// us.
enum class TextCredential : std::uint8_t { pin, number_b };

// What is to be signed, and the certificate when the caller has read it before (saves the slowest part of a check on a
// real reader; a card swapped meanwhile gives a signature that does not verify). The message and certificate outlive
// the call.
struct SignRequest {
    Bytes message;  // hashed with SHA-256 or SHA-384, as the certificate's key asks (jpki-card §6.5)
    std::optional<Bytes> known_certificate;
};

// What a medical counter asks of a My Number Card or of a phone that stands for one. Every method is one transaction of
// its own, which ends with a reset of the card, so that no verified PIN stays. It never reads the Individual Number and
// never sends number A. Borrows the channel. Not thread-safe. Blocks; run it on a thread that may wait.
//
// Errors of every method: card.removed, card.reset (another program, more than twice), card.unreadable, card.refused,
// card.busy, card.other (no My Number Card), card.old_resident, reader.unavailable, deadline.passed.
class MyNumberCard {
  public:
    explicit MyNumberCard(CardChannel& channel) : channel_(channel) {}

    [[nodiscard]] Result<CardOverview> recognise(Deadline deadline);

    // DER. Not on an Android phone, whose certificate needs the PIN (`card.refused`, §2.1). `card.certificate_missing`.
    [[nodiscard]] Result<ByteVector> read_auth_certificate(Deadline deadline);
    // A hint only: it proves nothing by itself (§7).
    [[nodiscard]] Result<ByteVector> read_auth_ca_certificate(Deadline deadline);

    // §5.2: tries left, VERIFY, signature. `pin` is sent once at most; a PIN that is not four digits is refused before
    // (`card.pin_format`).
    [[nodiscard]] Result<PinCheck> check_pin(const SecretBytes& pin, const SignRequest& request, LastTry last_try,
                                             Deadline deadline);
    // §5.3: signature without PIN. `card.pinless_refused`.
    [[nodiscard]] Result<CardSignature> check_pinless(PinlessUse& use, const SignRequest& request, Deadline deadline);

    // The four data of the text AP. `card.pin_format` for a credential of the wrong form.
    [[nodiscard]] Result<TextReading> read_text(TextCredential kind, const SecretBytes& credential,
                                                std::span<const CvRoot> roots, LastTry last_try, Deadline deadline);
    // Photo, birth, sex and expiry of the surface AP with number B; checks the issuer's signature and, by a random
    // challenge, that the card itself is present. `card.not_authentic`.
    [[nodiscard]] Result<SurfaceReading> read_surface(const SecretBytes& number_b, std::span<const CvRoot> roots,
                                                      Random& random, LastTry last_try, Deadline deadline);

  private:
    CardChannel& channel_;
};

}  // namespace onshi::smartcard
