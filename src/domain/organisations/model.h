#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/date.h"
#include "base/identifiers.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/time.h"

namespace onshi::organisations {

enum class Kind : std::uint8_t { facility = 1, insurer = 2, municipality = 3, operator_ = 4, ambulance = 5 };

// What a terminal may do. Bits; a role never contains another.
enum class Role : std::uint32_t {
    check_card = 1U << 0U,
    check_number = 1U << 1U,
    card_desk = 1U << 2U,     // suspend and resume cards
    administer = 1U << 3U,    // add terminals
    send_members = 1U << 4U,  // an insurer's own: files of members, withheld records, cancellations
    // Where people register the use of their card (domain-rules §8.1), besides every check by card.
    portal = 1U << 5U,
    bank_machine = 1U << 6U,
    municipal_desk = 1U << 7U,
};

// How the desk confirmed the person; the terminal's word, so it is allowed per terminal (design §9.8).
enum class Method : std::uint8_t { pin = 1, face = 2, visual = 3 };
[[nodiscard]] std::string_view to_string(Method method);
[[nodiscard]] std::optional<Method> parse_method(std::string_view name);
[[nodiscard]] constexpr std::uint32_t bit(Method method) {
    return 1U << static_cast<unsigned>(method);
}
[[nodiscard]] constexpr std::uint32_t bit(Role role) {
    return static_cast<std::uint32_t>(role);
}
[[nodiscard]] std::string_view to_string(Role role);
[[nodiscard]] std::optional<Role> parse_role(std::string_view name);

// What terminals of such an organisation may be allowed; everything else belongs to those who run the centre.
[[nodiscard]] constexpr std::uint32_t roles_of(Kind kind) {
    const std::uint32_t checks = bit(Role::check_card) | bit(Role::check_number);
    switch (kind) {
        case Kind::insurer: return bit(Role::send_members);
        case Kind::municipality: return bit(Role::municipal_desk);
        case Kind::operator_:
            return checks | bit(Role::card_desk) | bit(Role::administer) | bit(Role::portal) | bit(Role::bank_machine);
        case Kind::facility:
        case Kind::ambulance: break;
    }
    return checks;
}

enum class TerminalState : std::uint8_t { waiting_for_enrolment = 1, active = 2, disabled = 3 };

struct Organisation {
    OrganisationKey key{0};
    Kind kind = Kind::facility;
    std::int64_t code = 0;  // FacilityCode or InsurerNumber by its to_key()
    std::string name;
    std::string phone;
    DateRange valid{};

    // Whether it may ask on this day: one that was closed may not.
    [[nodiscard]] bool open_on(Date day) const { return valid.contains(day); }
    // The code as people write it.
    [[nodiscard]] std::string code_text() const;
};

struct Terminal {
    TerminalKey key{0};
    std::string name;
    std::uint32_t roles = 0;
    std::uint32_t methods = 0;
    TerminalState state = TerminalState::disabled;
    std::int64_t version = 0;
    Organisation organisation;

    [[nodiscard]] bool may(Role role) const { return (roles & bit(role)) != 0; }
    [[nodiscard]] bool may(Method method) const { return (methods & bit(method)) != 0; }
    // `T` and the key: what the wire and the signed lines carry.
    [[nodiscard]] std::string id() const;
};

// The opposite of Terminal::id(). number.format.
[[nodiscard]] Result<TerminalKey> parse_terminal_id(std::string_view text);

struct Account {
    std::string reference;
    bool active = false;
    std::int64_t visual_checks_per_day = 0;
};

using Fingerprint = Sha256;

inline constexpr std::chrono::minutes enrolment_code_life{60 * 24 * 7};
// How long the old certificate works beside a new one that was never used.
inline constexpr std::chrono::hours previous_certificate_life{24};
inline constexpr std::size_t account_reference_max = 64;

}  // namespace onshi::organisations
