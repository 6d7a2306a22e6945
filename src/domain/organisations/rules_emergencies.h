#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/date.h"
#include "base/identifiers.h"
#include "base/result.h"
#include "base/time.h"

// What a hub's operator says of bad days: which of the things that the hub rests on are away, and where a disaster has
// opened look-ups without the card (domain-rules §6.2, §6.6). Pure; thread-safe.
namespace onshi::organisations {

// What a hub rests on. The numbers are stored.
enum class Dependency : std::uint8_t {
    card_status = 1,        // who says whether a card is revoked
    resident_register = 2,  // who says whose an insurer's record is
    insurer_files = 3,      // what insurers send
    registry = 4,           // the store of who is insured; without it nothing is answered
    ledger = 5,             // the store of what was disclosed; without it nothing may be answered
};
inline constexpr std::array<std::pair<Dependency, std::string_view>, 5> dependency_names{
    {{Dependency::card_status, "card_status"},
     {Dependency::resident_register, "resident_register"},
     {Dependency::insurer_files, "insurer_files"},
     {Dependency::registry, "registry"},
     {Dependency::ledger, "ledger"}}};
[[nodiscard]] std::string_view to_string(Dependency dependency);
[[nodiscard]] std::optional<Dependency> parse_dependency(std::string_view name);

struct Outage {
    Dependency dependency = Dependency::card_status;
    Instant since;
    std::string declared_by;  // empty: the hub found it out by itself
    bool operator==(const Outage&) const = default;
};

// How a counter serves while something is away, by the rows of domain-rules §6.2. The strictest one counts.
enum class DeskMode : std::uint8_t {
    normal = 0,
    // Checks go on; nothing medical is offered, because a revoked card might not be known as one.
    coverage_only = 1,
    // Checks go on; whom the hub does not know may be insured all the same (F7): a declaration helps.
    answers_late = 2,
    // The hub cannot answer: credentials of the last visit (F5) or a declaration (F6).
    without_hub = 3,
};
[[nodiscard]] std::string_view to_string(DeskMode mode);
[[nodiscard]] DeskMode mode_under(Dependency away);

// A disaster's area and time. Days are Japan's and closed: it opens at the first midnight and ends at the stroke of the
// last day's end.
struct Disaster {
    std::int64_t id = 0;
    MunicipalityCode municipality;
    DateRange days{};
    Instant declared_at;
    std::string declared_by;
    std::optional<Instant> confirmed_at{};
    std::string confirmed_by{};
    std::optional<Instant> ended_at{};  // before its time, by hand
    std::string ended_by{};
};

enum class DisasterState : std::uint8_t {
    waiting,    // for the second person
    announced,  // confirmed, and its first day is to come
    open,
    over,
};
[[nodiscard]] std::string_view to_string(DisasterState state);
[[nodiscard]] DisasterState state_at(const Disaster& disaster, Instant now);

// 14 weeks are more than any was; a longer one is declared again.
inline constexpr std::int32_t disaster_days_max = 92;
// disaster.period: the last day before the first one or over, more than disaster_days_max days.
[[nodiscard]] Result<void> check_period(const DateRange& days, Date today);

// Whether two references name one person, in whatever case and with whatever spaces around it was typed.
[[nodiscard]] bool is_same_person(std::string_view one, std::string_view other);

}  // namespace onshi::organisations
