#include "domain/coverage/rules_documents.h"

#include <algorithm>

namespace onshi::coverage {

namespace {

// 国保 and late-elderly: their cards ended earlier, and tolerance began earlier (OC-3, OC-4).
bool is_municipal(InsurerNumber insurer) {
    return !insurer.has_law_code() || insurer.scheme() == InsurerScheme::late_elderly;
}

bool is_tolerated(const Document& document, Date day, const DocumentTerms& terms) {
    const Date from = is_municipal(document.insurer) ? terms.municipal_tolerance_from : terms.tolerance_from;
    return from <= day && day <= terms.tolerance_to;
}

// The paper ran out, but not the coverage: that is what tolerance is for.
DocumentVerdict run_out(const Document& document, Date day, DocumentCause cause, const DocumentTerms& terms) {
    if (is_tolerated(document, day, terms)) return {DocumentUse::if_number_checked, cause};
    return {DocumentUse::not_enough, cause};
}

std::optional<DocumentVerdict> check_coverage(const Document& document, Date day) {
    if (day < document.issued_on || day < document.covered_from) {
        return DocumentVerdict{DocumentUse::not_enough, DocumentCause::not_begun};
    }
    if (document.covered_to < day) return DocumentVerdict{DocumentUse::not_enough, DocumentCause::coverage_lost};
    return std::nullopt;
}

DocumentVerdict check_insurance_card(const Document& document, Date day, const DocumentTerms& terms) {
    if (document.issued_on > terms.last_card_issue) return {DocumentUse::not_enough, DocumentCause::never_issued};
    if (document.changed_on && *document.changed_on <= day) return {DocumentUse::not_enough, DocumentCause::changed};
    const Date own_end = document.printed_expiry.value_or(is_municipal(document.insurer) ? terms.last_municipal_card_day
                                                                                         : terms.last_card_day);
    if (own_end < day && own_end <= terms.last_card_day) return run_out(document, day, DocumentCause::expired, terms);
    if (terms.last_card_day < day) return run_out(document, day, DocumentCause::abolished, terms);
    return {DocumentUse::enough, DocumentCause::valid};
}

DocumentVerdict check_certificate(const Document& document, Date day, const DocumentTerms& terms) {
    const Date longest = document.issued_on.plus_months_clamped(12 * terms.certificate_years_max);
    if (!document.printed_expiry || *document.printed_expiry > longest) {
        return {DocumentUse::not_enough, DocumentCause::never_issued};
    }
    if (document.changed_on && *document.changed_on <= day) return {DocumentUse::not_enough, DocumentCause::changed};
    if (*document.printed_expiry < day) return {DocumentUse::not_enough, DocumentCause::expired};
    return {DocumentUse::enough, DocumentCause::valid};
}

DocumentVerdict check_notice(const Document& document, Date day, const DocumentTerms& terms) {
    if (document.changed_on && *document.changed_on <= day) return {DocumentUse::not_enough, DocumentCause::changed};
    // Alone it is tolerated as an expired card is; with the card it always counts.
    if (is_tolerated(document, day, terms)) return {DocumentUse::if_number_checked, DocumentCause::needs_card};
    return {DocumentUse::with_card, DocumentCause::needs_card};
}

}  // namespace

DocumentVerdict check_document(const Document& document, Date day, const DocumentTerms& terms) {
    if (const auto wrong = check_coverage(document, day)) return *wrong;
    switch (document.kind) {
        case DocumentKind::insurance_card: return check_insurance_card(document, day, terms);
        case DocumentKind::certificate: return check_certificate(document, day, terms);
        case DocumentKind::notice: return check_notice(document, day, terms);
    }
    return {};
}

bool card_is_usable(const MeansFacts& facts, Date day) {
    return facts.has_card && facts.registered && !facts.cancelled && !facts.self_information_blocked &&
           !facts.record_withheld && day <= facts.card_usable_to;
}

PaperNeed paper_needed(const MeansFacts& facts, Date day, const DocumentTerms& terms) {
    const auto certificate = [](PaperReason reason) { return PaperNeed{Paper::certificate, reason}; };
    if (facts.self_information_blocked) return certificate(PaperReason::protected_person);
    if (facts.record_withheld) return certificate(PaperReason::withheld);
    if (!facts.has_card) return certificate(PaperReason::no_card);
    if (facts.cancelled) return certificate(PaperReason::registration_cancelled);
    if (!facts.registered) return certificate(PaperReason::not_registered);
    if (facts.card_usable_to < day) return certificate(PaperReason::certificate_expired);
    const bool interim =
        facts.insurer.scheme() == InsurerScheme::late_elderly && day <= terms.late_elderly_certificates_to;
    if (interim) return certificate(PaperReason::late_elderly_interim);
    if (facts.support_needed) return certificate(PaperReason::support_needed);
    return {Paper::notice, PaperReason::registered};
}

bool has_usable_means(const MeansFacts& facts, Date day) {
    const bool paper = facts.certificate_from && *facts.certificate_from <= day && day <= facts.certificate_to;
    return card_is_usable(facts, day) || paper;
}

}  // namespace onshi::coverage
