// Local subsidies (医療費助成, §4.6): what an ordinance leaves the patient to pay of one visit. Pure, thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "domain/payments/model.h"

namespace onshi::payments {

inline constexpr int ordinance_age_max = 200;
inline constexpr int ordinance_march_age_min = 6;  // 就学前

enum class SubsidyPayment : std::uint8_t { in_kind, refund };  // 現物給付, 償還払い

// An ordinance as data of its municipality.
struct Ordinance {
    DateRange days;    // of care
    int age_from = 0;  // completed years, both included
    int age_to = ordinance_age_max;
    // Until the 31 March on or after this age is attained (18歳到達後最初の3月31日), in place of age_to; none: by
    // age_to.
    std::optional<int> age_to_march;
    bool inpatient = true;
    bool outpatient = true;
    std::optional<Yen> fee_per_visit;       // none: nothing is collected
    std::optional<Yen> monthly_cap;         // of the fees of a month
    std::optional<int> payments_per_month;  // after so many fees in a month no more are collected
    std::optional<Yen> income_below;        // an income test
    std::optional<int> prefecture;          // facilities of this prefecture only, 1..47
    SubsidyPayment payment = SubsidyPayment::in_kind;
};

// What is wrong with it, by the name of the field; nullopt: it does not contradict itself.
[[nodiscard]] std::optional<std::string_view> contradiction(const Ordinance& ordinance);

// One visit of one person. `left` is what insurance and the national programmes leave to the patient.
struct SubsidyVisit {
    Date birth;
    Date day;
    Setting setting = Setting::outpatient;
    int facility_prefecture = 0;
    std::optional<Yen> income;
    Yen left;
    int payments_before = 0;  // fees collected in this month
    Yen paid_before;          // their sum
};

enum class SubsidyAnswer : std::uint8_t {
    applies,
    other_day,
    other_age,
    other_setting,
    other_prefecture,
    income_unknown,  // never guessed in either direction: the patient is asked for proof
    income_too_high,
    municipality_unknown,  // not connected, or not on file: there may be a subsidy, nobody here knows
};
[[nodiscard]] std::string_view to_string(SubsidyAnswer answer);

struct SubsidyResult {
    SubsidyAnswer answer = SubsidyAnswer::applies;
    Yen patient;       // collected at the counter
    Yen refund_later;  // comes back on application, where the ordinance does not pay in kind
    Yen subsidy;       // what the municipality bears in the end
};

// Errors: payments.ordinance for one that contradicts itself (ages, days, no setting, negative amounts),
// payments.amount.
[[nodiscard]] Evaluated<SubsidyResult> apply_ordinance(const Ordinance& ordinance, const SubsidyVisit& visit);

}  // namespace onshi::payments
