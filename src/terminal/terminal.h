#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "platform/smartcard/pinless_use.h"
#include "terminal/exchange.h"
#include "terminal/face_engine.h"
#include "terminal/hub_link.h"
#include "terminal/kiosk_server.h"

namespace onshi::terminal {

struct TerminalSettings {
    HubAccess hub;
    std::string hub_id;    // in signed lines
    std::string facility;  // ten digits
    std::string terminal;  // as in signed lines
    std::filesystem::path exchange_folder;
    std::filesystem::path store_folder;
    std::filesystem::path store_key;  // made when missing
    oqs::Profile profile;
    std::chrono::milliseconds poll{500};
    std::optional<KioskSettings> kiosk;  // none: no page is served
    std::optional<std::string> reader;   // of the kiosk: how its name begins; none: it has none
    std::filesystem::path visual_accounts;
    int last_visit_days = 0;
    LastVisitUse last_visit_use = LastVisitUse::none;
    bool empty_lists = true;
    std::chrono::milliseconds modes_every{30'000};
    std::unique_ptr<smartcard::PinlessUse> pinless;  // null: cards are opened by their PIN only
    FaceSettings face;
};

// The agent of one terminal, from open() to the end of run(). Owns its loops and stores.
class Terminal {
  public:
    // config.certificate, secret.*, store.*. A folder or a hub that is away is no failure: they may come.
    [[nodiscard]] static Result<std::unique_ptr<Terminal>> open(TerminalSettings settings);
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    // Where the kiosk's page finds the terminal; nullopt without a kiosk.
    [[nodiscard]] std::optional<std::uint16_t> kiosk_port() const;
    // Until stop(). Fails when the local store cannot be read.
    [[nodiscard]] Result<void> run();
    // Thread-safe, idempotent.
    void stop();

  private:
    struct Parts;
    explicit Terminal(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace onshi::terminal
