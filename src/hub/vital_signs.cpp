#include "hub/vital_signs.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "platform/pki/certificate.h"

namespace onshi::hub {

namespace {

constexpr std::int64_t day_us = std::int64_t{24} * 3600 * 1'000'000;
constexpr std::size_t pem_bytes_max = 256 * 1024;

std::optional<Instant> first_to_expire(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    if (!file || text.str().size() > pem_bytes_max) return std::nullopt;
    const auto chain = pki::parse_certificates_pem(text.str());
    if (!chain || chain->empty()) return std::nullopt;
    return std::ranges::min(*chain, {}, &pki::Certificate::not_after).not_after;
}

}  // namespace

std::int64_t days_left(Instant not_after, Instant now) {
    const std::int64_t left = not_after.us - now.us;
    return left >= 0 ? left / day_us : -((-left + day_us - 1) / day_us);
}

std::vector<CertificateExpiry> certificate_expiries(const Settings& settings) {
    std::vector<CertificateExpiry> found;
    for (const auto& [kind, path] : {std::pair("server", &settings.server_certificate),
                                     std::pair("organisation_ca", &settings.organisation_ca_certificate)}) {
        if (const auto not_after = first_to_expire(*path)) found.push_back({kind, *not_after});
    }
    return found;
}

VitalSigns::VitalSigns(Metrics& metrics, std::vector<CertificateExpiry> certificates)
    : certificates_(std::move(certificates)),
      seal_age_(
          metrics.gauge("onshi_audit_seal_age_seconds", "How long records have been waiting for a seal; 0: none.")),
      chain_ok_(
          metrics.gauge("onshi_audit_chain_ok", "1 while the audit chain held at the start and is sealed in time.")) {
    for (const auto& one : certificates_) {
        expiries_.push_back(
            metrics.gauge("onshi_cert_expiry_seconds", "Time until a certificate expires.", {{"kind", one.kind}}));
    }
}

void VitalSigns::sealed(const Result<audit::SealState>& state, Instant now) {
    const std::scoped_lock lock(mutex_);
    if (state && state->unsealed_records == 0) {
        unsealed_since_.reset();
    } else if (!unsealed_since_) {
        unsealed_since_ = now;
    }
}

std::chrono::microseconds VitalSigns::seal_age(Instant now) const {
    const std::scoped_lock lock(mutex_);
    return unsealed_since_ ? now - *unsealed_since_ : std::chrono::microseconds(0);
}

void VitalSigns::publish(Instant now) {
    for (std::size_t i = 0; i < certificates_.size(); ++i) {
        expiries_[i].set(std::chrono::duration<double>(certificates_[i].not_after - now).count());
    }
    seal_age_.set(std::chrono::duration<double>(seal_age(now)).count());
    chain_ok_.set(audit(now) ? 1 : 0);
}

Result<void> VitalSigns::audit(Instant now) const {
    if (seal_age(now) <= audit::seal_age_max + audit::seal_slack) return {};
    return fail(ErrorCode::audit_broken, "records wait for their seal");
}

}  // namespace onshi::hub
