#include "synth/nation.h"

#include "base/ensure.h"
#include "synth/card.h"
#include "synth/history.h"
#include "synth/household.h"
#include "synth/naming.h"
#include "synth/nation_tables.h"

namespace onshi::synth {

namespace {

constexpr Date as_of_first = Date::of(2024, 12, 2);
constexpr Date as_of_last = Date::of(2035, 12, 31);
constexpr std::uint32_t per_billion_max = 1'000'000'000;

// Deaths in the last year per thousand, in bands of five years from 50: about the life table of 2023.
constexpr std::array<std::uint32_t, 12> deaths_per_mille{3, 4, 7, 11, 17, 29, 52, 95, 165, 270, 390, 480};

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
    person_.coverages.clear();
    person_.faults.clear();
}

void PersonWriter::write_names() {
    person_.name = registered_name(tables_, household_, member_);
    person_.head_name = member_ == 0 ? person_.name : registered_name(tables_, household_, 0);
    person_.alias = draw_alias(tables_, household_, member_);
    const Surname& other = draw_other_surname(person_.name, draws_);
    person_.other_family = other.text;
    person_.other_family_kana = other.kana;
    drop_missing_reading(household_, draws_, person_.name);
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
    const bool with_previous = self().siblings == Siblings::born_with_previous;
    const bool with_next =
        member_ + 1 < household_.size && household_.members[member_ + 1].siblings == Siblings::born_with_previous;
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
