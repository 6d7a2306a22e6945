#include "synth/nation.h"

#include "base/ensure.h"
#include "synth/card.h"
#include "synth/history.h"
#include "synth/household.h"
#include "synth/nation_tables.h"

namespace onshi::synth {

namespace {

constexpr Date as_of_first = Date::of(2024, 12, 2);
constexpr Date as_of_last = Date::of(2035, 12, 31);
constexpr std::uint32_t per_billion_max = 1'000'000'000;

// Together, and without foreign residents, 4.4 % of persons (design §7).
constexpr std::uint32_t rare_surname_per_billion = 40'500'000;
constexpr std::uint32_t rare_given_name_per_billion = 5'000'000;
constexpr std::uint32_t reading_missing_per_billion = 5'000'000;            // chosen
constexpr std::uint32_t foreign_reading_missing_per_billion = 250'000'000;  // chosen
constexpr std::uint32_t alias_percent = 12;  // of foreign residents, chosen; of Koreans half
constexpr std::uint32_t other_surname_of_elder_percent = 25;

// Deaths in the last year per thousand, in bands of five years from 50: about the life table of 2023.
constexpr std::array<std::uint32_t, 12> deaths_per_mille{3, 4, 7, 11, 17, 29, 52, 95, 165, 270, 390, 480};

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
    PersonName name{family.text, given.text, family.text,       given.text,
                    family.kana, given.kana, NameScript::latin, Glyphs::plain};
    return name;
}

// A person while it is being made.
class PersonWriter {
  public:
    PersonWriter(const NationTables& tables, const Household& household, std::uint64_t index, SyntheticPerson& person)
        : tables_(tables),
          household_(household),
          member_(static_cast<std::uint32_t>(index - household.head)),
          draws_(household.draws_of(tables, member_)),
          person_(person) {
        person_.index = index;
    }

    void write() {
        write_basics();
        write_names();
        write_death();
        write_protection();
        write_siblings();
        make_coverages(tables_, household_, member_, person_);
        make_card(tables_, household_, member_, person_);
    }

  private:
    void write_basics();
    void write_names();
    void write_death();
    void write_protection();
    void write_siblings();
    [[nodiscard]] bool shares_surname() const;
    [[nodiscard]] Draws household_draws() const { return {tables_.settings.seed, household_.key}; }
    [[nodiscard]] const Member& self() const { return household_.members[member_]; }

    const NationTables& tables_;
    const Household& household_;
    std::uint32_t member_;
    Draws draws_;
    SyntheticPerson& person_;
};

void PersonWriter::write_basics() {
    person_.household_head = household_.head;
    person_.role = self().role;
    person_.sex = self().sex;
    person_.birth_date = self().birth;
    // Some asked for no sex on the printed document (chosen: one in five thousand).
    person_.printed_sex = draws_.below(5'000, Field::printed_sex) == 0 ? Sex::unset : self().sex;
    person_.nationality = household_.nationality;
    person_.address = household_.address;
    person_.old_address = household_.old_address;
    person_.specific_disease = SpecificDisease::none;
    const std::uint32_t roll = draws_.below(100'000, Field::specific_disease);
    // 0.28 % on dialysis (adults), one in 12,500 with haemophilia; chosen after published counts.
    if (roll < 280 && tables_.settings.as_of - self().birth > 20 * 365)
        person_.specific_disease = SpecificDisease::renal_failure;
    if (roll >= 99'991) person_.specific_disease = roll == 99'999 ? SpecificDisease::hiv : SpecificDisease::haemophilia;
    person_.card.reset();
    person_.paper_certificate.reset();
    person_.alias.reset();
    person_.coverages.clear();
    person_.faults.clear();
}

bool PersonWriter::shares_surname() const {
    if (member_ == 0 || self().role == Role::child) return true;
    if (self().role == Role::elder) return !draws_.percent(other_surname_of_elder_percent, Field::own_surname);
    // Spouses keep their names in China, Viet Nam and Korea.
    return !household_.nationality || *household_.nationality > Nationality::korea;
}

void PersonWriter::write_names() {
    const Draws family_draws = shares_surname() ? household_draws() : draws_;
    const Sex sex = self().sex;
    if (household_.nationality) {
        person_.name = latin_name(names_of(*household_.nationality), family_draws, draws_, sex);
        const bool korean = *household_.nationality == Nationality::korea;
        if (draws_.percent(korean ? 50 : alias_percent, Field::alias)) {
            const auto fashion = given_names(sex, self().birth.year());
            const GivenName& given = fashion[draws_.below(static_cast<std::uint32_t>(fashion.size()), Field::alias, 1)];
            person_.alias = name_of(draw_surname(tables_, household_draws(), Field::other_surname), given);
        }
    } else {
        person_.name = japanese_name(tables_, family_draws, draws_, sex, self().birth);
    }
    // Must differ: the next in the table does, also in its reading.
    const std::uint32_t count = static_cast<std::uint32_t>(surnames().size());
    std::uint32_t other = draws_.below(count, Field::other_surname, 1);
    while (surnames()[other].kana == person_.name.family_kana || surnames()[other].text == person_.name.family_plain) {
        other = (other + 1) % count;
    }
    person_.other_family = surnames()[other].text;
    person_.other_family_kana = surnames()[other].kana;
    const std::uint32_t missing =
        household_.nationality ? foreign_reading_missing_per_billion : reading_missing_per_billion;
    if (draws_.per_billion(missing, Field::reading_missing)) person_.name.family_kana = person_.name.given_kana = {};
}

void PersonWriter::write_death() {
    person_.deceased_on = Date::open_end;
    const std::int32_t age = (tables_.settings.as_of - self().birth) / 365;
    if (age < 50 || household_.protection != ProtectionRole::none) return;
    // A head below 75 with a family stays alive: their dependants' insurance hangs on them.
    const bool others_depend = member_ == 0 && household_.size > 1 && age <= 76;
    const std::size_t band = std::min<std::size_t>(static_cast<std::size_t>(age - 50) / 5, deaths_per_mille.size() - 1);
    if (others_depend || draws_.below(1'000, Field::died) >= deaths_per_mille[band]) return;
    person_.deceased_on = tables_.settings.as_of.plus_days(-1 - std::int64_t{draws_.below(364, Field::died_on)});
}

void PersonWriter::write_protection() {
    person_.protection = household_.protection;
    person_.self_information_blocked = false;
    person_.exchange_history_hidden = false;
    if (household_.protection == ProtectionRole::none) return;
    const std::uint64_t flagged = household_.key;
    if (household_.protection == ProtectionRole::flagged) {
        // Both flags are independent (domain-rules §2.8): one of them, the other, or both.
        const std::uint32_t kind = draws_.below(3, Field::trio_kind);
        person_.self_information_blocked = kind != 1;
        person_.exchange_history_hidden = kind != 0;
        person_.faults.push_back({FaultKind::protection_flagged, no_record, 0, 0, Date(), flagged + 1});
        return;
    }
    const FaultKind kind = household_.protection == ProtectionRole::plain_twin
                               ? FaultKind::protection_plain_twin
                               : FaultKind::protection_unregistered_twin;
    person_.faults.push_back({kind, no_record, 0, 0, Date(), flagged});
}

void PersonWriter::write_siblings() {
    const bool with_previous = self().same_birth_as_previous;
    const bool with_next = member_ + 1 < household_.size && household_.members[member_ + 1].same_birth_as_previous;
    if (!with_previous && !with_next) return;
    const std::uint64_t other = with_previous ? person_.index - 1 : person_.index + 1;
    person_.faults.push_back({FaultKind::same_birth_siblings, no_record, 0, 0, self().birth, other});
}

Household household_at(const NationTables& tables, std::uint64_t index) {
    const Seat seat = tables.seat(index);
    Household household;
    make_household(tables, index - index % block_size + seat.head, seat.size, household);
    return household;
}

}  // namespace

Nation::Nation(std::unique_ptr<const NationTables> tables) : tables_(std::move(tables)) {}
Nation::Nation(Nation&&) noexcept = default;
Nation& Nation::operator=(Nation&&) noexcept = default;
Nation::~Nation() = default;

Result<Nation> Nation::create(const NationSettings& settings) {
    if (settings.as_of < as_of_first || settings.as_of > as_of_last) {
        return fail(ErrorCode::synth_settings, "as_of must lie between 2024-12-02 and 2035-12-31");
    }
    const FaultRates& rates = settings.rates;
    for (const std::uint32_t rate :
         {rates.withheld_name, rates.withheld_birth_or_sex, rates.wrong_link, rates.wrong_ratio, rates.late_acquisition,
          rates.late_loss, rates.loss_unreported, rates.loss_date_wrong, rates.never_registered, rates.cancelled_record,
          rates.future_job}) {
        if (rate > per_billion_max) return fail(ErrorCode::synth_settings, "a rate is above one billion per billion");
    }
    return Nation(std::make_unique<const NationTables>(settings));
}

const NationSettings& Nation::settings() const {
    return tables_->settings;
}
const Organisations& Nation::organisations() const {
    return tables_->organisations;
}

SyntheticPerson Nation::person(std::uint64_t index) const {
    ENSURE(index < persons_max);
    const Household household = household_at(*tables_, index);
    SyntheticPerson person;
    PersonWriter(*tables_, household, index, person).write();
    return person;
}

std::vector<Fault> Nation::truth(std::uint64_t index) const {
    const SyntheticPerson made = person(index);
    return {made.faults.begin(), made.faults.end()};
}

std::uint64_t Nation::individual_number(std::uint64_t index) const {
    ENSURE(index < persons_max);
    constexpr std::uint64_t space = 100'000'000'000;
    // A permutation of eleven digits; the seed moves it.
    const std::uint64_t leading = (index * 31'381'059'609 % space + mix64(tables_->settings.seed) % space) % space;
    std::uint64_t rest = leading;
    std::uint64_t sum = 0;
    for (std::uint64_t n = 1; n <= 11; ++n, rest /= 10) sum += rest % 10 * (n <= 6 ? n + 1 : n - 5);
    const std::uint64_t remainder = sum % 11;
    return leading * 10 + (remainder <= 1 ? 0 : 11 - remainder);
}

PersonMaker::PersonMaker(const Nation& nation) : tables_(*nation.tables_), household_(std::make_unique<Household>()) {}
PersonMaker::~PersonMaker() = default;

const SyntheticPerson& PersonMaker::make(std::uint64_t index) {
    ENSURE(index < persons_max);
    const bool same = household_->size > 0 && index >= household_->head && index - household_->head < household_->size;
    if (!same) *household_ = household_at(tables_, index);
    PersonWriter(tables_, *household_, index, person_).write();
    return person_;
}

}  // namespace onshi::synth
