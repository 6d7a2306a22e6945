#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/date.h"
#include "base/identifiers.h"
#include "base/time.h"

namespace onshi::cards {

// The certificate's state by the CA's lists (jpki-card §7.2). Only what is listed is stored; the rest is good.
enum class CertificateStatus : std::uint8_t { good = 1, suspended = 2, revoked = 3, renewed = 4 };

struct ListedStatus {
    CertificateStatus status = CertificateStatus::good;
    Instant since;
    bool operator==(const ListedStatus&) const = default;
};

// A card works for three more months after its certificate ended, a phone does not (jpki-card §7.2).
enum class Grace : std::uint8_t { none = 0, three_months = 1 };

struct Card {
    CardKey key;
    PersonKey person{0};
    Instant not_after;
    Grace grace = Grace::three_months;
    // Stored form of the public key (platform/pki); empty until the card's certificate was first seen and verified.
    std::string public_key;
    std::string tag;           // proves that this hub stored the key
    std::int64_t version = 0;  // 0: the registry has no row of it yet
};

// Use as insurance card (domain-rules §8.4).
enum class UseState : std::uint8_t { none = 0, registered = 1, cancel_requested = 2, cancelled = 3 };
enum class Channel : std::uint8_t { kiosk = 1, portal = 2, bank_machine = 3, municipality = 4, load = 5, insurer = 6 };
[[nodiscard]] std::string_view to_string(UseState state);

struct UseRegistration {
    UseState state = UseState::none;
    Instant since;
    std::int64_t version = 0;
    [[nodiscard]] bool usable() const { return state == UseState::registered || state == UseState::cancel_requested; }
};

// Suspension by the holder's call (domain-rules §8.5); in the ledger and so always fresh.
struct Suspension {
    bool suspended = false;
    Instant since;
    std::int64_t version = 0;
};

// What a certificate's validity allows on a day (domain-rules §6.9).
enum class Validity : std::uint8_t {
    valid,
    expires_soon,  // within three months
    in_grace,      // expired; coverage only until the end of the third month
    expired,
};
[[nodiscard]] Validity validity_on(Instant not_after, Grace grace, Date day);
// The last day in Japan on which the certificate is valid.
[[nodiscard]] Date last_valid_day(Instant not_after);

inline constexpr int expiry_warning_months = 3;
inline constexpr std::chrono::hours card_status_fresh_for{24};

}  // namespace onshi::cards
