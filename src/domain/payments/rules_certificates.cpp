#include "domain/payments/rules_certificates.h"

#include <algorithm>

#include "domain/payments/rules.h"

namespace onshi::payments {

namespace {

template <class Certificate>
bool counts(const Certificate& certificate, Date day) {
    return certificate.state == CertificateState::active && certificate.valid.contains(day);
}

// The one issued last; of those of one day the one registered last.
template <class Certificate>
bool is_newer(const Certificate& a, const Certificate& b) {
    return a.issued_on != b.issued_on ? a.issued_on > b.issued_on : a.key > b.key;
}

std::optional<Date> known_end(const DateRange& range) {
    return range.is_open_ended() ? std::nullopt : std::optional(range.last);
}

// The place of a programme in the order of §1.6; those that are unknown on the day come last.
std::uint32_t rank_of(const Tables& tables, const SubsidyCertificate& subsidy, Date day) {
    const Payer* payer = find_payer(tables, subsidy.payer.law_code(), day);
    return payer == nullptr ? 256U : payer->rank;
}

}  // namespace

LimitCertificateKind kind_by_category(Category category) {
    const bool exempt = category == Category::u70_o || category == Category::low_2 || category == Category::low_1;
    return exempt ? LimitCertificateKind::limit_and_meals : LimitCertificateKind::limit;
}

LimitDisclosure disclose_limit(const LimitFacts& facts) {
    LimitDisclosure told;
    // Whether there is one is not told either.
    if (!facts.shown) {
        told.presence = Presence::not_shown;
        return told;
    }
    told.presence = limit_category_presence(facts.category, facts.scheme);
    if (told.presence != Presence::present) return told;
    LimitBlock block;
    block.category = facts.category;
    if (facts.certificate != nullptr) {
        const LimitCertificate& certificate = *facts.certificate;
        block.kind = certificate.kind;
        block.issued_on = certificate.issued_on;
        block.valid_from = certificate.valid.first;
        block.valid_to = known_end(certificate.valid);
        block.long_term_on = certificate.long_term_on;
    } else if (const auto category = parse_category(builtin_tables(), facts.category)) {
        block.kind = kind_by_category(*category);
    }
    told.block = std::move(block);
    return told;
}

std::vector<SpecificDiseaseBlock> disease_blocks(std::span<const SpecificDiseaseCertificate> shown) {
    std::vector<SpecificDiseaseBlock> blocks;
    blocks.reserve(shown.size());
    for (const auto& each : shown) {
        blocks.push_back({each.disease, each.issued_on, each.valid.first, known_end(each.valid), each.monthly_cap});
    }
    return blocks;
}

const LimitCertificate* limit_on(const Holdings& holdings, InsurerNumber insurer, Date day) {
    const LimitCertificate* found = nullptr;
    for (const auto& each : holdings.limits) {
        if (each.insurer != insurer || !counts(each, day)) continue;
        if (found == nullptr || is_newer(each, *found)) found = &each;
    }
    return found;
}

std::vector<SpecificDiseaseCertificate> diseases_on(const Holdings& holdings, InsurerNumber insurer, Date day) {
    std::vector<SpecificDiseaseCertificate> found;
    for (const auto& each : holdings.diseases) {
        if (each.insurer != insurer || !counts(each, day)) continue;
        const auto same = std::ranges::find(found, each.disease, &SpecificDiseaseCertificate::disease);
        if (same == found.end()) {
            found.push_back(each);
        } else if (is_newer(each, *same)) {
            *same = each;
        }
    }
    std::ranges::sort(found, {}, &SpecificDiseaseCertificate::disease);
    return found;
}

std::vector<SubsidyCertificate> subsidies_on(const Holdings& holdings, const Tables& tables, Date day) {
    std::vector<SubsidyCertificate> found;
    std::ranges::copy_if(holdings.subsidies, std::back_inserter(found),
                         [day](const SubsidyCertificate& each) { return counts(each, day); });
    std::ranges::sort(found, [&](const SubsidyCertificate& a, const SubsidyCertificate& b) {
        const auto first = rank_of(tables, a, day);
        const auto second = rank_of(tables, b, day);
        if (first != second) return first < second;
        return a.payer != b.payer ? a.payer < b.payer : a.key < b.key;
    });
    return found;
}

}  // namespace onshi::payments
