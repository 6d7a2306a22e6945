#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/result.h"
#include "platform/smartcard/card_channel.h"
#include "terminal/kiosk_model.h"

namespace onshi::terminal {

// Where a patient's card lies: on a reader, or in a simulation an image. Used by one thread.
class CardSlot {
  public:
    CardSlot() = default;
    CardSlot(const CardSlot&) = delete;
    CardSlot& operator=(const CardSlot&) = delete;
    virtual ~CardSlot() = default;
    // The card that lies there now; the channel ends with that card. card.absent, card.busy, card.unreadable, reader.*.
    [[nodiscard]] virtual Result<std::unique_ptr<smartcard::CardChannel>> connect() = 0;
};

// The card on a reader of pcscd whose name begins with `reader` (empty: whichever has a card).
class PcscSlot final : public CardSlot {
  public:
    explicit PcscSlot(std::string reader) : reader_(std::move(reader)) {}
    [[nodiscard]] Result<std::unique_ptr<smartcard::CardChannel>> connect() override;

  private:
    std::string reader_;
};

// Tells of cards that come and go, and of a reader that is missing (`fault`) or there again (`ready`). Owns one thread,
// which ends with this object; `tell` is called on it.
class CardWatch {
  public:
    CardWatch(std::string reader, std::function<void(kiosk::Event)> tell);

  private:
    enum class Told : std::uint8_t { nothing, ready, fault };
    void watch(const std::stop_token& stop);
    void watch_reader(const std::stop_token& stop);
    void tell_reader(Told state);
    void pause(const std::stop_token& stop);

    std::string reader_;
    std::function<void(kiosk::Event)> tell_;
    Told told_ = Told::nothing;
    std::mutex mutex_;
    std::condition_variable_any woken_;
    std::jthread thread_;  // the last member: it uses the others
};

}  // namespace onshi::terminal
