#include "synth/naming.h"

#include <span>

namespace onshi::synth {

namespace {

// Together, and without foreign residents, 4.4 % of persons (design §7).
constexpr std::uint32_t rare_surname_per_billion = 40'500'000;
constexpr std::uint32_t rare_given_name_per_billion = 5'000'000;
constexpr std::uint32_t reading_missing_per_billion = 5'000'000;            // chosen
constexpr std::uint32_t foreign_reading_missing_per_billion = 250'000'000;  // chosen
constexpr std::uint32_t alias_percent = 12;                                 // of foreign residents; chosen
constexpr std::uint32_t alias_percent_of_koreans = 50;                      // chosen
constexpr std::uint32_t other_surname_of_elder_percent = 25;

PersonName name_of(const Surname& family, const GivenName& given) {
    return {family.text, given.text, family.text,          given.text,
            family.kana, given.kana, NameScript::japanese, Glyphs::plain};
}

const Surname& draw_surname(const NationTables& tables, const Draws& draws, Field field) {
    return surnames()[tables.surname_pick.at(draws.bits(field))];
}

PersonName japanese_name(const NationTables& tables, const Draws& family_draws, const Draws& own, Sex sex, Date birth) {
    const auto fashion = given_names(sex, birth.year());
    const GivenName& given = fashion[own.below(static_cast<std::uint32_t>(fashion.size()), Field::given_name)];
    PersonName name = name_of(draw_surname(tables, family_draws, Field::surname), given);
    if (family_draws.per_billion(rare_surname_per_billion, Field::rare_surname)) {
        const RareSurname& rare = rare_surnames()[tables.rare_surname_pick.at(family_draws.bits(Field::surname, 1))];
        name.family = rare.text;
        name.family_plain = rare.plain;
        name.family_kana = rare.kana;
        name.glyphs = rare.glyphs;
    }
    if (own.per_billion(rare_given_name_per_billion, Field::rare_given_name)) {
        const auto rare_names = rare_given_names();
        const RareGivenName& rare =
            rare_names[own.below(static_cast<std::uint32_t>(rare_names.size() / 2), Field::given_name, 1) +
                       (sex == Sex::female ? rare_names.size() / 2 : 0)];
        name.given = rare.text;
        name.given_plain = rare.plain;
        name.given_kana = rare.kana;
        if (!name.has_rare_glyph()) name.glyphs = rare.glyphs;
    }
    return name;
}

PersonName latin_name(const NationalityNames& names, const Draws& family_draws, const Draws& own, Sex sex) {
    const auto pick = [](std::span<const GivenName> from, std::uint64_t bits) -> const GivenName& {
        return from[Draws::scaled(bits, static_cast<std::uint32_t>(from.size()))];
    };
    const GivenName& family = pick(names.families, family_draws.bits(Field::surname));
    const GivenName& given = pick(sex == Sex::female ? names.female : names.male, own.bits(Field::given_name));
    return {family.text, given.text, family.text,       given.text,
            family.kana, given.kana, NameScript::latin, Glyphs::plain};
}

bool shares_surname(const Household& household, std::uint32_t member, const Draws& draws) {
    const Role role = household.members[member].role;
    if (member == 0 || role == Role::child) return true;
    if (role == Role::elder) return !draws.percent(other_surname_of_elder_percent, Field::own_surname);
    // Spouses keep their names in China, Viet Nam and Korea.
    return !household.nationality || *household.nationality > Nationality::korea;
}

}  // namespace

PersonName registered_name(const NationTables& tables, const Household& household, std::uint32_t member) {
    const Draws own = household.draws_of(tables, member);
    const Draws family = shares_surname(household, member, own) ? household.draws_of(tables, 0) : own;
    const Member& self = household.members[member];
    if (household.nationality) return latin_name(names_of(*household.nationality), family, own, self.sex);
    return japanese_name(tables, family, own, self.sex, self.birth);
}

std::optional<PersonName> draw_alias(const NationTables& tables, const Household& household, std::uint32_t member) {
    if (!household.nationality) return std::nullopt;
    const Draws own = household.draws_of(tables, member);
    const std::uint32_t share = *household.nationality == Nationality::korea ? alias_percent_of_koreans : alias_percent;
    if (!own.percent(share, Field::alias)) return std::nullopt;
    const Member& self = household.members[member];
    const auto fashion = given_names(self.sex, self.birth.year());
    const GivenName& given = fashion[own.below(static_cast<std::uint32_t>(fashion.size()), Field::alias, 1)];
    return name_of(draw_surname(tables, household.draws_of(tables, 0), Field::other_surname), given);
}

const Surname& draw_other_surname(const PersonName& name, const Draws& draws) {
    const auto table = surnames();
    const auto count = static_cast<std::uint32_t>(table.size());
    std::uint32_t other = draws.below(count, Field::other_surname, 1);
    while (table[other].kana == name.family_kana || table[other].text == name.family_plain) other = (other + 1) % count;
    return table[other];
}

void drop_missing_reading(const Household& household, const Draws& draws, PersonName& name) {
    const std::uint32_t rate =
        household.nationality ? foreign_reading_missing_per_billion : reading_missing_per_billion;
    if (draws.per_billion(rate, Field::reading_missing)) name.family_kana = name.given_kana = {};
}

}  // namespace onshi::synth
