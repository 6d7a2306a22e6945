#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "base/date.h"
#include "hub/parts.h"

namespace onshi::hub {

// Once a day, at the hour that the settings name, the proof that everybody has a means (coverage/means_proof) runs in a
// coroutine of its own; it ends early when the hub stops. One loop.
class NightlyProof {
  public:
    explicit NightlyProof(const Context& context);
    // Begins the proof when its hour has come.
    void look(const LoopExecutor& executor);
    void stop() { *stopping_ = true; }

  private:
    const Context& context_;
    Gauge without_;
    std::optional<Date> last_;
    std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
};

// Whether a proof is due: it is this hour of Japan's day or later, and none was begun on this day.
[[nodiscard]] bool is_proof_due(Instant now, int hour, const std::optional<Date>& last);

}  // namespace onshi::hub
