#include "domain/eligibility/rules.h"

#include <algorithm>

#include "domain/payments/rules.h"
#include "domain/payments/rules_certificates.h"

namespace onshi::eligibility {

namespace {

using coverage::Coverage;
using coverage::State;

// Sorted so that the record that counts comes first: the latest acquisition, then the newest knowledge.
bool counts_before(const Coverage& a, const Coverage& b) {
    if (a.acquired_on != b.acquired_on) return a.acquired_on > b.acquired_on;
    if (a.known_from != b.known_from) return a.known_from > b.known_from;
    return a.key > b.key;
}

std::vector<Coverage> covering(const std::vector<Coverage>& coverages, Date day) {
    std::vector<Coverage> found;
    for (const auto& c : coverages) {
        if (c.state == State::active && c.covers(day)) found.push_back(c);
    }
    std::ranges::sort(found, counts_before);
    return found;
}

// The record that ended last before the day. EL-5: what begins later is not seen.
const Coverage* last_ended(const std::vector<Coverage>& coverages, Date day) {
    const Coverage* last = nullptr;
    for (const auto& c : coverages) {
        if (c.state != State::active || c.valid_to >= day || c.acquired_on > day) continue;
        if (last == nullptr || c.valid_to > last->valid_to ||
            (c.valid_to == last->valid_to && counts_before(c, *last))) {
            last = &c;
        }
    }
    return last;
}

const Coverage* newest_withheld(const std::vector<Coverage>& coverages, Date day) {
    const Coverage* found = nullptr;
    for (const auto& c : coverages) {
        if (c.state != State::withheld || !c.covers(day)) continue;
        if (found == nullptr || counts_before(c, *found)) found = &c;
    }
    return found;
}

void add_steps(Verdict& verdict, std::initializer_list<NextStep> steps) {
    verdict.next.insert(verdict.next.end(), steps.begin(), steps.end());
}

void advise_no_coverage(Verdict& verdict) {
    add_steps(verdict, {{Audience::patient, OutcomeCode::next_other_proof},
                        {Audience::clerk, OutcomeCode::next_other_proof},
                        {Audience::clerk, OutcomeCode::next_declaration}});
}

void advise_nothing(Verdict& verdict) {
    add_steps(verdict, {{Audience::patient, OutcomeCode::next_nothing}, {Audience::clerk, OutcomeCode::next_nothing}});
}

void set_lapsed(Verdict& verdict, const Coverage& last) {
    verdict.result = ResultCode::invalid;
    verdict.cause = OutcomeCode::cause_lapsed;
    verdict.coverage = last;
    add_steps(verdict, {{Audience::clerk, OutcomeCode::next_ask_insurer}});
    advise_no_coverage(verdict);
}

void set_withheld(Verdict& verdict, const Coverage& record) {
    verdict.result = ResultCode::none;
    verdict.cause = OutcomeCode::cause_withheld;
    // Only the insurer is named, so that the counter can ask it; the record itself stays closed.
    Coverage contact = record;
    contact.symbol.clear();
    contact.number.clear();
    contact.branch.reset();
    contact.copay_percent.reset();
    contact.limit_category.clear();
    verdict.coverage = std::move(contact);
    add_steps(verdict, {{Audience::patient, OutcomeCode::next_ask_insurer},
                        {Audience::clerk, OutcomeCode::next_ask_insurer},
                        {Audience::insurer, OutcomeCode::next_insurer_confirms}});
    advise_no_coverage(verdict);
}

void set_unregistered(Verdict& verdict) {
    verdict.result = ResultCode::none;
    verdict.cause = OutcomeCode::cause_unregistered;
    add_steps(verdict, {{Audience::insurer, OutcomeCode::next_insurer_registers}});
    advise_no_coverage(verdict);
}

// §5.6: schemes whose members have no health data to view.
bool scheme_has_medical_data(const Coverage& c) {
    const InsurerScheme scheme = c.insurer.scheme();
    return scheme != InsurerScheme::self_defence && scheme != InsurerScheme::day_labourers &&
           scheme != InsurerScheme::day_labourers_special;
}

void add_card_notes(Verdict& verdict, const CardFacts& card) {
    const Date last = cards::last_valid_day(card.not_after);
    if (card.registered_now) verdict.notes.push_back({OutcomeCode::note_registered_now, std::nullopt});
    if (card.validity == cards::Validity::expires_soon) {
        verdict.notes.push_back({OutcomeCode::note_certificate_expires_soon, last});
    }
    if (card.validity == cards::Validity::in_grace) {
        verdict.notes.push_back({OutcomeCode::note_certificate_grace, certificate_grace_end(last)});
    }
    if (card.status_old) verdict.notes.push_back({OutcomeCode::note_card_status_old, card.status_day});
    if (card.validity != cards::Validity::valid) {
        add_steps(verdict, {{Audience::patient, OutcomeCode::next_renew_certificate}});
    }
}

// Whose the health data are that came with a doubted record nobody knows yet: they may be another person's.
bool is_link_doubted(const std::vector<Coverage>& coverages) {
    return std::ranges::any_of(coverages,
                               [](const Coverage& c) { return c.state == State::active && c.health_data_held; });
}

MedicalData medical_data(const CardFacts& card, const Verdict& verdict, const std::vector<Coverage>& coverages) {
    if (verdict.result != ResultCode::valid) return MedicalData::not_eligible;
    if (is_link_doubted(coverages)) return MedicalData::link_unconfirmed;
    if (!scheme_has_medical_data(*verdict.coverage)) return MedicalData::scheme_without;
    if (card.validity == cards::Validity::in_grace) return MedicalData::certificate_grace;
    if (card.status_old) return MedicalData::card_status_old;
    if (card.deferred) return MedicalData::deferred;
    return MedicalData::available;
}

// The person's records that carry the asked number, apart: N-4 lets those count that differ in the branch only, and
// only where those with the asked branch have no answer.
struct OwnRecords {
    std::vector<Coverage> exact;
    std::vector<Coverage> other_branch;
};

OwnRecords own_records(const NumberCandidate& one) {
    OwnRecords own;
    for (const auto& c : one.coverages) {
        const auto asked = std::ranges::find(one.asked, c.key, &AskedRecord::key);
        if (asked == one.asked.end()) continue;
        (asked->branch_matches ? own.exact : own.other_branch).push_back(c);
    }
    return own;
}

void note_branch(Verdict& verdict) {
    verdict.notes.push_back({OutcomeCode::note_branch_corrected, std::nullopt});
}

// The person's records without the card: nothing more than the asked number deserves.
void decide_one(Verdict& verdict, const NumberCandidate& one, Date day) {
    const OwnRecords own = own_records(one);
    const auto now = covering(one.coverages, day);
    auto asked = covering(own.exact, day);
    const bool corrected = asked.empty();
    if (corrected) asked = covering(own.other_branch, day);
    if (!asked.empty()) {
        verdict.result = ResultCode::valid;
        verdict.coverage = asked.front();
        if (now.size() > 1) verdict.notes.push_back({OutcomeCode::note_overlap, std::nullopt});
        if (corrected) note_branch(verdict);
        advise_nothing(verdict);
        return;
    }
    const Coverage* withheld = newest_withheld(own.exact, day);
    if (withheld == nullptr) withheld = newest_withheld(own.other_branch, day);
    if (withheld != nullptr) return set_withheld(verdict, *withheld);
    const Coverage* ended = last_ended(own.exact, day);
    if (ended == nullptr) {
        ended = last_ended(own.other_branch, day);
        if (ended != nullptr) note_branch(verdict);
    }
    if (ended == nullptr) {
        verdict.cause = OutcomeCode::cause_no_match;
        add_steps(verdict, {{Audience::clerk, OutcomeCode::next_check_entry}});
        return advise_no_coverage(verdict);
    }
    if (now.empty()) return set_lapsed(verdict, *ended);
    verdict.result = ResultCode::invalid_newer;
    verdict.cause = OutcomeCode::cause_newer_coverage;
    verdict.coverage = *ended;
    add_steps(verdict, {{Audience::patient, OutcomeCode::next_use_new_coverage},
                        {Audience::clerk, OutcomeCode::next_use_new_coverage}});
}

}  // namespace

// REQ-ELIG-001 … REQ-ELIG-008: one row of the table each, in its order.
Verdict decide_by_card(const CardFacts& card, const std::vector<coverage::Coverage>& coverages, Date day) {
    Verdict verdict;
    if (!card.known) {
        // Registering cannot help: there is nobody to register.
        verdict.cause = OutcomeCode::cause_card_unknown;
        advise_no_coverage(verdict);
        return verdict;
    }
    if (!card.registered) {
        verdict.cause = OutcomeCode::cause_card_not_registered;
        if (card.may_register) {
            add_steps(verdict, {{Audience::patient, OutcomeCode::next_register_card},
                                {Audience::clerk, OutcomeCode::next_register_card}});
        } else {
            advise_no_coverage(verdict);
        }
        return verdict;
    }
    auto now = covering(coverages, day);
    const Coverage* ended = last_ended(coverages, day);
    const Coverage* withheld = newest_withheld(coverages, day);
    if (!now.empty()) {
        verdict.result = ResultCode::valid;
        verdict.coverage = now.front();
        verdict.overlaps.assign(std::make_move_iterator(now.begin() + 1), std::make_move_iterator(now.end()));
        if (!verdict.overlaps.empty()) verdict.notes.push_back({OutcomeCode::note_overlap, std::nullopt});
        advise_nothing(verdict);
    } else if (withheld != nullptr) {
        set_withheld(verdict, *withheld);
    } else if (ended != nullptr) {
        set_lapsed(verdict, *ended);
    } else {
        set_unregistered(verdict);
    }
    add_card_notes(verdict, card);
    verdict.medical = medical_data(card, verdict, coverages);
    if (verdict.medical == MedicalData::link_unconfirmed) {
        verdict.notes.push_back({OutcomeCode::note_health_data_held, std::nullopt});
    }
    return verdict;
}

NumberVerdict decide_by_number(const std::vector<NumberCandidate>& candidates, Date day) {
    NumberVerdict found;
    Verdict& verdict = found.verdict;
    verdict.medical = MedicalData::by_number;
    if (candidates.empty()) {
        verdict.cause = OutcomeCode::cause_no_match;
        add_steps(verdict, {{Audience::clerk, OutcomeCode::next_check_entry}});
        advise_no_coverage(verdict);
        return found;
    }
    if (candidates.size() > 1) {
        verdict.result = ResultCode::several;
        verdict.cause = OutcomeCode::cause_ambiguous;
        add_steps(verdict, {{Audience::patient, OutcomeCode::next_give_branch},
                            {Audience::clerk, OutcomeCode::next_give_branch}});
        return found;
    }
    decide_one(verdict, candidates.front(), day);
    if (verdict.result == ResultCode::none) return found;
    found.person = candidates.front().person;
    found.person->address.clear();
    found.person->protection = {};
    return found;
}

NumberVerdict decide_in_disaster(const std::vector<NumberCandidate>& candidates, Date day) {
    NumberVerdict found;
    if (candidates.size() != 1) {
        found.verdict.medical = MedicalData::not_eligible;
        found.verdict.result = candidates.empty() ? ResultCode::none : ResultCode::several;
        found.verdict.cause = candidates.empty() ? OutcomeCode::cause_no_match : OutcomeCode::cause_ambiguous;
        add_steps(found.verdict, {{Audience::clerk, OutcomeCode::next_check_entry}});
        if (candidates.empty()) advise_no_coverage(found.verdict);
        return found;
    }
    // As by a card that is in order: it is the person who was found, not a number.
    CardFacts facts;
    facts.registered = true;
    found.verdict = decide_by_card(facts, candidates.front().coverages, day);
    found.person = candidates.front().person;
    found.person->address.clear();
    found.person->protection = {};
    return found;
}

Entitlements entitlements_of(const Verdict& verdict, const payments::Holdings& holdings, const EntitlementTerms& terms,
                             const payments::MunicipalTable& municipal) {
    const auto& tables = payments::builtin_tables();
    const bool by_card = terms.source == Source::card;
    const auto consent = by_card ? tables.disclosure.by_card : tables.disclosure.by_number;
    const bool agreed = consent == payments::LimitConsent::not_needed || (!by_card && terms.limit_consent);
    Entitlements found;
    if (!agreed) found.limit_shown = LimitShown::kept_back;
    if (verdict.result != ResultCode::valid || !verdict.coverage) return found;
    const InsurerNumber insurer = verdict.coverage->insurer;
    if (agreed || by_card) {
        const auto* limit = payments::limit_on(holdings, insurer, terms.day);
        if (limit != nullptr) found.limit = *limit;
    }
    if (!by_card || terms.deferred) return found;
    found.diseases = payments::diseases_on(holdings, insurer, terms.day);
    found.knowledge = municipal.knowledge_of(terms.address, terms.day);
    found.subsidies = payments::subsidies_on(holdings, tables, terms.day);
    std::erase_if(found.subsidies, [&](const payments::SubsidyCertificate& each) {
        const auto* issuer = municipal.find(each.municipality);
        return issuer == nullptr || !issuer->is_connected(terms.day);
    });
    return found;
}

void keep_back_limit(Verdict& verdict, const Entitlements& entitlements, Source source) {
    if (entitlements.limit_shown == LimitShown::shown || source == Source::card) return;
    if (verdict.coverage) verdict.coverage->limit_category.clear();
    for (auto& overlap : verdict.overlaps) overlap.limit_category.clear();
}

void note_suspect_ratio(Verdict& verdict, Date birth, Date day) {
    if (verdict.result != ResultCode::valid || !verdict.coverage) return;
    const Coverage& record = *verdict.coverage;
    // The ratio alone: a limit category that is kept back must not show through a note.
    const payments::RatioRecord told{birth, day, record.insurer.scheme(), record.copay_percent, {}};
    const auto finding = payments::ratio_plausibility(told, payments::builtin_tables());
    if (payments::is_ratio_suspect(finding)) verdict.notes.push_back({OutcomeCode::note_ratio_suspect, std::nullopt});
}

void note_blanks(Verdict& verdict, LimitShown shown) {
    if (verdict.result != ResultCode::valid || !verdict.coverage) return;
    const Coverage& record = *verdict.coverage;
    if (payments::copay_ratio_presence(record.copay_percent) == payments::Presence::blank) {
        verdict.notes.push_back({OutcomeCode::note_copay_blank, std::nullopt});
    }
    const auto limit = payments::limit_category_presence(record.limit_category, record.insurer.scheme());
    if (shown == LimitShown::shown && limit == payments::Presence::blank) {
        verdict.notes.push_back({OutcomeCode::note_limit_blank, std::nullopt});
    }
}

std::string to_text(const SignedLines& lines) {
    std::string text;
    text.reserve(320);
    const auto line = [&text](std::string_view value) {
        text.append(value);
        text.push_back('\n');
    };
    line("onshi-check-v1");
    line(lines.hub_id);
    line(lines.facility);
    line(lines.terminal);
    line(lines.challenge);
    line(lines.purpose);
    line(lines.face_engine.empty() ? std::string(lines.method)
                                   : std::string(lines.method).append(":").append(lines.face_engine));
    line(to_iso(lines.care_day));
    line(lines.operator_reference.empty() ? "-" : lines.operator_reference);
    line(lines.check_id);
    return text;
}

bool is_care_day_by_card(Date day, Instant now) {
    return day == japan_day(now) || day == japan_day(now - std::chrono::microseconds(midnight_tolerance));
}

bool is_care_day_deferred(Date day, Instant challenge_issued_at, Instant now) {
    return day >= japan_day(challenge_issued_at) && day <= japan_day(now);
}

bool is_care_day_by_number(Date day, Date today) {
    return day >= today.plus_months_clamped(-12 * years_back_by_number) &&
           day <= today.plus_months_clamped(months_ahead_by_number);
}

}  // namespace onshi::eligibility
