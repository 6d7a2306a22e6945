#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/time.h"
#include "terminal/kiosk_machine.h"

namespace onshi::terminal {

// A member of staff who says that the person is the one on the card's photo.
struct VisualClaim {
    std::string operator_reference;
    SecretBytes password;
    std::string reason;
};

// What carries out what the machine wants done. Called on the kiosk's loop; returns soon, and what comes of it is told
// by KioskServer::tell.
class KioskDevices {
  public:
    KioskDevices() = default;
    KioskDevices(const KioskDevices&) = delete;
    KioskDevices& operator=(const KioskDevices&) = delete;
    virtual ~KioskDevices() = default;
    virtual void carry_out(kiosk::Action action, const kiosk::Session& session) = 0;
    // For the next verify_pin.
    virtual void take_pin(SecretBytes pin) = 0;
    // Number B of the card's face, for the next aim_face.
    virtual void take_number_b(SecretBytes digits) = 0;
    // For the next check by eye; whether the password is that person's.
    [[nodiscard]] virtual bool take_visual(VisualClaim claim) = 0;
    // How this desk serves while parts of the hub are away, for the staff's corner of the page. Any thread.
    [[nodiscard]] virtual std::string_view desk_mode() const { return "normal"; }
};

struct KioskSettings {
    std::uint16_t port = 0;            // loopback only; 0: the system chooses
    std::filesystem::path token_file;  // 0600, made anew for every page that opens a session
    kiosk::Settings machine;
};

// The kiosk's page talks to the terminal here (ux §2.2): `POST /kiosk/session` exchanges the one-time token of the file
// for a cookie, `GET /kiosk/events` sends the state whenever it changes, `POST /kiosk/event` takes what was touched;
// one for an older state is refused by 409 with the present one. A PIN comes by itself, as the body of
// `POST /kiosk/pin?rev=N`, so that it is in no JSON, and so does number B, to `POST /kiosk/number-b?rev=N`; what a
// member of staff says to `POST /kiosk/visual`. On loopback only; other hosts and other pages are refused. Owns its
// loop, machine and listener; thread-safe but for construction and destruction.
class KioskServer {
  public:
    // `devices` outlives the server. config.listen, secret.* for the token's file.
    [[nodiscard]] static Result<std::unique_ptr<KioskServer>> open(KioskSettings settings, KioskDevices& devices,
                                                                   const Clock& clock, Random& random);
    ~KioskServer();
    KioskServer(const KioskServer&) = delete;
    KioskServer& operator=(const KioskServer&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    // What a device or the hub tells. Returns at once.
    void tell(const kiosk::Input& input);
    // Ends the page's stream and the loop. Idempotent.
    void stop();

  private:
    struct Impl;
    explicit KioskServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace onshi::terminal
