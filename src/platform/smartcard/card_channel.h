#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "platform/smartcard/apdu.h"

namespace onshi::smartcard {

// A card that answers commands: behind a reader (`pcsc_reader.h`) or in memory (`virtual_card.h`). Not thread-safe: one
// thread at a time. Calls block for as long as the card takes; a reader's driver bounds that, not we.
class CardChannel {
  public:
    CardChannel() = default;
    CardChannel(const CardChannel&) = delete;
    CardChannel& operator=(const CardChannel&) = delete;
    virtual ~CardChannel() = default;

    // One command and its whole answer: fetches what `61xx` announces and repeats once with the length that `6Cxx`
    // names (readers may produce both, jpki-card §3.2). A command that carries a credential is never repeated, since
    // that could spend a try. `card.removed`, `card.reset`, `card.unreadable`, `reader.unavailable`.
    [[nodiscard]] Result<ResponseApdu> transmit(const CommandApdu& command);

    // Use by nobody else until `end_transaction`, which resets the card so that no verified PIN stays. Blocks while
    // another program holds the card. Use `CardTransaction` instead of calling these. `card.removed`, `card.reset`,
    // `card.busy`.
    [[nodiscard]] virtual Result<void> begin_transaction() = 0;
    virtual void end_transaction() noexcept = 0;

    // One raw turn, without any repetition: for decorators of this class.
    [[nodiscard]] virtual Result<ByteVector> exchange(Bytes command) = 0;

  private:
    [[nodiscard]] Result<ResponseApdu> exchange_once(const CommandApdu& command);
    [[nodiscard]] Result<ResponseApdu> collect(ResponseApdu first, std::uint8_t cla);
};

// The exclusive use of a card within a deadline. Ends, with a reset of the card, on destruction. Borrows the channel;
// not thread-safe.
class CardTransaction {
  public:
    [[nodiscard]] static Result<CardTransaction> begin(CardChannel& channel, Deadline deadline);
    // As CardChannel::transmit; `deadline.passed` before anything is sent.
    [[nodiscard]] Result<ResponseApdu> transmit(const CommandApdu& command);

    CardTransaction(CardTransaction&& other) noexcept;
    CardTransaction& operator=(CardTransaction&&) = delete;
    ~CardTransaction();

  private:
    CardTransaction(CardChannel& channel, Deadline deadline) : channel_(&channel), deadline_(deadline) {}
    CardChannel* channel_;  // nullptr after a move
    Deadline deadline_;
};

// Hands on every turn and tells it as `> command`, `< answer`, with credentials and card contents masked. Borrows the
// inner channel; thread-safety as the inner one.
class TracingChannel final : public CardChannel {
  public:
    using Sink = std::function<void(std::string_view line)>;
    TracingChannel(CardChannel& inner, Sink sink) : inner_(inner), sink_(std::move(sink)) {}
    [[nodiscard]] Result<void> begin_transaction() override { return inner_.begin_transaction(); }
    void end_transaction() noexcept override { inner_.end_transaction(); }
    [[nodiscard]] Result<ByteVector> exchange(Bytes command) override;

  private:
    CardChannel& inner_;
    Sink sink_;
};

}  // namespace onshi::smartcard
