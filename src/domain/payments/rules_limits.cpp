#include <algorithm>
#include <array>

#include "base/ensure.h"
#include "domain/payments/rules.h"

namespace onshi::payments {

namespace {

// Every amount of the tables halves exactly; the generator refuses others.
constexpr Yen halved(Yen amount, bool half) {
    return half ? Yen(amount.value() / 2) : amount;
}

constexpr Percent one_percent = Percent::of(1);

__extension__ using Wide = __int128;

}  // namespace

Limit monthly_limit(const LimitRow& row, const LimitTerms& terms) {
    if (terms.setting == Setting::outpatient && row.outpatient) {
        return {halved(*row.outpatient, terms.half_month), Rule::outpatient_limit, terms.many};
    }
    if (terms.many && row.many) return {halved(*row.many, terms.half_month), Rule::reduced_limit, false};
    Yen amount = halved(row.base, terms.half_month);
    if (row.threshold) {
        const Yen above = terms.cost - halved(*row.threshold, terms.half_month);
        if (above > Yen(0)) amount += one_percent.share_of(above);
    }
    return {amount, Rule::monthly_limit, terms.many};
}

bool is_many(Date care_month, std::span<const Date> benefit_months) {
    const auto number = [](Date day) {
        const CivilDay civil = day.civil();
        return civil.year * 12 + static_cast<int>(civil.month);
    };
    std::array<bool, 11> before{};
    for (const Date month : benefit_months) {
        const int ago = number(care_month) - number(month);
        if (ago >= 1 && ago <= static_cast<int>(before.size())) before[static_cast<std::size_t>(ago - 1)] = true;
    }
    return is_many(before);
}

Yen counter_amount(Yen raw, Rounding rounding) {
    return rounding == Rounding::exact ? raw : Yen((raw.value() + 5) / 10 * 10);
}

Date annual_period_start(const Tables& tables, Date day) {
    const CivilDay civil = day.civil();
    const int year = civil.month >= tables.annual_first_month ? civil.year : civil.year - 1;
    return Date::from_ymd(year, tables.annual_first_month, 1).value_or(Date::first_day);
}

AnnualBalance annual_balance(std::optional<Yen> ceiling, std::span<const Yen> months) {
    AnnualBalance result;
    for (const Yen month : months) result.paid += month;
    if (ceiling && result.paid > *ceiling) result.refund = result.paid - *ceiling;
    return result;
}

void split_refund(Yen refund, std::span<const Yen> paid, std::span<Yen> shares) {
    ENSURE(paid.size() == shares.size() && paid.size() <= household_items_max);
    Yen sum;
    for (const Yen each : paid) sum += each;
    if (sum == Yen(0)) {
        std::ranges::fill(shares, Yen(0));
        return;
    }
    ENSURE(Yen(0) <= refund && refund <= sum);
    std::array<std::int64_t, household_items_max> remainders{};
    Yen given;
    for (std::size_t i = 0; i < paid.size(); ++i) {
        // Products stay below 2^127: both factors are below 2^63.
        const auto product = static_cast<Wide>(refund.value()) * paid[i].value();
        shares[i] = Yen(static_cast<std::int64_t>(product / sum.value()));
        remainders[i] = static_cast<std::int64_t>(product % sum.value());
        given += shares[i];
    }
    while (given < refund) {
        std::size_t best = 0;
        for (std::size_t i = 1; i < paid.size(); ++i) {
            if (remainders[i] > remainders[best]) best = i;
        }
        shares[best] += Yen(1);
        remainders[best] = -1;
        given += Yen(1);
    }
}

}  // namespace onshi::payments
