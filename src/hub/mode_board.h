#pragma once

// Inside this folder only: which of its parts this hub calls away, declared by people or found out by itself, and which
// disasters are confirmed.

#include <array>
#include <mutex>
#include <vector>

#include "base/time.h"
#include "domain/organisations/rules_emergencies.h"

namespace onshi::hub {

// Thread-safe. Declared ones are at most refresh_every old.
class ModeBoard {
  public:
    // As the ledger has them. `disasters`: the confirmed ones that are not over.
    void declared(std::vector<organisations::Outage> outages, std::vector<organisations::Disaster> disasters);
    // What the hub's own work has met.
    void found(organisations::Dependency dependency, bool away, Instant now);

    // By dependency; a declared one says who declared it, whether or not the hub has found it out too.
    [[nodiscard]] std::vector<organisations::Outage> outages() const;
    [[nodiscard]] bool is_declared(organisations::Dependency dependency) const;
    [[nodiscard]] std::vector<organisations::Disaster> disasters() const;

  private:
    mutable std::mutex mutex_;
    std::vector<organisations::Outage> declared_;
    std::vector<organisations::Disaster> disasters_;
    std::array<std::optional<Instant>, organisations::dependency_names.size()> found_{};
};

}  // namespace onshi::hub
