#include "installation/nation_rows.h"

#include <algorithm>

#include <fmt/format.h>

#include "domain/identity/rules_match.h"
#include "domain/identity/store.h"
#include "installation/nation_loader.h"
#include "synth/nation_tables.h"
#include "synth/text.h"

namespace onshi::installation {

namespace {

using coverage::Coverage;
using synth::SyntheticCoverage;

// Late-elderly have no 本人・家族: each is insured in their own right.
coverage::Relation relation_of(synth::Relation relation) {
    return relation == synth::Relation::family ? coverage::Relation::dependant : coverage::Relation::insured;
}

// Enumerators of both sides carry the codes of domain-rules §1.5.
static_assert(static_cast<int>(synth::LossReason::other) == static_cast<int>(coverage::LossReason::other));
static_assert(static_cast<int>(synth::LossReason::welfare) == static_cast<int>(coverage::LossReason::welfare));
static_assert(static_cast<int>(synth::CertificateKind::special_benefit) ==
              static_cast<int>(coverage::CertificateKind::eligibility_certificate));
static_assert(static_cast<int>(synth::CertificateKind::self_defence) ==
              static_cast<int>(coverage::CertificateKind::self_defence));

std::string limit_text(synth::LimitCategory category) {
    const auto value = static_cast<int>(category);
    const auto first_b = static_cast<int>(synth::LimitCategory::b01);
    return value < first_b ? fmt::format("A{:02}", value) : fmt::format("B{:02}", value - first_b + 1);
}

// The record as its first file told it: without an end, unless that was known by then.
Coverage first_told(const synth::Nation& nation, const synth::SyntheticPerson& person, std::size_t record) {
    const SyntheticCoverage& told = person.coverages[record];
    const synth::SyntheticInsurer& insurer = nation.organisations().insurers()[told.insurer];
    Coverage value{
        .key = coverage_key(person.index, record),
        .insurer = insurer.number,
        .symbol = {},
        .number = {},
        .branch = told.identity.branch,
        .relation = relation_of(told.relation),
        .acquired_on = told.valid.first,
        .state = told.state == synth::CoverageState::withheld ? coverage::State::withheld : coverage::State::active,
        .copay_percent = told.copay_percent,
        .limit_category = limit_text(told.limit),
        .kind = static_cast<coverage::CertificateKind>(told.certificate),
        .file_day = told.known_on,
        .known_from = known_seq_of(told.known_on)};
    synth::append_symbol(told.identity, value.symbol);
    synth::append_number(told.identity, value.number);
    return value;
}

}  // namespace

std::int64_t known_seq_of(Date day) {
    return std::max<std::int64_t>(day - synth::registry_opened, 0) + 1;
}

void fill_identity(const synth::Nation& nation, const synth::SyntheticPerson& person, identity::Person& out) {
    out.key = person_key(person.index);
    out.name.clear();
    out.kana.clear();
    out.address.clear();
    synth::append_name(person.name, out.name);
    synth::append_kana(person.name, out.kana);
    synth::append_address(nation.organisations(), person.address, out.address);
    out.birth = person.birth_date;
    out.sex = person.sex;
    out.protection = {person.exchange_history_hidden, person.self_information_blocked};
}

std::int64_t identity_known_from(const synth::SyntheticPerson& person) {
    return known_seq_of(person.birth_date);
}

void append_versions(const synth::Nation& nation, const synth::SyntheticPerson& person, std::size_t record,
                     std::vector<CoverageVersion>& out) {
    const SyntheticCoverage& told = person.coverages[record];
    const Date as_of = nation.settings().as_of;
    if (!told.is_known(as_of)) return;
    out.push_back({first_told(nation, person, record), identity::known_open});
    // News of the day the record itself came with belongs to its first version.
    const auto at_commit_of = [&out](Date day) -> Coverage& {
        const std::int64_t seq = known_seq_of(day);
        if (out.back().value.known_from < seq) {
            CoverageVersion next = out.back();
            out.back().known_to = seq;
            next.value.known_from = seq;
            out.push_back(std::move(next));
        }
        out.back().value.file_day = day;
        return out.back().value;
    };
    const bool ends = told.valid.last != Date::open_end && told.loss_known_on <= as_of;
    if (ends) {
        Coverage& value = at_commit_of(told.loss_known_on);
        value.valid_to = told.valid.last;
        value.loss_reason = static_cast<coverage::LossReason>(told.loss_reason);
    }
    if (told.state == synth::CoverageState::cancelled && told.cancelled_on <= as_of) {
        at_commit_of(told.cancelled_on).state = coverage::State::void_;
    }
}

coverage::WithheldCase withheld_case(const synth::Nation& nation, const synth::SyntheticPerson& person,
                                     std::size_t record, const Coverage& value, const identity::Person& owner) {
    const SyntheticCoverage& told = person.coverages[record];
    coverage::WithheldCase withheld{.person = owner.key,
                                    .coverage = value.key,
                                    .insurer = value.insurer,
                                    .opened_at = start_of_japan_day(told.known_on),
                                    .version = 1,
                                    .cause = {},
                                    .sent = {},
                                    .evidence = {},
                                    .confirmed_by = {},
                                    .approved_by = {}};
    synth::append_sent_name(person, told, withheld.sent.name);
    synth::append_sent_kana(person, told, withheld.sent.kana);
    synth::append_sent_address(nation.organisations(), person, told, withheld.sent.address);
    withheld.sent.birth = told.sent_birth_date == Date() ? person.birth_date : told.sent_birth_date;
    withheld.sent.sex = told.sent_sex == Sex::unset ? person.sex : told.sent_sex;
    const identity::Resident resident{owner.name, owner.kana, owner.address, owner.birth, owner.sex, Date::open_end};
    const auto match = identity::match_with_register(withheld.sent, resident, value.acquired_on);
    // What agrees by today's rules was withheld by those of its day: the gentlest severity.
    withheld.severity = match.withheld() ? match.severity : identity::Severity::address;
    withheld.cause = to_string(match.cause.value_or(OutcomeCode::cause_match_address));
    withheld.fields = match.packed_fields();
    return withheld;
}

cards::CertificateStatus status_on(const synth::SyntheticCard& card, Date as_of) {
    if (card.status == synth::CertificateStatus::good || card.status_since > as_of)
        return cards::CertificateStatus::good;
    return card.status == synth::CertificateStatus::suspended ? cards::CertificateStatus::suspended
                                                              : cards::CertificateStatus::revoked;
}

std::optional<cards::UseRegistration> registration_on(const synth::SyntheticCard& card, Date as_of) {
    using cards::UseState;
    if (card.use == synth::UseRegistration::none) return std::nullopt;
    const Instant registered = start_of_japan_day(card.registered_on);
    if (card.use == synth::UseRegistration::registered)
        return cards::UseRegistration{UseState::registered, registered, 1};
    if (card.cancelled_on < as_of) {
        return cards::UseRegistration{UseState::cancelled, start_of_japan_day(card.cancelled_on.plus_days(1)), 1};
    }
    // It counts from the end of the month after the request, whose day within its month is not drawn (domain-rules
    // §8.4).
    const Date asked_month = card.cancelled_on.first_of_month().plus_months_clamped(-1);
    return cards::UseRegistration{UseState::cancel_requested, std::max(registered, start_of_japan_day(asked_month)), 1};
}

cards::Channel channel_of(const synth::SyntheticCard& card) {
    switch (card.channel) {
        case synth::RegistrationChannel::reader: return cards::Channel::kiosk;
        case synth::RegistrationChannel::portal: return cards::Channel::portal;
        case synth::RegistrationChannel::atm: return cards::Channel::bank_machine;
        case synth::RegistrationChannel::counter: return cards::Channel::municipality;
    }
    return cards::Channel::load;
}

}  // namespace onshi::installation
