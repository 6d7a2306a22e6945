#include "installation/certificates.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ensure.h"
#include "domain/payments/rules.h"
#include "exchange/ordinances/ordinance_file.h"
#include "installation/installation_files.h"
#include "installation/nation_loader.h"
#include "synth/subsidies.h"

namespace onshi::installation {

namespace {

using payments::Yen;

constexpr int year_of_limits_begins = 8;
constexpr int year_of_diseases_begins = 4;

// Codes of both sides are those of domain-rules §1.5.
static_assert(static_cast<int>(synth::SpecificDisease::hiv) ==
              static_cast<int>(payments::SpecificDisease::hiv_by_blood_product));

// The record that covers the nation's day in the person's own name; nullptr: none.
const synth::SyntheticCoverage* present_coverage(const synth::SyntheticPerson& person, Date day) {
    const synth::SyntheticCoverage* found = nullptr;
    for (const auto& each : person.coverages) {
        const bool counts = each.state == synth::CoverageState::active && each.is_known(day) &&
                            each.valid.contains(day) && each.number_owner == person.index;
        if (counts) found = &each;
    }
    return found;
}

Date last_first_of(int month, Date day) {
    const CivilDay civil = day.civil();
    return *Date::from_ymd(civil.month >= month ? civil.year : civil.year - 1, month, 1);
}

bool pays_the_higher_cap(const synth::SyntheticPerson& person, const synth::SyntheticCoverage& record) {
    const bool high = record.limit == synth::LimitCategory::a01 || record.limit == synth::LimitCategory::a02;
    return high && person.specific_disease == synth::SpecificDisease::renal_failure;
}

payments::LimitCertificateKind kind_of(synth::LimitCategory limit) {
    using synth::LimitCategory;
    const bool exempt = limit == LimitCategory::a05 || limit == LimitCategory::a06 || limit == LimitCategory::b05 ||
                        limit == LimitCategory::b06 || limit == LimitCategory::b07 || limit == LimitCategory::b08;
    return exempt ? payments::LimitCertificateKind::limit_and_meals : payments::LimitCertificateKind::limit;
}

payments::LocalOrdinance child_ordinance() {
    payments::LocalOrdinance ordinance{synth::child_subsidy_law_code, "架空こども医療費助成", {}};
    ordinance.terms.days = {synth::subsidies_connected_from, Date::open_end};
    ordinance.terms.age_to_march = 18;
    ordinance.terms.fee_per_visit = Yen(200);
    ordinance.terms.payments_per_month = 2;
    return ordinance;
}

payments::LocalOrdinance disability_ordinance() {
    payments::LocalOrdinance ordinance{synth::disability_subsidy_law_code, "架空障害者医療費助成", {}};
    ordinance.terms.days = {synth::subsidies_connected_from, Date::open_end};
    ordinance.terms.fee_per_visit = Yen(500);
    ordinance.terms.monthly_cap = Yen(1'000);
    return ordinance;
}

payments::MunicipalityCode code_of(std::uint32_t code) {
    const auto found = payments::MunicipalityCode::from_key(code);
    ENSURE(found.has_value());
    return *found;
}

}  // namespace

payments::Holdings holdings_of(const synth::Nation& nation, const synth::SyntheticPerson& person) {
    const Date as_of = nation.settings().as_of;
    payments::Holdings held;
    std::size_t number = 0;
    const auto* coverage = present_coverage(person, as_of);
    if (coverage != nullptr) {
        const InsurerNumber insurer = nation.organisations().insurers()[coverage->insurer].number;
        if (synth::holds_limit_certificate(nation, person)) {
            const Date issued = std::max(last_first_of(year_of_limits_begins, as_of), coverage->valid.first);
            held.limits.push_back(
                {certificate_key(person.index, number++),
                 payments::CertificateState::active,
                 insurer,
                 kind_of(coverage->limit),
                 issued,
                 {issued, last_first_of(year_of_limits_begins, as_of).plus_months_clamped(12).plus_days(-1)},
                 std::nullopt});
        }
        if (person.specific_disease != synth::SpecificDisease::none) {
            const Date issued = std::max(last_first_of(year_of_diseases_begins, as_of), coverage->valid.first);
            const auto& tables = payments::builtin_tables();
            const Yen cap = pays_the_higher_cap(person, *coverage) ? tables.special_disease_dialysis_high_cap
                                                                   : tables.special_disease_cap;
            held.diseases.push_back({certificate_key(person.index, number++),
                                     payments::CertificateState::active,
                                     insurer,
                                     static_cast<payments::SpecificDisease>(person.specific_disease),
                                     issued,
                                     {issued, Date::open_end},
                                     cap});
        }
    }
    for (const auto& each : synth::subsidies_of(nation, person)) {
        payments::SubsidyCertificate made{.key = certificate_key(person.index, number++),
                                          .payer = each.payer,
                                          .recipient = fmt::format("{:07}", each.recipient),
                                          .name = std::string(each.name),
                                          .municipality = code_of(each.issuer),
                                          .valid = each.valid};
        if (each.monthly_cap) made.monthly_cap = Yen(*each.monthly_cap);
        made.income = static_cast<payments::IncomeClass>(each.income);
        made.refund_only = each.refund_only;
        held.subsidies.push_back(std::move(made));
    }
    return held;
}

Result<void> write_ordinances(const synth::Nation& nation, const std::filesystem::path& file) {
    std::vector<payments::Municipality> all;
    const DateRange connected{synth::subsidies_connected_from, Date::open_end};
    const auto prefectures = synth::prefectures();
    for (int prefecture = 1; prefecture <= synth::prefecture_count; ++prefecture) {
        const auto name = prefectures[static_cast<std::size_t>(prefecture - 1)].name;
        all.push_back({code_of(synth::prefecture_code(prefecture)), std::string(name), connected, {}});
    }
    const auto municipalities = nation.organisations().municipalities();
    for (std::size_t i = 0; i < municipalities.size(); ++i) {
        const auto& each = municipalities[i];
        std::string name(prefectures[static_cast<std::size_t>(each.prefecture - 1)].name);
        name += each.name;
        payments::Municipality made{code_of(each.code), std::move(name)};
        if (synth::is_connected(nation, static_cast<std::uint16_t>(i))) {
            made.connected = connected;
            made.ordinances = {child_ordinance(), disability_ordinance()};
        }
        all.push_back(std::move(made));
    }
    auto table = payments::MunicipalTable::make(std::move(all));
    if (!table) return fail(std::move(table));
    return write_text_file(file, ordinances::write(*table));
}

}  // namespace onshi::installation
