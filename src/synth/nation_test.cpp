#include "synth/nation.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/sha256.h"
#include "synth/test_support.h"
#include "synth/text.h"

namespace onshi::synth {
namespace {

const Nation& nation_one() {
    static const Nation made = *Nation::create({});
    return made;
}

// ---- The same for ever
// ------------------------------------------------------------------------------------------------

TEST(synth_nation, the_nation_of_seed_one_is_always_the_same) {
    std::string bytes;
    ByteWriter out(bytes);
    PersonMaker maker(nation_one());
    for (std::uint64_t index = 0; index < 1'000; ++index) append_fingerprint(maker.make(index), out);
    for (const SyntheticInsurer& insurer : nation_one().organisations().insurers()) {
        out.text(insurer.number.issued());
        out.text(insurer.name);
    }
    for (std::uint32_t index = 0; index < 100; ++index) {
        const SyntheticFacility facility = nation_one().organisations().facility(index);
        out.text(facility.code.text());
        out.text(facility.name);
        out.u8(facility.terminals);
    }
    // Changes whenever a table, rate or draw changes: every nation made before is then another one. Say so in the
    // commit.
    EXPECT_EQ(to_hex(sha256(as_bytes(bytes))), "a0c6d36c2d9b17069be7556b2450f29f2d26ae9680b023dec060057823c8f21d");
}

TEST(synth_nation, a_person_is_the_same_alone_in_order_and_in_reverse) {
    PersonMaker forwards(nation_one());
    PersonMaker backwards(nation_one());
    std::vector<std::string> seen;
    for (std::uint64_t index = 4'900; index < 5'300; ++index) seen.push_back(fingerprint(forwards.make(index)));
    for (std::uint64_t index = 5'300; index-- > 4'900;) {
        EXPECT_EQ(fingerprint(backwards.make(index)), seen[index - 4'900]) << index;
        EXPECT_EQ(fingerprint(nation_one().person(index)), seen[index - 4'900]) << index;
    }
}

TEST(synth_nation, another_seed_gives_other_people) {
    NationSettings settings;
    settings.seed = 2;
    const auto other = Nation::create(settings);
    ASSERT_TRUE(other.has_value());
    int equal_names = 0;
    for (std::uint64_t index = 0; index < 1'000; ++index)
        equal_names += other->person(index).name == nation_one().person(index).name;
    EXPECT_LT(equal_names, 10);
    EXPECT_NE(other->individual_number(0), nation_one().individual_number(0));
}

TEST(synth_nation, settings_out_of_range_are_refused) {
    const auto refused = [](auto change) {
        NationSettings settings;
        change(settings);
        const auto made = Nation::create(settings);
        return !made && made.error().code == ErrorCode::synth_settings;
    };
    EXPECT_TRUE(refused([](NationSettings& s) { s.as_of = Date::of(2024, 12, 1); }));
    EXPECT_FALSE(refused([](NationSettings& s) { s.as_of = Date::of(2024, 12, 2); }));
    EXPECT_FALSE(refused([](NationSettings& s) { s.as_of = Date::of(2035, 12, 31); }));
    EXPECT_TRUE(refused([](NationSettings& s) { s.as_of = Date::of(2036, 1, 1); }));
    EXPECT_FALSE(refused([](NationSettings& s) { s.rates.wrong_link = 1'000'000'000; }));
    EXPECT_TRUE(refused([](NationSettings& s) { s.rates.wrong_link = 1'000'000'001; }));
    EXPECT_TRUE(refused([](NationSettings& s) { s.rates.future_job = 1'000'000'001; }));
}

TEST(synth_nation, the_truth_about_a_person_is_what_was_planted) {
    for (std::uint64_t index = 0; index < 500; ++index) {
        const SyntheticPerson person = nation_one().person(index);
        EXPECT_TRUE(std::ranges::equal(nation_one().truth(index), person.faults));
    }
}

// ---- What holds for everybody
// -------------------------------------------------------------------------------------------

TEST(synth_nation, nobody_anywhere_breaks_an_invariant) {
    const bool held = rc::check([] {
        const auto index = *rc::gen::inRange<std::uint64_t>(0, persons_max);
        const SyntheticPerson person = nation_one().person(index);
        RC_ASSERT(broken_invariant(nation_one(), person) == "");
    });
    EXPECT_TRUE(held);
    for (const std::uint64_t index : {std::uint64_t{0}, persons_max - 1}) {
        EXPECT_EQ(broken_invariant(nation_one(), nation_one().person(index)), "");
    }
}

TEST(synth_nation, nobody_breaks_an_invariant_whatever_seed_and_day) {
    const bool held = rc::check([] {
        NationSettings settings;
        settings.seed = *rc::gen::arbitrary<std::uint64_t>();
        settings.as_of = Date::of(2024, 12, 2).plus_days(*rc::gen::inRange(0, 4'046));
        const auto nation = Nation::create(settings);
        RC_ASSERT(nation.has_value());
        const auto first = *rc::gen::inRange<std::uint64_t>(0, persons_max - 100);
        PersonMaker maker(*nation);
        for (std::uint64_t index = first; index < first + 100; ++index) {
            RC_ASSERT(broken_invariant(*nation, maker.make(index)) == "");
        }
    });
    EXPECT_TRUE(held);
}

TEST(synth_nation, every_fault_at_its_highest_rate_still_fits) {
    NationSettings settings;
    constexpr std::uint32_t always = 1'000'000'000;
    settings.rates = {always, always, always, always, always, always, always, always, always, always, always};
    const auto nation = Nation::create(settings);
    ASSERT_TRUE(nation.has_value());
    PersonMaker maker(*nation);
    std::size_t records = 0;
    std::size_t faults = 0;
    for (std::uint64_t index = 0; index < 20'000; ++index) {
        const SyntheticPerson& person = maker.make(index);
        ASSERT_EQ(broken_invariant(*nation, person), "") << index;
        records = std::max(records, person.coverages.size());
        faults = std::max(faults, person.faults.size());
        if (person.protection != ProtectionRole::none) continue;
        for (const SyntheticCoverage& record : person.coverages) ASSERT_NE(record.state, CoverageState::active);
    }
    EXPECT_LT(records, coverage_records_max);
    EXPECT_LT(faults, faults_max);
}

TEST(synth_nation, an_index_beyond_the_limit_is_a_bug) {
    EXPECT_DEATH(static_cast<void>(nation_one().person(persons_max)), "persons_max");
    EXPECT_DEATH(static_cast<void>(nation_one().individual_number(persons_max)), "persons_max");
    EXPECT_DEATH(static_cast<void>(nation_one().organisations().facility(facilities_max)), "facilities_max");
}

// ---- Numbers nobody shares
// ----------------------------------------------------------------------------------------------

TEST(synth_nation, symbol_number_and_branch_belong_to_one_person_of_an_insurer) {
    struct Key {
        std::uint64_t insurer_and_branch;
        std::uint64_t symbol_and_number;
        std::uint64_t person;
        auto operator<=>(const Key&) const = default;
    };
    std::vector<Key> keys;
    PersonMaker maker(nation_one());
    // Two stretches a thousand cycles of prefectures apart: the same slots, other numbers.
    for (const auto& [from, count] : {std::pair{0U, 130'000U}, std::pair{125'000'000U, 20'000U}}) {
        for (std::uint64_t index = from; index < from + count; ++index) {
            for (const SyntheticCoverage& record : maker.make(index).coverages) {
                const auto branch =
                    record.identity.branch ? static_cast<std::uint64_t>(record.identity.branch->value()) : 100U;
                keys.push_back({std::uint64_t{record.insurer} * 128 + branch,
                                (std::uint64_t{record.identity.symbol} << 32U) | record.identity.number, index});
            }
        }
    }
    std::ranges::sort(keys);
    std::size_t shared = 0;
    for (std::size_t i = 1; i < keys.size(); ++i) {
        const bool same = keys[i].insurer_and_branch == keys[i - 1].insurer_and_branch &&
                          keys[i].symbol_and_number == keys[i - 1].symbol_and_number;
        shared += same && keys[i].person != keys[i - 1].person;
    }
    EXPECT_GT(keys.size(), 180'000U);
    EXPECT_EQ(shared, 0U);
}

TEST(synth_nation, individual_numbers_and_serials_are_unique_and_serials_grow_with_the_index) {
    std::set<std::uint64_t> numbers;
    std::map<int, std::uint32_t> newest;
    PersonMaker maker(nation_one());
    for (std::uint64_t index = 0; index < 30'000; ++index) {
        EXPECT_TRUE(numbers.insert(nation_one().individual_number(index)).second);
        const SyntheticPerson& person = maker.make(index);
        if (!person.card) continue;
        std::uint32_t& last = newest[person.card->certificate.ca_generation];
        EXPECT_GT(person.card->certificate.serial, last) << index;
        last = person.card->certificate.serial;
    }
    EXPECT_EQ(newest.size(), 3U);
}

// ---- Families
// -----------------------------------------------------------------------------------------------------------

TEST(synth_nation, families_share_home_and_numbers_and_children_are_younger_than_their_mothers) {
    PersonMaker maker(nation_one());
    SyntheticPerson head;
    Date mother = Date::open_end;
    int families = 0;
    int with_head = 0;
    for (std::uint64_t index = 0; index < 30'000; ++index) {
        const SyntheticPerson& person = maker.make(index);
        if (person.household_head == index) {
            head = person;
            mother = Date::open_end;
        }
        if (person.sex == Sex::female && (person.role == Role::head || person.role == Role::spouse))
            mother = person.birth_date;
        EXPECT_EQ(person.household_head, head.index);
        EXPECT_EQ(person.address, head.address);
        EXPECT_EQ(person.head_name.family, head.name.family);
        EXPECT_EQ(person.head_name.given, head.name.given);
        EXPECT_EQ(person.nationality, head.nationality);
        if (person.role == Role::child && head.role == Role::head) EXPECT_EQ(person.name.family, head.name.family);
        if (person.role == Role::child && mother != Date::open_end)
            EXPECT_GT(person.birth_date - mother, 16 * 365) << index;
        if (person.role == Role::elder) EXPECT_LT(person.birth_date, head.birth_date);
        for (const SyntheticCoverage& record : person.coverages) {
            if (record.relation != Relation::family) continue;
            ++families;
            const auto same_number = [&record](const SyntheticCoverage& heads) {
                return heads.relation == Relation::insured && heads.insurer == record.insurer &&
                       heads.identity.symbol == record.identity.symbol &&
                       heads.identity.number == record.identity.number;
            };
            const auto found = std::ranges::find_if(head.coverages, same_number);
            if (found == head.coverages.end()) continue;
            ++with_head;
            EXPECT_NE(found->identity.branch, record.identity.branch) << index;
        }
    }
    // The others: heads over 75, whose families stay in 国保 under their number, and families of 自衛官.
    EXPECT_GT(with_head, families * 9 / 10);
    EXPECT_GT(families, 6'000);
}

TEST(synth_nation, siblings_of_one_birth_share_day_and_number_and_differ_by_branch) {
    int pairs = 0;
    PersonMaker maker(nation_one());
    for (std::uint64_t index = 0; index < 60'000; ++index) {
        const SyntheticPerson& person = maker.make(index);
        for (const Fault& fault : person.faults) {
            if (fault.kind != FaultKind::same_birth_siblings) continue;
            const SyntheticPerson other = nation_one().person(fault.other);
            ++pairs;
            EXPECT_EQ(other.birth_date, person.birth_date);
            EXPECT_EQ(other.household_head, person.household_head);
            const bool mutual = std::ranges::any_of(
                other.faults, [](const Fault& theirs) { return theirs.kind == FaultKind::same_birth_siblings; });
            EXPECT_TRUE(mutual);
            for (const SyntheticCoverage& mine : person.coverages) {
                for (const SyntheticCoverage& theirs : other.coverages) {
                    if (mine.insurer != theirs.insurer || mine.identity.number != theirs.identity.number) continue;
                    EXPECT_NE(mine.identity.branch, theirs.identity.branch);
                }
            }
        }
    }
    EXPECT_GT(pairs, 20);
}

TEST(synth_nation, people_over_75_are_in_the_late_elderly_scheme_of_their_prefecture) {
    PersonMaker maker(nation_one());
    const Date as_of = nation_one().settings().as_of;
    int late_elderly = 0;
    for (std::uint64_t index = 0; index < 20'000; ++index) {
        const SyntheticPerson& person = maker.make(index);
        for (const SyntheticCoverage& record : person.coverages) {
            if (!record.valid.contains(as_of) || record.state == CoverageState::cancelled) continue;
            const SyntheticInsurer& insurer = nation_one().organisations().insurers()[record.insurer];
            const bool over = late_elderly_start(person.birth_date) <= as_of;
            const bool in_scheme = insurer.number.scheme() == InsurerScheme::late_elderly;
            EXPECT_EQ(over, in_scheme) << index;
            if (!in_scheme) continue;
            ++late_elderly;
            EXPECT_EQ(insurer.prefecture,
                      nation_one().organisations().municipalities()[person.address.municipality].prefecture);
        }
    }
    EXPECT_GT(late_elderly, 2'000);
}

// ---- Undisclosed persons (design §9.10)
// -----------------------------------------------------------------------------------

// The person without what tells one of the trio from another: identifiers, flags, use registration.
std::string without_identifiers(SyntheticPerson person) {
    person.index = person.household_head = 0;
    person.protection = ProtectionRole::none;
    person.self_information_blocked = person.exchange_history_hidden = false;
    person.faults.clear();
    for (SyntheticCoverage& record : person.coverages) {
        record.identity.symbol = record.identity.number = 0;
        record.number_owner = 0;
    }
    if (person.card) {
        person.card->certificate.serial = 0;
        person.card->key = 0;
        person.card->use = UseRegistration::none;
        person.card->registered_on = Date();
        person.card->channel = RegistrationChannel::reader;
    }
    return fingerprint(person);
}

TEST(synth_nation, an_undisclosed_person_has_a_twin_without_flags_and_one_without_registration) {
    int trios = 0;
    int flags[2] = {0, 0};
    for (std::uint64_t index = 0; index < 100'000; ++index) {
        if (index % block_size != block_size - 3) continue;
        const SyntheticPerson flagged = nation_one().person(index);
        if (flagged.protection == ProtectionRole::none) continue;
        ++trios;
        const SyntheticPerson plain = nation_one().person(index + 1);
        const SyntheticPerson unregistered = nation_one().person(index + 2);
        ASSERT_EQ(flagged.protection, ProtectionRole::flagged);
        ASSERT_EQ(plain.protection, ProtectionRole::plain_twin);
        ASSERT_EQ(unregistered.protection, ProtectionRole::unregistered_twin);
        EXPECT_TRUE(flagged.self_information_blocked || flagged.exchange_history_hidden);
        EXPECT_FALSE(plain.self_information_blocked || plain.exchange_history_hidden);
        EXPECT_FALSE(unregistered.self_information_blocked || unregistered.exchange_history_hidden);
        flags[0] += flagged.self_information_blocked;
        flags[1] += flagged.exchange_history_hidden;
        EXPECT_EQ(without_identifiers(flagged), without_identifiers(plain));
        EXPECT_EQ(without_identifiers(flagged), without_identifiers(unregistered));
        EXPECT_EQ(flagged.card->use, UseRegistration::registered);
        EXPECT_EQ(unregistered.card->use, UseRegistration::none);
        EXPECT_TRUE(plain.card->is_usable(nation_one().settings().as_of));
        EXPECT_NE(flagged.card->certificate.serial, plain.card->certificate.serial);
        ASSERT_FALSE(flagged.coverages.empty());
        EXPECT_NE(flagged.coverages.back().identity, plain.coverages.back().identity);
        EXPECT_EQ(flagged.faults.size(), 1U);
        EXPECT_EQ(plain.faults.front().other, index);
    }
    EXPECT_EQ(trios, 50);
    EXPECT_GT(flags[0], 10);
    EXPECT_GT(flags[1], 10);
}

// ---- Rates
// --------------------------------------------------------------------------------------------------------------

struct Counted {
    double persons = 0, records = 0, current = 0, held = 0, registered = 0, rare = 0, foreign = 0, no_reading = 0,
           women = 0;
    double households = 0;
    double withheld_name = 0, withheld_birth_or_sex = 0, deceased = 0, aliases = 0, leap_births = 0, centenarians = 0;
    std::map<int, double> ages;  // by bands of ten years
    std::map<InsurerScheme, double> schemes;
    std::map<FaultKind, double> faults;
};

void count_faults(const SyntheticPerson& person, Counted& counted) {
    for (const Fault& fault : person.faults) {
        counted.faults[fault.kind] += 1;
        if (fault.kind != FaultKind::withheld) continue;
        const bool birth_or_sex = (fault.fields & (field_birth_date | field_sex)) != 0;
        (birth_or_sex ? counted.withheld_birth_or_sex : counted.withheld_name) += 1;
    }
}

void count_person(const Nation& nation, const SyntheticPerson& person, Counted& counted) {
    const Date as_of = nation.settings().as_of;
    counted.persons += 1;
    counted.households += person.household_head == person.index;
    counted.records += static_cast<double>(person.coverages.size());
    counted.rare += person.name.has_rare_glyph();
    counted.foreign += person.nationality.has_value();
    counted.aliases += person.alias.has_value();
    counted.no_reading += !person.name.has_reading();
    counted.women += person.sex == Sex::female;
    counted.deceased += person.is_deceased();
    counted.held += person.card.has_value();
    counted.registered += person.card && person.card->use == UseRegistration::registered;
    counted.leap_births += person.birth_date.month() == 2 && person.birth_date.day() == 29;
    const int age = age_on(person.birth_date, as_of).value_or(0);
    counted.centenarians += age >= 100 && !person.is_deceased();
    if (!person.is_deceased()) counted.ages[std::min(age / 10, 9)] += 1;
    count_faults(person, counted);
    for (const SyntheticCoverage& record : person.coverages) {
        if (!record.is_known(as_of) || !record.valid.contains(as_of) || record.state == CoverageState::cancelled)
            continue;
        const InsurerNumber& number = nation.organisations().insurers()[record.insurer].number;
        counted.current += 1;
        counted.schemes[number.scheme()] += 1;
        break;
    }
}

const Counted& million() {
    static const Counted counted = [] {
        Counted made;
        PersonMaker maker(nation_one());
        const auto began = std::chrono::steady_clock::now();
        for (std::uint64_t index = 0; index < 1'000'000; ++index) count_person(nation_one(), maker.make(index), made);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        std::printf("one million persons made and counted in %.2f s\n", took.count());
        return made;
    }();
    return counted;
}

TEST(synth_nation_rates, scheme_shares_are_those_of_the_published_members) {
    const Counted& counted = million();
    const auto share = [&counted](std::initializer_list<InsurerScheme> schemes) {
        double sum = 0;
        for (const InsurerScheme scheme : schemes) {
            const auto found = counted.schemes.find(scheme);
            if (found != counted.schemes.end()) sum += found->second;
        }
        return sum / counted.current;
    };
    // domain-facts §1: 40, 28, 23, 20 and 10 M of 121 M.
    EXPECT_NEAR(share({InsurerScheme::health_association}), 40.0 / 121, 0.015);
    EXPECT_NEAR(share({InsurerScheme::health_society, InsurerScheme::specified_society}), 28.0 / 121, 0.015);
    EXPECT_NEAR(share({InsurerScheme::national_health}), 23.0 / 121, 0.015);
    EXPECT_NEAR(share({InsurerScheme::late_elderly}), 20.0 / 121, 0.015);
    EXPECT_NEAR(share({InsurerScheme::national_public_servants, InsurerScheme::local_public_servants,
                       InsurerScheme::police, InsurerScheme::schools, InsurerScheme::self_defence}),
                10.0 / 121, 0.015);
    // 160 M records of 120 M insured (domain-rules EL-1).
    EXPECT_NEAR(counted.records / counted.persons, 160.0 / 120, 0.06);
}

TEST(synth_nation_rates, ages_and_sexes_are_those_of_the_country) {
    const Counted& counted = million();
    const double living = counted.persons - counted.deceased;
    // Population by bands of ten years, 2024, of 124.4 M.
    constexpr std::array<double, 10> bands{8.61, 10.71, 12.83, 13.42, 16.46, 18.34, 14.88, 16.27, 10.12, 2.785};
    for (int band = 0; band < 10; ++band) {
        const double expected = bands[static_cast<std::size_t>(band)] / 124.425;
        EXPECT_NEAR(counted.ages.at(band) / living, expected, 0.08 * expected) << band * 10;
    }
    EXPECT_NEAR(counted.women / counted.persons, 0.513, 0.01);
    EXPECT_NEAR(counted.centenarians / living, 0.0008, 0.0003);
    EXPECT_NEAR(counted.leap_births / counted.persons, 1.0 / 1461, 0.0002);
}

TEST(synth_nation_rates, households_are_as_large_as_in_the_census) {
    EXPECT_NEAR(million().persons / million().households, 2.21, 0.03);
}

TEST(synth_nation_rates, names_and_cards_have_their_published_shares) {
    const Counted& counted = million();
    EXPECT_NEAR(counted.rare / counted.persons, 0.044, 0.001);
    EXPECT_NEAR(counted.foreign / counted.persons, 0.028, 0.003);
    EXPECT_GT(counted.aliases, 1'000);
    EXPECT_NEAR(counted.no_reading / counted.persons, 0.005 + 0.25 * 0.028, 0.001);
    EXPECT_NEAR(counted.held / counted.persons, 0.81, 0.01);
    EXPECT_NEAR(counted.registered / counted.held, 0.898, 0.005);
}

TEST(synth_nation_rates, faults_come_at_their_published_rates) {
    const Counted& counted = million();
    const auto per_million = [&counted](FaultKind kind) {
        const auto found = counted.faults.find(kind);
        return found == counted.faults.end() ? 0.0 : found->second * 1e6 / counted.persons;
    };
    EXPECT_NEAR(counted.withheld_name / counted.records, 1.39 / 160, 0.0003);
    EXPECT_NEAR(counted.withheld_birth_or_sex / counted.records, 2'779 / 160e6, 12e-6);
    EXPECT_NEAR(per_million(FaultKind::wrong_link), 8'351 / 82.08, 35);
    EXPECT_NEAR(per_million(FaultKind::ratio_wrong), 5'695 / 121.0, 25);
    EXPECT_DOUBLE_EQ(per_million(FaultKind::protection_flagged), 500);
    EXPECT_DOUBLE_EQ(per_million(FaultKind::protection_plain_twin), 500);
}

TEST(synth_nation_rates, every_kind_of_fault_occurs_in_a_million) {
    for (int kind = 0; kind <= static_cast<int>(FaultKind::protection_unregistered_twin); ++kind) {
        EXPECT_GT(million().faults.count(static_cast<FaultKind>(kind)), 0U) << fault_name(static_cast<FaultKind>(kind));
    }
}

}  // namespace
}  // namespace onshi::synth
