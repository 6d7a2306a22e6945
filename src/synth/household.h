#pragma once

#include <cstdint>
#include <optional>

#include <boost/container/static_vector.hpp>

#include "base/date.h"
#include "base/identifiers.h"
#include "synth/nation_tables.h"
#include "synth/person.h"

namespace onshi::synth {

enum class Scheme : std::uint8_t {
    association,
    society,
    mutual_aid,
    national,
    trade_society,
    self_defence,
    seamen,
    retired_society,
    late_elderly
};

// A time during which one person has one insurer in their own right.
struct Segment {
    Date first;
    Date last;  // Date::open_end: still
    Scheme scheme;
    std::uint16_t insurer;
    std::uint16_t family_insurer;  // where dependants belong; another one for the families of 自衛官
    std::uint8_t ordinal;          // tells apart the jobs of one person in their numbers
};

// Whether somebody told the insurer.
enum class Notice : std::uint8_t { given, never_given };

inline constexpr std::size_t segments_max = 6;
// 後期高齢者医療 began on this day; those who were 75 before joined it then.
inline constexpr Date scheme_of_late_elderly_start = Date::of(2008, 4, 1);
inline constexpr std::uint32_t jobs_max = 6;  // ordinals 0..5; the last is that of a job which never began

struct Path {
    boost::container::static_vector<Segment, segments_max> segments;  // in order of time, without overlap
    // Never given: the last segment exists in law only, and no registry knows it.
    Notice last_notice = Notice::given;
};

enum class Siblings : std::uint8_t { apart, born_with_previous };

struct Member {
    Date birth;
    Date late_elderly_from;  // 75th birthday; Date::open_end when it is more than a year ahead
    Sex sex;
    Role role;
    Siblings siblings;
};

// Persons who live together, and what they share. A value; thread-safe.
struct Household {
    std::uint64_t head = 0;  // index
    std::uint64_t key = 0;   // index whose draws count: that of the flagged person for a whole trio, else `head`
    std::uint32_t size = 0;
    HouseholdKind kind = HouseholdKind::single;
    ProtectionRole protection = ProtectionRole::none;
    std::uint16_t municipality = 0;
    std::uint8_t prefecture = 1;
    SyntheticAddress address;
    SyntheticAddress old_address;
    std::optional<Nationality> nationality;
    std::uint32_t income = 0;  // 0 .. 999: place in the order of incomes
    std::array<Member, household_size_max> members{};
    Path path;       // of the head, up to the 75th birthday
    Path followers;  // of members without a job: the head's path, then 国保 when the head leaves it at 75
    Date welfare_from = Date::open_end;  // 生活保護: leaves 国保 and late-elderly

    // Draws about a member. A trio shares them.
    [[nodiscard]] Draws draws_of(const NationTables& tables, std::uint32_t member) const {
        return {tables.settings.seed, key + member};
    }
    // Number space: see NationTables::rank_in_prefecture. A trio shares a place, so it counts as one household of
    // three.
    [[nodiscard]] std::uint32_t rank_in_prefecture(const NationTables& tables, std::uint32_t member) const {
        return tables.rank_in_prefecture(key, static_cast<std::uint32_t>(head - key) + member);
    }
};

void make_household(const NationTables& tables, std::uint64_t head, std::uint32_t size, Household& out);

// The jobs of a person born on `birth`, who may work from `works_from` on.
void make_path(const NationTables& tables, const Household& household, const Draws& draws, Date birth, Date works_from,
               Path& out);

}  // namespace onshi::synth
