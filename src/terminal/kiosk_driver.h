#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "terminal/card_slot.h"
#include "terminal/check_in.h"
#include "terminal/kiosk_server.h"

namespace onshi::terminal {

// The kiosk's devices: hands the machine's orders to a thread that may block on card and hub, and tells the machine
// what became of them. Owns that thread and the watch over the reader. carry_out() and the questions come from the
// kiosk's loop.
class KioskDriver final : public KioskDevices {
  public:
    struct Settings {
        std::optional<std::string> reader;      // how its name begins; nullopt: cards come in by nobody
        std::filesystem::path visual_accounts;  // see visual_accounts.h
    };
    KioskDriver(Settings settings, CheckInParts parts) : settings_(std::move(settings)), check_in_(std::move(parts)) {}
    ~KioskDriver() override { stop(); }

    // `tell` is what the machine is told through; it outlives the driver's threads.
    void start(std::function<void(const kiosk::Input&)> tell);
    // What is under way is finished. Idempotent.
    void stop();

    void carry_out(kiosk::Action action, const kiosk::Session& session) override;
    void take_pin(SecretBytes pin) override;
    void take_number_b(SecretBytes digits) override;
    [[nodiscard]] bool take_visual(VisualClaim claim) override;
    [[nodiscard]] std::string_view desk_mode() const override { return check_in_.desk_mode(); }

  private:
    void work();
    [[nodiscard]] std::optional<Order> next_order(SteadyTime until);

    Settings settings_;
    CheckIn check_in_;
    std::function<void(const kiosk::Input&)> tell_;
    // On the kiosk's loop only.
    SecretBytes pin_;
    SecretBytes number_b_;
    std::string operator_;
    std::string reason_;

    std::mutex mutex_;
    std::condition_variable woken_;
    std::deque<Order> orders_;
    bool stopping_ = false;
    std::thread thread_;
    std::unique_ptr<CardWatch> watch_;
};

}  // namespace onshi::terminal
