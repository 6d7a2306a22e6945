#include "domain/payments/rules_explanation.h"

#include <array>

#include <fmt/format.h>

namespace onshi::payments {

namespace {

struct RuleText {
    std::string_view name;
    std::string_view basis;
};

// In the order of Rule. The articles are from memory (docs/payments.md).
constexpr std::array<RuleText, rule_count> rules{{
    {"copay", "健康保険法第74条・国民健康保険法第42条・高齢者医療確保法第67条"},
    {"monthly_limit", "健康保険法第115条・同施行令第42条"},
    {"reduced_limit", "健康保険法施行令第42条（多数回該当）"},
    {"outpatient_limit", "健康保険法施行令第41条・第42条（外来）"},
    {"half_month", "健康保険法施行令第42条（75歳到達月）"},
    {"special_disease", "健康保険法施行令第41条（特定疾病）"},
    {"payer_before_insurance", ""},
    {"payer_limit", "健康保険法施行令第42条（公費併用）"},
    {"payer_share", ""},
    {"combined_limit", "健康保険法施行令第41条（公費併用の合算）"},
    {"relief", "高齢者医療確保法施行令附則（2割負担の配慮措置）"},
    {"household_outpatient", "健康保険法施行令第41条（外来の個人合算）"},
    {"household_elderly", "健康保険法施行令第41条（70歳以上の世帯合算）"},
    {"household_all", "健康保険法施行令第41条（世帯合算）"},
    {"household_not_counted", "健康保険法施行令第41条（21,000円）"},
    {"subsidy", ""},
    {"rounding", "健康保険法第75条"},
    {"annual_ceiling", "健康保険法施行令第41条の3（年間上限）"},
    {"no_reduced_limit", "健康保険法施行令第42条（多数回該当）"},
    {"ratio_suspect", ""},
    {"household_half_month", "健康保険法施行令第41条（75歳到達時特例対象療養）"},
    {"cap_book", "難病法施行令第1条（自己負担上限月額の管理）"},
    {"annual_ceiling_perhaps", "健康保険法施行令第41条の3（年間上限）"},
    {"no_category", ""},
    {"subsidy_refund", ""},
}};

}  // namespace

std::string_view to_string(Rule rule) {
    return rules[static_cast<std::size_t>(rule)].name;
}

std::string_view to_string(Setting setting) {
    return setting == Setting::inpatient ? "inpatient" : "outpatient";
}

std::string_view legal_basis(const Tables& tables, const Step& step) {
    const auto basis = rules[static_cast<std::size_t>(step.rule)].basis;
    if (!basis.empty() || step.payer == 0) return basis;
    for (const auto& payer : tables.payers) {
        if (payer.code == step.payer) return payer.basis;
    }
    return basis;
}

std::string grouped(Yen amount) {
    std::string digits = fmt::format("{}", amount.value());
    const std::size_t first = amount < Yen(0) ? 1 : 0;
    for (std::size_t place = digits.size(); place > first + 3;) {
        place -= 3;
        digits.insert(place, 1, ',');
    }
    return digits;
}

std::string sentence(const Step& step, Language language, Wording wording) {
    std::string key = fmt::format("{}.{}", wording == Wording::easy ? "pay_easy" : "pay", to_string(step.rule));
    const bool changes_nothing = step.rule == Rule::payer_share && step.of == step.amount;
    if (changes_nothing) key += "_none";
    const auto found = find_text(language, key, Audience::label);
    if (!found) return std::string(to_string(step.rule));
    return fill_text(*found, {{"of", grouped(step.of)},
                              {"amount", grouped(step.amount)},
                              {"percent", fmt::format("{}", step.percent.value())},
                              {"payer", fmt::format("{}", step.payer)}});
}

}  // namespace onshi::payments
