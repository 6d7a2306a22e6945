#pragma once

// Inside this folder only: what the hub knows of its own state, found out by the periodic work and told by /readyz and
// /metrics.

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/audit/service.h"
#include "hub/settings.h"
#include "platform/telemetry/metrics.h"

namespace onshi::hub {

// Until when a certificate that this hub lives on is good.
struct CertificateExpiry {
    std::string kind;  // server, organisation_ca
    Instant not_after;
};

// The first certificate of each file to expire. Files that cannot be read are left out: the listener names them.
[[nodiscard]] std::vector<CertificateExpiry> certificate_expiries(const Settings& settings);

// Whole days, 0 on the last one, negative afterwards.
[[nodiscard]] std::int64_t days_left(Instant not_after, Instant now);

// Thread-safe.
class VitalSigns {
  public:
    VitalSigns(Metrics& metrics, std::vector<CertificateExpiry> certificates);

    // After every try to seal.
    void sealed(const Result<audit::SealState>& state, Instant now);
    // Publishes what changes by itself.
    void publish(Instant now);

    [[nodiscard]] const std::vector<CertificateExpiry>& certificates() const { return certificates_; }
    // Fails when records have been waiting for their seal longer than the rule and its slack allow.
    [[nodiscard]] Result<void> audit(Instant now) const;

  private:
    [[nodiscard]] std::chrono::microseconds seal_age(Instant now) const;
    const std::vector<CertificateExpiry> certificates_;
    std::vector<Gauge> expiries_;
    Gauge seal_age_;
    Gauge chain_ok_;
    mutable std::mutex mutex_;
    // Since when there are records without a seal; absent: none.
    std::optional<Instant> unsealed_since_;
};

}  // namespace onshi::hub
