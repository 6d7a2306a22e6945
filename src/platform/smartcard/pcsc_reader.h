#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "platform/smartcard/card_channel.h"

namespace onshi::smartcard {

class PcscContext;

// A card in a reader of pcscd, connected shared with T=0 or T=1. Owns the connection; leaving resets the card. Not
// thread-safe.
class PcscCard final : public CardChannel {
  public:
    // Reconnects when another program has reset the card. `card.removed`, `card.busy`, `card.unreadable`,
    // `reader.unavailable`.
    [[nodiscard]] Result<void> begin_transaction() override;
    void end_transaction() noexcept override;
    // `card.reset` after another program's reset, when the connection stands again: start over.
    [[nodiscard]] Result<ByteVector> exchange(Bytes command) override;

    ~PcscCard() override;

  private:
    friend class PcscReaders;
    struct Connection;
    explicit PcscCard(std::unique_ptr<Connection> connection);
    std::unique_ptr<Connection> connection_;
};

// The readers that pcscd knows. Owns one PC/SC context. One thread at a time; only the stop tokens act from others.
// Where pcscd's socket is, libpcsclite takes from $PCSCLITE_CSOCK_NAME at its first use in the process.
class PcscReaders {
  public:
    // `reader.unavailable` when pcscd cannot be reached.
    [[nodiscard]] static Result<PcscReaders> open();
    // By name, in pcscd's order; empty when there is none.
    [[nodiscard]] Result<std::vector<std::string>> list();

    // Waits for a card in the named reader, or in any whose name begins so (empty: any), and gives the reader's full
    // name. Readers may come while it waits. At the deadline: `reader.none` when there is no such reader, else
    // `card.absent`. `card.unreadable`: a card is there but mute. `deadline.passed`: told to stop.
    [[nodiscard]] Result<std::string> wait_for_card(std::string_view reader, Deadline deadline,
                                                    std::stop_token stop = {});
    // Waits until the reader's card is gone (or the reader itself). `deadline.passed` when it is still there or told to
    // stop.
    [[nodiscard]] Result<void> wait_for_removal(const std::string& reader, Deadline deadline,
                                                std::stop_token stop = {});

    // `card.absent`, `card.busy` (held exclusively), `card.unreadable`, `reader.none`, `reader.unavailable`.
    [[nodiscard]] Result<std::unique_ptr<PcscCard>> connect(const std::string& reader);

  private:
    explicit PcscReaders(std::shared_ptr<PcscContext> context);
    std::shared_ptr<PcscContext> context_;  // shared with the cards, whose connections live in it
};

}  // namespace onshi::smartcard
