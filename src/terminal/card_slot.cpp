#include "terminal/card_slot.h"

#include "platform/smartcard/pcsc_reader.h"
#include "platform/telemetry/log.h"

namespace onshi::terminal {

namespace {

// How long one look for a card lasts; only what nobody tells of is found that late.
constexpr std::chrono::milliseconds look{1'000};
constexpr std::chrono::milliseconds again{300};
// A card that was told of lies there; what is not found at once is gone.
constexpr std::chrono::milliseconds find_card{500};

}  // namespace

Result<std::unique_ptr<smartcard::CardChannel>> PcscSlot::connect() {
    auto readers = smartcard::PcscReaders::open();
    if (!readers) return fail(std::move(readers));
    auto found = readers->wait_for_card(reader_, Deadline::in(find_card));
    if (!found) return fail(std::move(found));
    auto card = readers->connect(*found);
    if (!card) return fail(std::move(card));
    return std::unique_ptr<smartcard::CardChannel>(std::move(*card));
}

CardWatch::CardWatch(std::string reader, std::function<void(kiosk::Event)> tell)
    : reader_(std::move(reader)),
      tell_(std::move(tell)),
      thread_([this](const std::stop_token& stop) { watch(stop); }) {}

void CardWatch::tell_reader(Told state) {
    if (told_ == state) return;
    told_ = state;
    tell_(state == Told::ready ? kiosk::Event::ready : kiosk::Event::fault);
}

void CardWatch::pause(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    woken_.wait_for(lock, stop, again, [] { return false; });
}

void CardWatch::watch(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        watch_reader(stop);
        pause(stop);
    }
}

// Until pcscd or the reader fails.
void CardWatch::watch_reader(const std::stop_token& stop) {
    auto readers = smartcard::PcscReaders::open();
    if (!readers) return tell_reader(Told::fault);
    while (!stop.stop_requested()) {
        const auto found = readers->wait_for_card(reader_, Deadline::in(look), stop);
        if (found || found.error().code == ErrorCode::card_unreadable) {
            tell_reader(Told::ready);
            tell_(kiosk::Event::card_in);
            if (!found) {
                // Mute, so that its reader is not named: it is looked at until that changes.
                pause(stop);
                continue;
            }
            auto gone = readers->wait_for_removal(*found, Deadline::in(look), stop);
            while (!gone && gone.error().code == ErrorCode::deadline_passed && !stop.stop_requested())
                gone = readers->wait_for_removal(*found, Deadline::in(look), stop);
            tell_(kiosk::Event::card_out);
            if (!gone) return;
            continue;
        }
        tell_(kiosk::Event::card_out);
        switch (found.error().code) {
            case ErrorCode::card_absent: tell_reader(Told::ready); break;
            case ErrorCode::deadline_passed: break;
            default: return tell_reader(Told::fault);
        }
    }
}

}  // namespace onshi::terminal
