#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/eligibility/corrections.h"
#include "platform/pki/keys.h"
#include "platform/sql/database.h"

namespace onshi::eligibility {

inline constexpr std::size_t webhook_url_max = 512;
// Looked at in one round; the next round takes the next ones.
inline constexpr std::size_t webhooks_due_max = 32;
// How long one delivery may keep others from trying the same.
inline constexpr std::chrono::seconds webhook_lease{60};
inline constexpr std::chrono::seconds webhook_first_wait{30};
inline constexpr std::chrono::seconds webhook_wait_max{3600};
// After so many failures in a row, about a week, nothing is sent before the address is set again. What was not
// delivered stays to be asked for.
inline constexpr std::int64_t webhook_failures_max = 170;

// Where a facility wants to be told of corrections, beside asking for them.
struct Webhook {
    OrganisationKey organisation{0};
    std::string url;
    std::int64_t generation = 0;  // of its secret
    std::int64_t delivered_upto = 0;
    std::int64_t failures = 0;           // in a row
    std::optional<Instant> next_try_at;  // absent: nothing is to be sent
    std::int64_t version = 0;
};

// Which addresses may be named.
enum class WebhookReach : std::uint8_t { https_only, loopback_too };

struct WebhookAddress {
    bool tls = true;
    std::string host;
    std::uint16_t port = 443;
    std::string target = "/";
};
// `https://host[:port]/path`, without user or fragment; `http://127.0.0.1…` where a demo allows it. webhook.address.
[[nodiscard]] Result<WebhookAddress> parse_webhook_url(std::string_view url, WebhookReach reach);

// How long to wait after so many failures in a row: doubling, then an hour; a quarter more or less by `draw`.
[[nodiscard]] std::chrono::seconds webhook_wait(std::int64_t failures, std::uint64_t draw);

// What a receiver checks a message with: never stored, made anew from a key of the installation.
[[nodiscard]] std::string webhook_secret(const pki::HmacKey& key, OrganisationKey organisation,
                                         std::int64_t generation);
// `t=<seconds>,v1=<hex of HMAC-SHA-256 over "<seconds>.<body>">`.
[[nodiscard]] std::string webhook_signature(std::string_view secret, Instant at, std::string_view body);

// Addresses and how far each was told. Delivery is at least once and in order: what was answered by anything but 2xx
// comes again. Thread-safe; each change is guarded, so that several hubs do no harm.
class Webhooks {
  public:
    Webhooks(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}
    // Another address has another secret and is told everything that the facility has not been told yet; audited.
    [[nodiscard]] Task<Result<Webhook>> put(const audit::Actor& actor, std::string url, Deadline deadline);
    // webhook.unknown.
    [[nodiscard]] Task<Result<Webhook>> find(OrganisationKey organisation, Deadline deadline);
    // webhook.unknown.
    [[nodiscard]] Task<Result<void>> remove(const audit::Actor& actor, Deadline deadline);

    // Those with something to send, leased to the caller.
    [[nodiscard]] Task<Result<std::vector<Webhook>>> claim_due(Deadline deadline);
    // Told up to here; sends on at once when there is more, else when the next correction is made.
    [[nodiscard]] Task<Result<void>> delivered(const Webhook& webhook, std::int64_t upto, bool more, Deadline deadline);
    [[nodiscard]] Task<Result<void>> failed(const Webhook& webhook, Deadline deadline);

  private:
    // Whether it counted: not when the row was changed meanwhile.
    [[nodiscard]] Task<Result<bool>> move(const Webhook& webhook, std::int64_t upto, std::int64_t failures,
                                          std::optional<Instant> next, Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
};

// For who makes a correction: its facility has something to be told, if it wants to be.
void wake_webhook(sql::WriteSet& set, OrganisationKey organisation, Instant at);

}  // namespace onshi::eligibility
