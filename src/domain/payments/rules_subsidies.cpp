#include "domain/payments/rules_subsidies.h"

namespace onshi::payments {

namespace {

constexpr int prefecture_max = 47;

bool is_negative(const std::optional<Yen>& amount) {
    return amount && *amount < Yen(0);
}

// The school year in which an age is attained ends as that of a child of six who was born so many years later.
Date last_day_of_age(const Ordinance& ordinance, Date birth) {
    if (ordinance.age_to_march) {
        return preschool_end(birthday(birth, *ordinance.age_to_march - ordinance_march_age_min));
    }
    return birthday(birth, ordinance.age_to + 1).plus_days(-1);
}

SubsidyAnswer judge(const Ordinance& ordinance, const SubsidyVisit& visit) {
    if (!ordinance.days.contains(visit.day)) return SubsidyAnswer::other_day;
    const auto age = age_on(visit.birth, visit.day);
    if (!age || *age < ordinance.age_from || visit.day > last_day_of_age(ordinance, visit.birth)) {
        return SubsidyAnswer::other_age;
    }
    const bool setting = visit.setting == Setting::inpatient ? ordinance.inpatient : ordinance.outpatient;
    if (!setting) return SubsidyAnswer::other_setting;
    if (ordinance.prefecture && *ordinance.prefecture != visit.facility_prefecture) {
        return SubsidyAnswer::other_prefecture;
    }
    if (!ordinance.income_below) return SubsidyAnswer::applies;
    if (!visit.income) return SubsidyAnswer::income_unknown;
    return *visit.income < *ordinance.income_below ? SubsidyAnswer::applies : SubsidyAnswer::income_too_high;
}

// What the ordinance leaves to the patient of this visit.
Yen fee_of(const Ordinance& ordinance, const SubsidyVisit& visit) {
    if (!ordinance.fee_per_visit) return Yen(0);
    if (ordinance.payments_per_month && visit.payments_before >= *ordinance.payments_per_month) return Yen(0);
    Yen fee = smaller(*ordinance.fee_per_visit, visit.left);
    if (ordinance.monthly_cap) fee = smaller(fee, larger(*ordinance.monthly_cap - visit.paid_before, Yen(0)));
    return fee;
}

}  // namespace

std::optional<std::string_view> contradiction(const Ordinance& ordinance) {
    if (ordinance.days.is_empty()) return "days";
    if (!ordinance.inpatient && !ordinance.outpatient) return "setting";
    if (ordinance.age_from < 0 || ordinance.age_to < ordinance.age_from || ordinance.age_to > ordinance_age_max) {
        return "age";
    }
    const int march = ordinance.age_to_march.value_or(ordinance_march_age_min);
    if (march < ordinance_march_age_min || march > ordinance_age_max || march < ordinance.age_from)
        return "age_to_march";
    if (ordinance.payments_per_month && *ordinance.payments_per_month < 0) return "payments_per_month";
    const auto prefecture = ordinance.prefecture.value_or(1);
    if (prefecture < 1 || prefecture > prefecture_max) return "prefecture";
    if (is_negative(ordinance.fee_per_visit)) return "fee_per_visit";
    if (is_negative(ordinance.monthly_cap)) return "monthly_cap";
    if (is_negative(ordinance.income_below)) return "income_below";
    return std::nullopt;
}

std::string_view to_string(SubsidyAnswer answer) {
    switch (answer) {
        case SubsidyAnswer::applies: return "applies";
        case SubsidyAnswer::other_day: return "other_day";
        case SubsidyAnswer::other_age: return "other_age";
        case SubsidyAnswer::other_setting: return "other_setting";
        case SubsidyAnswer::other_prefecture: return "other_prefecture";
        case SubsidyAnswer::income_unknown: return "income_unknown";
        case SubsidyAnswer::income_too_high: return "income_too_high";
        case SubsidyAnswer::municipality_unknown: return "municipality_unknown";
    }
    return "other_day";
}

Evaluated<SubsidyResult> apply_ordinance(const Ordinance& ordinance, const SubsidyVisit& visit) {
    if (contradiction(ordinance)) return tl::unexpected(ErrorCode::payments_ordinance);
    const bool wrong_amount = visit.left < Yen(0) || visit.left > Yen(cost_yen_max) || visit.paid_before < Yen(0);
    if (wrong_amount || visit.payments_before < 0) return tl::unexpected(ErrorCode::payments_amount);
    SubsidyResult result;
    result.answer = judge(ordinance, visit);
    result.patient = visit.left;
    if (result.answer != SubsidyAnswer::applies) return result;
    const Yen fee = fee_of(ordinance, visit);
    result.subsidy = visit.left - fee;
    if (ordinance.payment == SubsidyPayment::in_kind) {
        result.patient = fee;
    } else {
        result.refund_later = result.subsidy;
    }
    return result;
}

}  // namespace onshi::payments
