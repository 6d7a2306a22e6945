#pragma once

#include "base/result.h"
#include "platform/pki/private_key.h"
#include "platform/smartcard/card_channel.h"

namespace onshi::smartcard {

// How the user-authentication key is opened without its PIN, for face and visual mode (特定機関認証, jpki-card §5.3).
// The real way is not public; who has it implements this interface. Implementations are used by one thread at a time.
class PinlessUse {
  public:
    PinlessUse() = default;
    PinlessUse(const PinlessUse&) = delete;
    PinlessUse& operator=(const PinlessUse&) = delete;
    virtual ~PinlessUse() = default;
    // The JPKI AP was just selected. Afterwards the key may be used until the next SELECT of an application.
    // `card.pinless_refused` when the card does not accept this terminal.
    [[nodiscard]] virtual Result<void> open(CardTransaction& card) = 0;
};

// OUR OWN STAND-IN for 特定機関認証: terminal certificate (SET PUBLIC IC KEY), challenge, signature (EXTERNAL
// AUTHENTICATE), as the virtual card of this folder checks them. No real card answers to it. Owns certificate and key.
class StandInTerminalAuthentication final : public PinlessUse {
  public:
    // `certificate` as issued by `issue_cv_certificate(…, CvPurpose::terminal)`, RSA-2048.
    StandInTerminalAuthentication(ByteVector certificate, pki::RsaPrivateKey key)
        : certificate_(std::move(certificate)), key_(std::move(key)) {}
    [[nodiscard]] Result<void> open(CardTransaction& card) override;

  private:
    ByteVector certificate_;
    pki::RsaPrivateKey key_;
};

// A phone whose holder was recognised by the phone itself before the touch (jpki-card §8): nothing is left to do here.
class OpenedByHolder final : public PinlessUse {
  public:
    [[nodiscard]] Result<void> open(CardTransaction&) override { return {}; }
};

}  // namespace onshi::smartcard
