#include "domain/coverage/rules_paper.h"

namespace onshi::coverage {

using cards::CertificateStatus;
using cards::UseState;

std::string_view to_string(PaperReason reason) {
    switch (reason) {
        case PaperReason::no_card: return "no_card";
        case PaperReason::not_registered: return "not_registered";
        case PaperReason::cancelled: return "cancelled";
        case PaperReason::certificate_expired: return "certificate_expired";
        case PaperReason::card_unusable: return "card_unusable";
        case PaperReason::protected_: return "protected";
    }
    return "unknown";
}

CardMeans judge_card(Instant not_after, cards::Grace grace, CertificateStatus listed, bool suspended, Date day) {
    if (suspended || listed == CertificateStatus::suspended || listed == CertificateStatus::revoked) {
        return CardMeans::unusable;
    }
    if (listed == CertificateStatus::renewed) return CardMeans::live;
    switch (cards::validity_on(not_after, grace, day)) {
        case cards::Validity::valid:
        case cards::Validity::expires_soon: return CardMeans::live;
        case cards::Validity::in_grace: return CardMeans::in_grace;
        case cards::Validity::expired: break;
    }
    return CardMeans::expired;
}

MeansVerdict judge_means(const MeansFacts& facts) {
    const bool registered = facts.use == UseState::registered || facts.use == UseState::cancel_requested;
    const bool works = facts.card == CardMeans::live || facts.card == CardMeans::in_grace;
    MeansVerdict verdict;
    if (facts.certificate_valid) verdict.means = Means::paper;
    if (registered && works && !facts.blocked) verdict.means = Means::card;
    if (facts.certificate_valid) return verdict;
    if (facts.blocked) {
        verdict.owed = PaperReason::protected_;
    } else if (facts.card == CardMeans::none) {
        verdict.owed = PaperReason::no_card;
    } else if (facts.use == UseState::cancelled || facts.use == UseState::cancel_requested) {
        verdict.owed = PaperReason::cancelled;
    } else if (!registered) {
        verdict.owed = PaperReason::not_registered;
    } else if (facts.card == CardMeans::unusable) {
        verdict.owed = PaperReason::card_unusable;
    } else if (facts.card != CardMeans::live) {
        verdict.owed = PaperReason::certificate_expired;
    }
    return verdict;
}

std::vector<Coverage> certificates_owed(std::span<const Coverage> records, Date day) {
    std::vector<Coverage> owed;
    for (const Coverage& record : records) {
        if (record.state == State::active && record.covers(day)) owed.push_back(record);
    }
    return owed;
}

}  // namespace onshi::coverage
