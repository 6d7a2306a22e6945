#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/identifiers.h"
#include "base/sha256.h"
#include "base/time.h"

namespace onshi::audit {

// What a record tells of. The numbers are stored and never change meaning (contracts/audit_events.toml).
enum class Event : std::uint16_t {
    check_answered = 1,
    consent_recorded = 2,
    card_registered = 3,
    card_suspended = 4,
    card_resumed = 5,
    terminal_added = 6,
    terminal_enrolled = 7,
    intent = 8,
    intent_done = 9,
    clock_stepped = 10,
    card_key_stored = 11,
    terminal_disabled = 12,
    card_status_taken_over = 13,
    members_file_received = 20,
    members_file_released = 21,
    members_file_done = 22,
    withheld_confirmed = 23,
    withheld_approved = 24,
    use_registered = 30,
    use_cancel_requested = 31,
    use_cancelled = 32,
    certificate_issued = 33,
    persons_merged = 34,
    person_protected = 35,
    webhook_changed = 36,
    account_changed = 37,
    certificates_received = 40,
    subsidy_chosen = 41,
    payment_posted = 42,
    payment_reversed = 43,
    outage_declared = 50,
    outage_lifted = 51,
    disaster_declared = 52,
    disaster_confirmed = 53,
    disaster_ended = 54,
    facility_placed = 55,
};

// Who acted: an organisation's terminal and, where a person decided, a reference to that person's account.
struct Actor {
    OrganisationKey organisation{0};
    TerminalKey terminal{0};
    std::string_view reference = "-";
};

// Everything of a record but its payload. `previous` is the hash of the record before it in its lane.
struct Header {
    std::int64_t lane = 0;
    std::int64_t sequence = 0;
    Sha256 previous{};
    Instant recorded_at;
    Event event = Event::check_answered;
    OrganisationKey organisation{0};
    TerminalKey terminal{0};
    std::string actor;
    Sha256 payload_digest{};
};

// A stored record. The payload may have been deleted at the end of its retention; its digest stays.
struct Record {
    Header header;  // without `previous`
    Sha256 hash{};
    std::optional<std::string> payload;  // salt ‖ payload
};

// Where a record stands.
struct Place {
    std::int64_t lane;
    std::int64_t sequence;
    bool operator==(const Place&) const = default;
};

struct Seal {
    std::int64_t sequence = 0;
    Sha256 hash{};
    Instant sealed_at;
    std::string key_id;
    std::string signature;
};

// The newest place a terminal or an operator has seen; a later cut of the tail cannot deny it.
struct Witness {
    std::int64_t lane = 0;
    std::int64_t sequence = 0;
    Sha256 hash{};
};

inline constexpr std::size_t salt_bytes = 16;
inline constexpr std::int64_t seal_records_max = 1000;
inline constexpr std::chrono::seconds seal_age_max{60};
// How late a seal may be before its absence is a flaw. A hub looks once a second, and a store under load takes its
// time; what lies between two seals spans less time than the rule and the slack, and holds fewer records than a hub at
// its peak writes meanwhile. A hub that died without a seal makes one before its first record when it starts again.
inline constexpr std::chrono::seconds seal_slack{60};
inline constexpr std::int64_t seal_gap_records_max = 262'144;
inline constexpr std::int64_t lanes_max = 64;                               // 6 bits of a receipt
inline constexpr std::int64_t sequence_max = (std::int64_t{1} << 34U) - 1;  // 34 bits of a receipt

}  // namespace onshi::audit
