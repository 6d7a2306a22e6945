#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/organisations/rules_emergencies.h"
#include "terminal/hub_link.h"

namespace onshi::terminal {

// A part of the hub that is away, as the hub tells it (GET /v1/modes). `dependency` may be a name that this program
// does not know; what to do then stands in `mode` all the same.
struct ToldOutage {
    std::string dependency;
    std::string since;  // RFC 3339, as it came
    organisations::DeskMode mode = organisations::DeskMode::normal;
    bool operator==(const ToldOutage&) const = default;
};

// What the hub said last about itself; nothing before the first answer, and unchanged while it cannot be asked.
// Thread-safe.
class HubModes {
  public:
    void replace(std::vector<ToldOutage> outages);
    // The strictest one.
    [[nodiscard]] organisations::DeskMode mode() const { return mode_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool without_hub() const { return mode() == organisations::DeskMode::without_hub; }
    [[nodiscard]] std::vector<ToldOutage> outages() const;

  private:
    std::atomic<organisations::DeskMode> mode_ = organisations::DeskMode::normal;
    mutable std::mutex mutex_;
    std::vector<ToldOutage> outages_;
};

// What the body of GET /v1/modes says. peer.protocol.
[[nodiscard]] Result<std::vector<ToldOutage>> read_modes(std::string_view body);
// Asks the hub. Errors: those of the hub; peer.protocol.
[[nodiscard]] Task<Result<void>> refresh_modes(HubLink& hub, HubModes& modes, Deadline deadline);

}  // namespace onshi::terminal
