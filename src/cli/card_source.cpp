#include "cli/card_source.h"

#include <optional>

#include <fmt/format.h>

#include "base/bytes.h"
#include "platform/pki/secret_file.h"
#include "platform/smartcard/card_image.h"
#include "platform/smartcard/card_state.h"
#include "platform/smartcard/pcsc_reader.h"

namespace onshi::cli {

namespace {

constexpr std::size_t pin_file_bytes_max = 64;

// A card on a reader of pcscd.
class ReaderCard final : public OpenCard {
  public:
    static Result<std::unique_ptr<OpenCard>> open(const std::string& reader, Console& console) {
        auto readers = smartcard::PcscReaders::open();
        if (!readers) return fail(std::move(readers));
        // Only when nothing lies there already: a script's desk is asked for nothing.
        auto found = readers->wait_for_card(reader, Deadline::in(std::chrono::milliseconds(300)));
        if (!found && found.error().code == ErrorCode::card_absent) {
            console.note_label("label.put_card");
            found = readers->wait_for_card(reader, Deadline::in(card_wait));
        }
        if (!found) return fail(std::move(found));
        auto card = readers->connect(*found);
        if (!card) return fail(std::move(card));
        return std::unique_ptr<OpenCard>(new ReaderCard(std::move(*card)));
    }
    smartcard::CardChannel& channel() override { return *card_; }

  private:
    explicit ReaderCard(std::unique_ptr<smartcard::PcscCard> card) : card_(std::move(card)) {}
    std::unique_ptr<smartcard::PcscCard> card_;
};

// A virtual card in this process; it counts its tries in `IMAGE.state`, as `card attach` does.
class ImageCard final : public OpenCard {
  public:
    static Result<std::unique_ptr<OpenCard>> open(const std::string& file, Session& session) {
        auto image = smartcard::load_card_image(file);
        if (!image) return fail(std::move(image));
        auto state = smartcard::FileCardState::open(file + ".state");
        if (!state) return fail(std::move(state));
        auto card = smartcard::VirtualCard::open(std::move(*image), std::move(*state), session.random());
        if (!card) return fail(std::move(card));
        session.console().note_label("label.simulated_card", {{"file", file}});
        return std::unique_ptr<OpenCard>(new ImageCard(std::move(*card)));
    }
    smartcard::CardChannel& channel() override { return channel_; }

  private:
    explicit ImageCard(smartcard::VirtualCard card) : card_(std::move(card)), channel_(card_) {}
    smartcard::VirtualCard card_;
    smartcard::VirtualCardChannel channel_;
};

}  // namespace

void CardChoice::declare_source(Options& options) {
    auto on_reader = options.flag(reader_card, "--card", "the card on the reader (PC/SC)");
    options.text(image, "--card-image", "FILE", "a virtual card in this process, for tests and demos")
        .excludes(on_reader);
    options.settings({"reader"});
}

void CardChoice::declare_pin(Options& options) {
    options.text(pin_file, "--pin-file", "FILE", "file of mode 0600 with the PIN; without it the PIN is asked for");
}

Result<std::unique_ptr<OpenCard>> OpenCard::open(const CardChoice& choice, Session& session) {
    if (!choice.image.empty()) return ImageCard::open(choice.image, session);
    if (!choice.reader_card) return fail(ErrorCode::command_usage, "name a card: --card or --card-image FILE");
    auto settings = session.settings();
    if (!settings) return fail(std::move(settings));
    return ReaderCard::open(settings->text("reader"), session.console());
}

Result<SecretBytes> read_pin_file(const std::string& file) {
    auto secret = pki::read_secret_file(file, pin_file_bytes_max);
    if (!secret) return fail(std::move(secret));
    auto bytes = secret->bytes();
    while (!bytes.empty() && (bytes.back() == '\n' || bytes.back() == '\r')) bytes = bytes.first(bytes.size() - 1);
    return SecretBytes(bytes);
}

Result<SecretBytes> read_pin(const CardChoice& choice, Console& console) {
    if (!choice.pin_file.empty()) return read_pin_file(choice.pin_file);
    return console.ask_secret(console.label("label.ask_pin"));
}

Result<smartcard::TextRecord> read_card_text(smartcard::MyNumberCard& card, smartcard::TextCredential kind,
                                             const SecretBytes& credential, Console& console) {
    // Without roots the record reads as unproven: the real issuer's key is not public (jpki-card §4).
    auto reading = card.read_text(kind, credential, {}, smartcard::LastTry::keep, Deadline::in(card_deadline));
    if (!reading) return fail(std::move(reading));
    if (auto* record = std::get_if<smartcard::TextRecord>(&*reading)) return std::move(*record);
    const bool pin = kind == smartcard::TextCredential::pin;
    if (const auto* wrong = std::get_if<smartcard::CredentialWrong>(&*reading)) {
        const std::string tries = fmt::format("{}", wrong->tries_left);
        console.remember("tries_left", tries);
        return fail(pin ? ErrorCode::card_pin_wrong : ErrorCode::card_number_b_wrong, "tries left: " + tries);
    }
    if (std::holds_alternative<smartcard::LastTryKept>(*reading) && pin) return fail(ErrorCode::card_pin_last_try, "");
    return fail(pin ? ErrorCode::card_pin_locked : ErrorCode::card_number_b_locked, "");
}

}  // namespace onshi::cli
