#include "synth/household.h"

#include <algorithm>

#include "base/ensure.h"

namespace onshi::synth {

namespace {

constexpr std::uint32_t oldest = 109;
constexpr std::uint32_t youngest_worker = 18;
constexpr std::int32_t days_between_births_min = 400;
constexpr std::int32_t days_between_births_spread = 3 * 365;
constexpr std::uint32_t foreign_per_billion = 37'000'000;     // of households under 70: 2.8 % of persons
constexpr std::uint32_t same_birth_per_billion = 16'000'000;  // of younger siblings: about 1 % of births are of twins
constexpr std::uint32_t welfare_per_billion = 75'000'000;     // of households in 国保 or 75+: about 2 M persons

struct Shape {
    HouseholdKind kind;
    std::uint32_t children;
    std::uint32_t elders;
};

Shape draw_shape(std::uint32_t size, std::uint32_t roll) {
    switch (size) {
        case 1: return {HouseholdKind::single, 0, 0};
        case 2: return roll < 70 ? Shape{HouseholdKind::couple, 0, 0} : Shape{HouseholdKind::parent, 1, 0};
        case 3:
            if (roll < 76) return {HouseholdKind::couple_with_children, 1, 0};
            return roll < 86 ? Shape{HouseholdKind::parent, 2, 0} : Shape{HouseholdKind::couple_with_elders, 0, 1};
        case 4:
            return roll < 85 ? Shape{HouseholdKind::couple_with_children, 2, 0}
                             : Shape{HouseholdKind::couple_with_elders, 1, 1};
        case 5:
            return roll < 60 ? Shape{HouseholdKind::couple_with_children, 3, 0}
                             : Shape{HouseholdKind::couple_with_elders, 2, 1};
        default:
            return roll < 30 ? Shape{HouseholdKind::couple_with_children, 4, 0}
                             : Shape{HouseholdKind::couple_with_elders, 2, 2};
    }
}

// Percent of women among those who live alone and among single parents, in bands of ten years of age: fitted to the
// sexes of the age pyramid.
constexpr std::array<std::uint32_t, 11> alone_female{45, 45, 44, 26, 22, 42, 44, 56, 76, 90, 96};
constexpr std::array<std::uint32_t, 11> parent_female{85, 85, 85, 74, 74, 82, 84, 86, 88, 92, 96};

Sex draw_head_sex(const Draws& draws, HouseholdKind kind, std::uint32_t age) {
    const std::size_t band = std::min<std::size_t>(age / 10, alone_female.size() - 1);
    std::uint32_t female = 15;
    if (kind == HouseholdKind::single) female = alone_female[band];
    if (kind == HouseholdKind::parent) female = parent_female[band];
    return draws.percent(female, Field::head_sex) ? Sex::female : Sex::male;
}

Sex other_sex(Sex sex) {
    return sex == Sex::female ? Sex::male : Sex::female;
}

// Somebody who has that age on `as_of`.
Date born(Date as_of, std::uint32_t age, std::uint32_t day_of_year) {
    return as_of.plus_days(-static_cast<std::int64_t>((std::uint64_t{age} * 146'097 + 399) / 400 + day_of_year));
}

// Fills the members one after the other.
class MemberList {
  public:
    MemberList(Household& household, Date as_of) : household_(household), as_of_(as_of) {}

    void add(Role role, Sex sex, Date birth, Siblings siblings = Siblings::apart) {
        const bool near = as_of_ - birth > 74 * 365;
        household_.members[count_++] = {birth, near ? late_elderly_start(birth) : Date::open_end, sex, role, siblings};
    }
    void add_children(const Draws& draws, std::uint32_t children, std::uint32_t mother_age);
    void add_elders(const Draws& draws, std::uint32_t elders, std::uint32_t head_age);
    [[nodiscard]] std::uint32_t count() const { return count_; }

  private:
    Household& household_;
    Date as_of_;
    std::uint32_t count_ = 0;
};

void MemberList::add_children(const Draws& draws, std::uint32_t children, std::uint32_t mother_age) {
    if (children == 0) return;
    const std::int32_t drawn = static_cast<std::int32_t>(mother_age) - 30 - draws.bell(4, Field::first_child_age);
    const std::uint32_t oldest_possible = mother_age > 17 ? mother_age - 17 : 0;
    std::uint32_t first_age =
        drawn >= 0 ? static_cast<std::uint32_t>(drawn) : draws.below(5, Field::first_child_age, 1);
    first_age = std::min(first_age, oldest_possible);
    std::array<std::int32_t, household_size_max> gaps{};
    std::int32_t total = 0;
    for (std::uint32_t child = 1; child < children; ++child) {
        if (draws.per_billion(same_birth_per_billion, Field::same_birth_siblings, child)) continue;
        gaps[child] = days_between_births_min + draws.between(0, days_between_births_spread, Field::child_gap, child);
        total += gaps[child];
    }
    // The first must be old enough for the others to be born by now, but the mother not a child herself.
    Date birth = born(as_of_, first_age, draws.below(365, Field::birth_day));
    if (birth.plus_days(total) > as_of_) birth = as_of_.plus_days(-total - draws.between(0, 300, Field::birth_day, 1));
    const Date earliest = as_of_.plus_days(-std::int64_t{oldest_possible} * 365 - 364);
    birth = std::max(birth, earliest);
    for (std::uint32_t child = 0; child < children; ++child) {
        const Date next = birth.plus_days(gaps[child]);
        // A mother of eighteen with three children: those that time leaves no room for are born together.
        if (next <= as_of_) birth = next;
        const bool together = child > 0 && (gaps[child] == 0 || next > as_of_);
        add(Role::child, draws.below(1'000, Field::sex, 16 + child) < 487 ? Sex::female : Sex::male, birth,
            together ? Siblings::born_with_previous : Siblings::apart);
    }
}

void MemberList::add_elders(const Draws& draws, std::uint32_t elders, std::uint32_t head_age) {
    Sex sex = draws.percent(head_age < 60 ? 72 : 88, Field::sex, 32) ? Sex::female : Sex::male;
    for (std::uint32_t elder = 0; elder < elders; ++elder) {
        const std::int32_t age =
            static_cast<std::int32_t>(head_age) + 29 + draws.bell(elder == 0 ? 3 : 1, Field::elder_age, elder);
        add(Role::elder, sex,
            born(as_of_, std::min(static_cast<std::uint32_t>(age), oldest),
                 draws.below(365, Field::birth_day, 32 + elder)));
        sex = other_sex(sex);
    }
}

void make_members(const NationTables& tables, const Draws& draws, Household& out) {
    const Date as_of = tables.settings.as_of;
    const Shape shape = draw_shape(out.size, draws.below(100, Field::household_kind));
    out.kind = shape.kind;
    std::uint32_t age = tables.head_age(shape.kind, draws.bits(Field::head_age));
    if (out.protection != ProtectionRole::none) age = 25 + draws.below(40, Field::trio_age);
    const Sex sex = draw_head_sex(draws, shape.kind, age);
    MemberList members(out, as_of);
    members.add(Role::head, sex, born(as_of, age, draws.below(365, Field::head_birth_day)));
    std::uint32_t mother_age = age;
    const bool couple = shape.kind != HouseholdKind::single && shape.kind != HouseholdKind::parent;
    if (couple) {
        const std::int32_t apart = (sex == Sex::male ? -2 : 2) + draws.bell(2, Field::spouse_age);
        const std::int32_t spouse_age =
            std::clamp(static_cast<std::int32_t>(age) + apart, static_cast<std::int32_t>(youngest_worker),
                       static_cast<std::int32_t>(oldest));
        members.add(Role::spouse, other_sex(sex),
                    born(as_of, static_cast<std::uint32_t>(spouse_age), draws.below(365, Field::birth_day, 16)));
        if (sex == Sex::male) mother_age = static_cast<std::uint32_t>(spouse_age);
    }
    members.add_children(draws, shape.children, mother_age);
    members.add_elders(draws, shape.elders, age);
    ENSURE(members.count() == out.size);
    if (out.protection == ProtectionRole::none && age < 70 && draws.per_billion(foreign_per_billion, Field::foreign)) {
        out.nationality = static_cast<Nationality>(tables.nationality_pick.at(draws.bits(Field::nationality)));
    }
}

// Parts of 1,000, so that all members together come near the members by scheme of domain-facts §1.
Scheme draw_scheme_of_worker(std::uint32_t roll) {
    if (roll < 460) return Scheme::association;
    if (roll < 730) return Scheme::society;
    if (roll < 835) return Scheme::mutual_aid;
    if (roll < 838) return Scheme::self_defence;
    if (roll < 839) return Scheme::seamen;
    return roll < 973 ? Scheme::national : Scheme::trade_society;
}

// From 65 on.
Scheme draw_scheme_of_senior(std::uint32_t roll) {
    if (roll < 200) return Scheme::association;
    if (roll < 270) return Scheme::society;
    if (roll < 295) return Scheme::mutual_aid;
    if (roll < 300) return Scheme::retired_society;
    return roll < 975 ? Scheme::national : Scheme::trade_society;
}

Scheme draw_past_scheme(std::uint32_t roll) {
    if (roll < 450) return Scheme::association;
    if (roll < 680) return Scheme::society;
    if (roll < 740) return Scheme::mutual_aid;
    return roll < 990 ? Scheme::national : Scheme::trade_society;
}

std::uint16_t draw_mutual_aid(const Organisations& organisations, const Household& household, const Draws& draws,
                              std::uint32_t ordinal) {
    const Organisations::Runs& runs = organisations.runs();
    const std::uint32_t roll = draws.below(100, Field::insurer, ordinal);
    if (roll < 22)
        return runs.national_servants.at(draws.below(runs.national_servants.count, Field::insurer_skew, ordinal));
    if (roll < 70) return runs.local_servants.at(household.prefecture - 1U);
    if (roll < 78) return runs.local_servants.at(prefecture_count + draws.below(14, Field::insurer_skew, ordinal));
    if (roll < 86) return runs.police.first;
    return runs.schools.at(draws.below(runs.schools.count, Field::insurer_skew, ordinal));
}

std::uint16_t draw_insurer(const NationTables& tables, const Household& household, const Draws& draws, Scheme scheme,
                           std::uint32_t ordinal) {
    const Organisations& organisations = tables.organisations;
    const Organisations::Runs& runs = organisations.runs();
    const std::uint32_t prefecture = household.prefecture - 1U;
    switch (scheme) {
        case Scheme::association: return runs.association.at(prefecture);
        case Scheme::society: {
            const std::uint32_t living = runs.societies.count - Organisations::dissolved_societies;
            return runs.societies.at(draws.skewed(living, Field::insurer, Field::insurer_skew, ordinal));
        }
        case Scheme::mutual_aid: return draw_mutual_aid(organisations, household, draws, ordinal);
        case Scheme::national: return organisations.municipalities()[household.municipality].national_insurer;
        case Scheme::trade_society: {
            const IndexRun& run = runs.trade_societies[prefecture];
            return run.at(draws.below(run.count, Field::insurer, ordinal));
        }
        case Scheme::self_defence: return runs.self_defence.first;
        case Scheme::seamen: return runs.seamen.first;
        case Scheme::retired_society:
            return runs.retired_societies.at(draws.below(runs.retired_societies.count, Field::insurer, ordinal));
        case Scheme::late_elderly: return runs.late_elderly.at(prefecture);
    }
    return 0;
}

using Starts = boost::container::static_vector<Date, segments_max>;

// First days of jobs, the last one at present: most people keep theirs, some changed once or more in six years (chosen
// so that a quarter of all records are past ones, domain-rules EL-1).
Starts draw_starts(const Draws& draws, Date as_of, Date works_from) {
    const std::uint32_t roll = draws.below(100, Field::changes);
    const std::uint32_t changes = roll < 78 ? 0 : (roll < 94 ? 1 : (roll < 98 ? 2 : 3));
    Starts starts;
    for (std::uint32_t k = 0; k < changes; ++k) {
        Date day = as_of.plus_days(-std::int64_t{draws.below(2'090, Field::change_day, k)});
        if (draws.percent(70, Field::change_snap, k)) day = day.first_of_month();
        starts.push_back(day);
    }
    std::ranges::sort(starts);
    const Date latest = (starts.empty() ? as_of : starts.front()).plus_days(-90);
    Date first = works_from;
    if (latest > works_from) {
        const std::int32_t span = std::min(latest - works_from, 20 * 365);
        first =
            latest.plus_days(-std::int64_t{draws.below(static_cast<std::uint32_t>(span) + 1, Field::first_job_day)});
        first = std::max(first.first_of_month(), works_from);
    }
    Starts kept;
    kept.push_back(first);
    for (const Date day : starts) {
        if (day - kept.back() >= 45) kept.push_back(day);
    }
    return kept;
}

void add_segment(Path& path, Date first, Scheme scheme, std::uint16_t insurer, std::uint16_t family_insurer) {
    if (!path.segments.empty()) path.segments.back().last = first.plus_days(-1);
    path.segments.push_back(
        {first, Date::open_end, scheme, insurer, family_insurer, static_cast<std::uint8_t>(path.segments.size())});
}

// What members without a job of their own are covered by: the head's insurer, and 国保 once the head is late-elderly.
void make_followers(const NationTables& tables, Household& household) {
    household.followers = household.path;
    const Date leaves = household.members[0].late_elderly_from;
    auto& segments = household.followers.segments;
    while (!segments.empty() && segments.back().first >= leaves) {
        segments.pop_back();
        household.followers.last_notice = Notice::given;
    }
    const std::uint16_t national = tables.organisations.municipalities()[household.municipality].national_insurer;
    if (leaves == Date::open_end || (!segments.empty() && segments.back().scheme == Scheme::national)) return;
    const Date from = std::max(leaves, scheme_of_late_elderly_start);
    if (!segments.empty() && segments.back().last >= from) segments.back().last = from.plus_days(-1);
    segments.push_back({from, Date::open_end, Scheme::national, national, national, 0});
}

SyntheticAddress draw_address(std::uint16_t municipality, const Draws& draws, std::uint32_t ordinal) {
    const std::uint64_t word = draws.bits(Field::address, ordinal);
    const std::uint64_t home = draws.bits(Field::building, ordinal);
    SyntheticAddress address;
    address.municipality = municipality;
    address.town = static_cast<std::uint8_t>(word % town_names().size());
    address.chome = static_cast<std::uint8_t>((word >> 8U) % 6);
    address.block = static_cast<std::uint8_t>(1 + (word >> 16U) % 40);
    address.house = static_cast<std::uint8_t>(1 + (word >> 24U) % 30);
    if (home % 100 < 40) {
        address.building = static_cast<std::uint8_t>(1 + (home >> 8U) % building_names().size());
        address.room = static_cast<std::uint16_t>((1 + (home >> 16U) % 14) * 100 + 1 + (home >> 24U) % 12);
    }
    return address;
}

void make_addresses(const Draws& draws, Household& household) {
    household.address = draw_address(household.municipality, draws, 0);
    household.old_address = draw_address(household.municipality, draws, 1);
    // The old address must not be the present one.
    if (household.old_address.house == household.address.house) ++household.old_address.house;
}

}  // namespace

void make_path(const NationTables& tables, const Household& household, const Draws& draws, Date birth, Date works_from,
               Path& out) {
    const Date as_of = tables.settings.as_of;
    const FaultRates& rates = tables.settings.rates;
    const bool ordinary = household.protection == ProtectionRole::none;
    out.segments.clear();
    const Starts starts = draw_starts(draws, as_of, works_from);
    const auto draw_present_scheme = as_of - birth > 65 * 365 ? draw_scheme_of_senior : draw_scheme_of_worker;
    for (std::uint32_t ordinal = 0; ordinal < starts.size(); ++ordinal) {
        const bool present = ordinal + 1 == starts.size();
        const std::uint32_t roll = draws.below(1'000, Field::scheme, ordinal);
        Scheme scheme = present ? draw_present_scheme(roll) : draw_past_scheme(roll);
        const bool again = !out.segments.empty() && out.segments.back().scheme == scheme;
        if (again && scheme != Scheme::society)
            scheme = scheme == Scheme::association ? Scheme::society : Scheme::association;
        const std::uint16_t insurer = draw_insurer(tables, household, draws, scheme, ordinal);
        std::uint16_t family = insurer;
        if (scheme == Scheme::self_defence) family = tables.organisations.runs().national_servants.first;
        add_segment(out, starts[ordinal], scheme, insurer, family);
    }
    const Scheme present = out.segments.back().scheme;
    const bool changed = out.segments.size() > 1;
    const bool silent = ordinary && changed && present == Scheme::national &&
                        draws.per_billion(rates.never_registered, Field::never_notified);
    out.last_notice = silent ? Notice::never_given : Notice::given;
    if (ordinary && present == Scheme::association && out.segments.size() + 1 < jobs_max &&
        draws.per_billion(rates.future_job, Field::future_job)) {
        const auto ordinal = static_cast<std::uint32_t>(out.segments.size());
        const std::uint16_t insurer = draw_insurer(tables, household, draws, Scheme::society, ordinal);
        add_segment(out, as_of.first_of_month().plus_months_clamped(1), Scheme::society, insurer, insurer);
    }
}

void make_household(const NationTables& tables, std::uint64_t head, std::uint32_t size, Household& out) {
    const bool trio = tables.in_trio(head);
    const auto offset = static_cast<std::uint32_t>(head % block_size) - trio_first;
    out.head = head;
    out.key = trio ? head - offset : head;
    out.size = size;
    out.protection = trio ? static_cast<ProtectionRole>(1 + offset) : ProtectionRole::none;
    out.nationality.reset();
    const Draws draws(tables.settings.seed, out.key);
    out.prefecture = tables.slot(out.key).prefecture;
    const IndexRun towns = tables.organisations.municipalities_of(out.prefecture);
    out.municipality = towns.at(draws.skewed(towns.count, Field::place, Field::place_skew));
    out.income = draws.below(1'000, Field::income);
    make_addresses(draws, out);
    make_members(tables, draws, out);

    const Date birth = out.members[0].birth;
    const Date as_of = tables.settings.as_of;
    const Date grown = birth.plus_days(youngest_worker * 365 + 5 + draws.below(4 * 365, Field::first_job));
    make_path(tables, out, draws, birth, std::min(grown, as_of.plus_days(-30)), out.path);
    make_followers(tables, out);

    const bool poor = out.path.segments.back().scheme == Scheme::national || out.members[0].late_elderly_from <= as_of;
    out.welfare_from = Date::open_end;
    if (poor && !trio && draws.per_billion(welfare_per_billion, Field::welfare)) {
        out.welfare_from = as_of.plus_days(-90 - std::int64_t{draws.below(1'700, Field::welfare_since)});
    }
}

}  // namespace onshi::synth
