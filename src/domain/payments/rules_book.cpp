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

// Of the category, or of every category of an age band where it is not known.
struct KnownCategory {
    std::optional<Category> category;
    Band band = Band::under70;
    [[nodiscard]] bool covers(Category other) const { return category ? other == *category : band_of(other) == band; }
};

YearTerms terms_of(const Tables& tables, Date month, const KnownCategory& known) {
    YearTerms terms;
    const auto* table = find_limit_table(tables, month);
    if (table == nullptr) return terms;
    bool every_row = true;
    bool every_outpatient = true;
    for (const auto& row : table->rows) {
        if (!known.covers(row.limit_class.category)) continue;
        lower(terms.month, row.base);
        lower(terms.reduced, row.many);
        lower(terms.outpatient_month, row.outpatient);
        widen(terms.all, row.annual);
        widen(terms.all, row.annual_low_pay);
        widen(terms.outpatient, row.outpatient_annual);
        every_row = every_row && row.annual.has_value();
        every_outpatient = every_outpatient && row.outpatient_annual.has_value();
    }
    // Where one of them has no ceiling, none is expected to be passed.
    if (!every_row) terms.all.ceiling.reset();
    if (!every_outpatient) terms.outpatient.ceiling.reset();
    return terms;
}

void halve(std::optional<Yen>& amount) {
    if (amount) amount = Yen(amount->value() / 2);
}

void settle(YearBalance& balance, std::span<const Yen> expected, std::span<const Yen> asked) {
    const AnnualBalance all = annual_balance(balance.lowest_ceiling, asked);
    balance.paid = all.paid;
    balance.refund_at_most = all.refund;
    balance.refund = annual_balance(balance.ceiling, expected).refund;
}

}  // namespace

Year year_of(const Tables& tables, Date birth, Date day, std::optional<Category> category,
             std::span<const PaidMonth> months) {
    ENSURE(months.size() <= year_months_max);
    Year year;
    year.from = annual_period_start(tables, day);
    const Date seventy = category && band_of(*category) == Band::over70 && day < seventy_start(birth)
                             ? Date::first_day  // 後期高齢者 by a certified disability
                             : seventy_start(birth);
    const KnownCategory known{category, day < seventy ? Band::under70 : Band::over70};
    const YearTerms today = terms_of(tables, day, known);
    year.all = today.all;
    year.outpatient = today.outpatient;
    std::array<Yen, year_months_max> asked{};
    std::array<Yen, year_months_max> expected{};
    std::array<Yen, year_months_max> outpatient{};
    std::array<Yen, year_months_max> expected_outpatient{};
    std::array<Date, year_months_max> benefits{};
    std::size_t size = 0;
    std::size_t benefit_count = 0;
    for (const PaidMonth& each : months) {
        YearTerms terms = terms_of(tables, each.month, known);
        if (half_limit_month(birth) == each.month) {
            for (auto* amount : {&terms.month, &terms.reduced, &terms.outpatient_month}) halve(*amount);
        }
        const bool many = terms.reduced && is_many(each.month, std::span(benefits).first(benefit_count));
        const auto limit = many ? terms.reduced : terms.month;
        if (limit && each.all >= *limit) benefits[benefit_count++] = each.month;
        if (each.month < year.from) continue;
        asked[size] = each.all;
        Yen rest = each.all;
        if (each.month >= seventy) {
            outpatient[size] = each.outpatient;
            expected_outpatient[size] =
                terms.outpatient_month ? smaller(each.outpatient, *terms.outpatient_month) : each.outpatient;
            rest -= each.outpatient - expected_outpatient[size];
        }
        expected[size] = limit ? smaller(rest, *limit) : rest;
        ++size;
    }
    settle(year.all, std::span(expected).first(size), std::span(asked).first(size));
    settle(year.outpatient, std::span(expected_outpatient).first(size), std::span(outpatient).first(size));
    return year;
}

}  // namespace onshi::payments
