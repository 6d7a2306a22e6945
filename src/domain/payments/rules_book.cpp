#include "domain/payments/rules_book.h"

#include <algorithm>
#include <array>

#include "base/ensure.h"
#include "domain/payments/rules.h"

namespace onshi::payments {

CapBalance collect_under_cap(Yen cap, Yen paid, Yen share) {
    const Yen room = larger(cap - paid, Yen(0));
    const Yen collect = smaller(share, room);
    return {collect, room - collect};
}

Evaluated<Yen> cap_in_household(Yen own, std::span<const Yen> others, std::int64_t rounding_unit) {
    const auto possible = [](Yen cap) { return Yen(0) <= cap && cap <= Yen(cost_yen_max); };
    if (rounding_unit < 1 || !possible(own)) return tl::unexpected(ErrorCode::payments_amount);
    if (others.empty()) return own;
    Yen sum = own;
    Yen highest = own;
    for (const Yen cap : others) {
        if (!possible(cap)) return tl::unexpected(ErrorCode::payments_amount);
        sum += cap;
        highest = larger(highest, cap);
    }
    if (sum == Yen(0)) return Yen(0);
    // Below 2^74: caps are bounded by cost_yen_max.
    __extension__ using Wide = __int128;
    const auto part = static_cast<std::int64_t>(static_cast<Wide>(highest.value()) * own.value() / sum.value());
    return Yen(part / rounding_unit * rounding_unit);
}

namespace {

// The lowest of a category's rows in each respect, and the highest ceilings.
struct YearTerms {
    std::optional<Yen> month;  // the limit without its 1 %
    std::optional<Yen> reduced;
    std::optional<Yen> outpatient_month;
    YearBalance all;
    YearBalance outpatient;
};

void lower(std::optional<Yen>& lowest, std::optional<Yen> amount) {
    if (amount && (!lowest || *amount < *lowest)) lowest = amount;
}

void widen(YearBalance& balance, std::optional<Yen> amount) {
    lower(balance.lowest_ceiling, amount);
    if (amount && (!balance.ceiling || *balance.ceiling < *amount)) balance.ceiling = amount;
}

YearTerms terms_of(const Tables& tables, Date month, std::optional<Category> category) {
    YearTerms terms;
    const auto* table = find_limit_table(tables, month);
    if (table == nullptr || !category) return terms;
    bool every_row = true;
    bool every_outpatient = true;
    for (const auto& row : table->rows) {
        if (row.limit_class.category != *category) continue;
        lower(terms.month, row.base);
        lower(terms.reduced, row.many);
        lower(terms.outpatient_month, row.outpatient);
        widen(terms.all, row.annual);
        widen(terms.all, row.annual_low_pay);
        widen(terms.outpatient, row.outpatient_annual);
        every_row = every_row && row.annual.has_value();
        every_outpatient = every_outpatient && row.outpatient_annual.has_value();
    }
    // Where one of the steps has no ceiling, none is certain to be passed.
    if (!every_row) terms.all.ceiling.reset();
    if (!every_outpatient) terms.outpatient.ceiling.reset();
    return terms;
}

void settle(YearBalance& balance, std::span<const Yen> certain, std::span<const Yen> asked) {
    const AnnualBalance all = annual_balance(balance.lowest_ceiling, asked);
    balance.paid = all.paid;
    balance.refund_at_most = all.refund;
    balance.refund = annual_balance(balance.ceiling, certain).refund;
}

}  // namespace

Year year_of(const Tables& tables, Date day, std::optional<Category> category, std::span<const PaidMonth> months) {
    ENSURE(months.size() <= year_months_max);
    Year year;
    year.from = annual_period_start(tables, day);
    const YearTerms today = terms_of(tables, day, category);
    year.all = today.all;
    year.outpatient = today.outpatient;
    std::array<Yen, year_months_max> asked{};
    std::array<Yen, year_months_max> certain{};
    std::array<Yen, year_months_max> outpatient{};
    std::array<Yen, year_months_max> certain_outpatient{};
    std::array<Date, year_months_max> benefits{};
    std::size_t size = 0;
    std::size_t benefit_count = 0;
    for (const PaidMonth& each : months) {
        const YearTerms terms = terms_of(tables, each.month, category);
        const bool many = terms.reduced && is_many(each.month, std::span(benefits).first(benefit_count));
        const auto limit = many ? terms.reduced : terms.month;
        if (limit && each.all >= *limit) benefits[benefit_count++] = each.month;
        if (each.month < year.from) continue;
        outpatient[size] = each.outpatient;
        certain_outpatient[size] =
            terms.outpatient_month ? smaller(each.outpatient, *terms.outpatient_month) : each.outpatient;
        asked[size] = each.all;
        const Yen rest = certain_outpatient[size] + (each.all - each.outpatient);
        certain[size] = limit ? smaller(rest, *limit) : rest;
        ++size;
    }
    settle(year.all, std::span(certain).first(size), std::span(asked).first(size));
    settle(year.outpatient, std::span(certain_outpatient).first(size), std::span(outpatient).first(size));
    return year;
}

}  // namespace onshi::payments
