#include "synth/card.h"

#include <algorithm>

namespace onshi::synth {

namespace {

constexpr Date cards_began = Date::of(2016, 1, 4);
constexpr Date second_generation = Date::of(2019, 9, 14);  // from when each CA key signed (jpki-card §6.1)
constexpr Date third_generation = Date::of(2023, 7, 16);
constexpr Date cancellation_began = Date::of(2024, 10, 28);  // domain-rules §1.13
constexpr Date use_began = registry_opened;
constexpr int certificate_birthdays = 5;  // ends on the 5th birthday after issue (domain-rules §6.9)
constexpr std::uint32_t serial_base = 0x1000'0000;
constexpr std::uint32_t serials_per_person = renewals_max + 1;
static_assert(serial_base + persons_max * serials_per_person < 0x8000'0000, "a positive integer of four bytes");

// Percent of those of that age who hold a card: 81 % of all (domain-facts §1), spread by age (chosen).
std::uint32_t held_percent(std::int32_t age) {
    if (age < 1) return 55;
    if (age < 15) return 76;
    if (age < 65) return 81;
    return age < 80 ? 88 : 78;
}

// Cards were issued in waves: campaigns of 2020-2023 brought most (chosen after published year-end counts).
Date draw_issue_day(const Draws& draws, Date as_of) {
    struct Wave {
        std::uint32_t upto;  // of 100
        Date first;
        Date last;
    };
    static constexpr std::array<Wave, 5> waves{{{18, cards_began, Date::of(2020, 4, 30)},
                                                {40, Date::of(2020, 5, 1), Date::of(2021, 12, 31)},
                                                {72, Date::of(2022, 1, 1), Date::of(2022, 12, 31)},
                                                {86, Date::of(2023, 1, 1), Date::of(2023, 12, 31)},
                                                {100, Date::of(2024, 1, 1), Date::open_end}}};
    const std::uint32_t roll = draws.below(100, Field::card_issued);
    for (const Wave& wave : waves) {
        if (roll >= wave.upto) continue;
        const Date last = std::min(wave.last, as_of.plus_days(-1));
        return wave.first.plus_days(
            draws.below(static_cast<std::uint32_t>(last - wave.first) + 1, Field::card_issued, 1));
    }
    return cards_began;
}

std::uint8_t generation(Date issued_on) {
    if (issued_on < second_generation) return 1;
    return issued_on < third_generation ? 2 : 3;
}

class CardWriter {
  public:
    CardWriter(const NationTables& tables, const Household& household, std::uint32_t member, SyntheticPerson& person)
        : person_(person),
          draws_(household.draws_of(tables, member)),
          as_of_(tables.settings.as_of),
          seed_(tables.settings.seed),
          ordinary_(household.protection == ProtectionRole::none) {}

    void write() {
        const std::int32_t age = (as_of_ - person_.birth_date) / 365;
        if (!ordinary_ || draws_.percent(held_percent(age), Field::card_held)) write_card(age);
        write_paper();
    }

  private:
    void write_card(std::int32_t age);
    void renew(SyntheticCard& card);
    void set_registration(SyntheticCard& card);
    void set_status(SyntheticCard& card);
    void note_expiry(const SyntheticCard& card);
    void write_paper();
    [[nodiscard]] int age_at(Date day) const { return age_on(person_.birth_date, day).value_or(0); }
    [[nodiscard]] SyntheticCertificate certificate(Date issued_on, int age, std::uint32_t renewal) const {
        const auto serial = static_cast<std::uint32_t>(serial_base + person_.index * serials_per_person + renewal);
        return {generation(issued_on), serial, issued_on, birthday(person_.birth_date, age + certificate_birthdays)};
    }
    // 10th birthday after issue, the 5th of those under 18 (domain-rules §6.9).
    [[nodiscard]] Date card_end(const SyntheticCertificate& first, int age) const {
        return age < 18 ? first.not_after : birthday(person_.birth_date, age + 10);
    }
    void note(FaultKind kind, Date day) { person_.faults.push_back({kind, no_record, 0, 0, day, 0}); }

    SyntheticPerson& person_;
    Draws draws_;
    Date as_of_;
    std::uint64_t seed_;
    bool ordinary_;
};

void CardWriter::write_card(std::int32_t age) {
    Date issued_on = draw_issue_day(draws_, as_of_);
    // The members of the trio hold a card that works, whatever else is drawn.
    if (!ordinary_) issued_on = as_of_.plus_days(-100 - std::int64_t{draws_.below(900, Field::card_issued, 1)});
    const Date possible = person_.birth_date.plus_days(30 + draws_.below(300, Field::card_issued, 2));
    issued_on = std::max(issued_on, possible);
    if (issued_on >= as_of_ || issued_on >= person_.deceased_on) return;
    SyntheticCard& card = person_.card.emplace();
    const int age_at_issue = age_at(issued_on);
    card.certificate = certificate(issued_on, age_at_issue, 0);
    card.card_expires_on = card_end(card.certificate, age_at_issue);
    // Several persons share a key; which ones, depends on the index alone.
    card.key = static_cast<std::uint8_t>(Draws(seed_, person_.index).below(key_pool_size, Field::key_pool));
    renew(card);
    set_registration(card);
    if (!ordinary_) return;
    card.pin_less = draws_.below(1'000, Field::card_pin_less) < (age >= 75 ? 20U : 4U);
    card.pin_locked = !card.pin_less && draws_.below(1'000, Field::card_pin_locked) < 4;
    note_expiry(card);
    set_status(card);
}

void CardWriter::renew(SyntheticCard& card) {
    for (std::uint32_t renewal = 1; renewal <= renewals_max && card.certificate.not_after < as_of_; ++renewal) {
        // 95 % renew in the three months before the end (chosen).
        if (draws_.percent(5, Field::card_renewed, renewal)) return;
        const Date renewed_on =
            card.certificate.not_after.plus_days(-std::int64_t{draws_.below(85, Field::card_renewed_on, renewal)});
        if (renewed_on >= as_of_ || renewed_on >= person_.deceased_on) return;
        card.previous = card.certificate;
        const int age = age_at(renewed_on);
        card.certificate = certificate(renewed_on, age, renewal);
        // A card at its own end is replaced with the certificate; before that it ends what it carries.
        if (card.card_expires_on - renewed_on < 120) card.card_expires_on = card_end(card.certificate, age);
        card.certificate.not_after = std::min(card.certificate.not_after, card.card_expires_on);
        note(FaultKind::certificate_renewed, renewed_on);
    }
}

void CardWriter::set_registration(SyntheticCard& card) {
    // 89.8 % of cards (domain-facts §1). Only the third of a trio is not registered.
    const bool registered = ordinary_ ? draws_.below(1'000, Field::card_registered) < 898
                                      : person_.protection != ProtectionRole::unregistered_twin;
    if (!registered) return;
    const Date possible = std::max(card.previous ? card.previous->issued_on : card.certificate.issued_on, use_began);
    const std::int32_t waited = std::min(as_of_ - possible, 700);
    card.use = UseRegistration::registered;
    card.registered_on = possible.plus_days(
        draws_.below(static_cast<std::uint32_t>(std::max(waited, 0)) + 1, Field::card_registered_on));
    card.channel = static_cast<RegistrationChannel>(draws_.below(4, Field::card_channel));
    // One in two thousand cancelled since that is possible (chosen); it counts from the end of the following month.
    if (!ordinary_ || draws_.below(2'000, Field::card_cancelled) != 0) return;
    const Date from = std::max(card.registered_on, cancellation_began);
    const auto spread = static_cast<std::uint32_t>(std::max(as_of_ - from, 0));
    const Date asked = from.plus_days(draws_.below(spread + 1, Field::card_cancelled, 1));
    card.use = UseRegistration::cancelled;
    card.cancelled_on = asked.plus_months_clamped(1).last_of_month();
}

void CardWriter::note_expiry(const SyntheticCard& card) {
    if (card.certificate.not_after >= as_of_) return;
    const Date end = certificate_grace_end(card.certificate.not_after);
    note(as_of_ <= end ? FaultKind::certificate_in_grace : FaultKind::certificate_beyond_grace, end);
}

void CardWriter::set_status(SyntheticCard& card) {
    if (person_.is_deceased()) {
        card.status = CertificateStatus::revoked;
        card.revocation = RevocationReason::cessation_of_operation;
        card.status_since = person_.deceased_on.plus_days(1 + draws_.below(14, Field::card_status_day));
        return;
    }
    // Reported lost: 0.1 %, at most two months ago; given back or replaced without a new one yet: 0.2 % (chosen).
    const std::uint32_t roll = draws_.below(1'000, Field::card_status);
    if (roll >= 3) return;
    const std::int32_t since = std::min(as_of_ - card.certificate.issued_on, roll == 0 ? 60 : 400);
    card.status_since =
        as_of_.plus_days(-std::int64_t{draws_.below(static_cast<std::uint32_t>(since), Field::card_status_day)});
    card.status = roll == 0 ? CertificateStatus::suspended : CertificateStatus::revoked;
    if (roll != 0) card.revocation = RevocationReason::cessation_of_operation;
    note(roll == 0 ? FaultKind::certificate_suspended : FaultKind::certificate_revoked, card.status_since);
}

// Whoever is insured and has no usable card receives one without asking; a trio all do, and some of the oldest (§1.10).
void CardWriter::write_paper() {
    const SyntheticCoverage* present = nullptr;
    for (const SyntheticCoverage& record : person_.coverages) {
        const bool counts = record.is_known(as_of_) && record.state != CoverageState::cancelled;
        if (counts && record.valid.contains(as_of_)) present = &record;
    }
    if (present == nullptr) return;
    const bool asked = as_of_ - person_.birth_date > 85 * 365 && draws_.percent(10, Field::paper_certificate);
    if (ordinary_ && !asked && person_.card && person_.card->is_usable(as_of_)) return;
    // Renewed every 1 August, as late-elderly ones are; employees' insurers choose up to five years.
    const bool yearly = present->relation == Relation::none;
    const CivilDay today = as_of_.civil();
    const int year = today.month >= 8 ? today.year : today.year - 1;
    const Date august = Date::from_ymd(year, 8, 1).value_or(as_of_);
    const Date issued_on = std::max(august, present->known_on);
    person_.paper_certificate = {issued_on, yearly ? Date::from_ymd(year + 1, 7, 31).value_or(as_of_)
                                                   : august.plus_months_clamped(12 * 4).plus_days(-1)};
}

}  // namespace

bool SyntheticCard::is_usable(Date on) const {
    const bool alive = status == CertificateStatus::good || on < status_since;
    const bool registered =
        use == UseRegistration::registered || (use == UseRegistration::cancelled && on <= cancelled_on);
    return alive && registered && on <= certificate_grace_end(certificate.not_after);
}

void make_card(const NationTables& tables, const Household& household, std::uint32_t member, SyntheticPerson& person) {
    CardWriter(tables, household, member, person).write();
}

}  // namespace onshi::synth
