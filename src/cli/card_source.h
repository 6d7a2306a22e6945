#pragma once

#include <memory>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "cli/console.h"
#include "cli/options.h"
#include "cli/session.h"
#include "platform/smartcard/card_channel.h"
#include "platform/smartcard/my_number_card.h"
#include "platform/smartcard/virtual_card.h"

namespace onshi::cli {

// How long a person may take to put the card on the reader, and one conversation with a card.
inline constexpr std::chrono::milliseconds card_wait{30'000};
inline constexpr std::chrono::milliseconds card_deadline{20'000};

// Which card a command works with: one on a reader, or an image in this process.
struct CardChoice {
    bool reader_card = false;  // --card
    std::string image;         // --card-image FILE
    std::string pin_file;      // --pin-file FILE

    void declare_source(Options& options);
    void declare_pin(Options& options);
};

// The chosen card, ready to talk to. Owns reader connection or virtual card. One thread.
class OpenCard {
  public:
    // Waits for the card on the reader. A virtual card says on err that it is one. command.usage when none was chosen;
    // reader.*, card.*, secret.*.
    [[nodiscard]] static Result<std::unique_ptr<OpenCard>> open(const CardChoice& choice, Session& session);
    virtual ~OpenCard() = default;
    OpenCard(const OpenCard&) = delete;
    OpenCard& operator=(const OpenCard&) = delete;
    [[nodiscard]] virtual smartcard::CardChannel& channel() = 0;

  protected:
    OpenCard() = default;
};

// A PIN or the like from a file of mode 0600, without the line's end.
[[nodiscard]] Result<SecretBytes> read_pin_file(const std::string& file);
// The four data of the card's text AP. card.*, with the tries left remembered for the sentence.
[[nodiscard]] Result<smartcard::TextRecord> read_card_text(smartcard::MyNumberCard& card,
                                                           smartcard::TextCredential kind,
                                                           const SecretBytes& credential, Console& console);
// From --pin-file, or typed without echo.
[[nodiscard]] Result<SecretBytes> read_pin(const CardChoice& choice, Console& console);

}  // namespace onshi::cli
