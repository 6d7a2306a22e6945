#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "hub/settings.h"

namespace onshi::hub {

// The central server in one process: both stores, the use cases, the listeners and the periodic work. Owns all of it.
// open() → run() (blocks) → stop() from any thread. Not movable, because its parts refer to each other.
class Hub {
  public:
    // Loads keys and certificates, opens the stores (which must be migrated) and the listeners. Errors: config.*,
    // secret.*, certificate.*, store.*.
    [[nodiscard]] static Result<std::unique_ptr<Hub>> open(const Settings& settings);
    ~Hub();
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;

    // The ports that were bound.
    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::uint16_t metrics_port() const;

    // Serves until stop(); then drains: no new work, answers what is in flight, commits what is waiting, seals the
    // chain.
    void run();
    // Thread-safe and safe to call more than once.
    void stop();
    // After run(): whether it stopped by itself because another process claimed its audit lane (design §9.9).
    [[nodiscard]] bool fenced() const;

  private:
    struct Parts;
    explicit Hub(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace onshi::hub
