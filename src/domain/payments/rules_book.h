// The book of what a person paid in a month: the cap of a programme over all providers (自己負担上限額管理票, §4.4) and
// the year that an annual ceiling counts (§3.10). Pure, without allocation, thread-safe.
#pragma once

#include <optional>
#include <span>

#include "domain/payments/model.h"

namespace onshi::payments {

// A page: everything paid under one programme in one month. Two programmes are none: all payments of the month, and
// those of outpatient care, which have an annual ceiling of their own from 70 on.
inline constexpr int all_payments = 0;
inline constexpr int outpatient_payments = 100;
struct BookPlace {
    int programme = all_payments;  // law code, or one of these two
    Date month;                    // its first day
    bool operator==(const BookPlace&) const = default;
};

// What a cap leaves to collect. `share`: what the programme's own rule leaves of this payment before the cap.
struct CapBalance {
    Yen collect;
    Yen remaining;  // of the cap, behind this payment
};
// `paid` may be above the cap, where the cap was lowered: then nothing is collected.
[[nodiscard]] CapBalance collect_under_cap(Yen cap, Yen paid, Yen share);

// 世帯内按分: the cap of a recipient in whose household `others` are recipients too. The household pays no more than
// its highest cap; each one's part is in proportion to the own cap, cut to `rounding_unit`. Two of one class have half
// each. payments.amount for caps that are negative or above cost_yen_max and for a unit below 1.
[[nodiscard]] Evaluated<Yen> cap_in_household(Yen own, std::span<const Yen> others, std::int64_t rounding_unit);

// ---- The year ------------------------------------------------------------------------------------------------------

// What a person was asked for in a month, at every facility that posted it, before monthly benefits.
struct PaidMonth {
    Date month;  // its first day
    Yen all;
    Yen outpatient;  // of it
};
// Months before a period from which its own 多数回 is counted.
inline constexpr int months_before_year = 11;
inline constexpr std::size_t year_months_max = 12 + months_before_year;

// How a year stands against one ceiling. The book does not know benefits of households, categories of months gone by,
// nor costs and pays; so what comes back is an estimate on the careful side, and what it is at most.
struct YearBalance {
    Yen paid;                           // of the period
    std::optional<Yen> ceiling;         // the highest that the category can have; none: no ceiling
    std::optional<Yen> lowest_ceiling;  // the lowest, where a step or a pay of at most 150,000 decides
    Yen refund;                         // expected: the highest ceiling, months cut to their limit without its 1 %
    Yen refund_at_most;                 // as if no monthly benefit came, with the lowest ceiling
    [[nodiscard]] bool passed() const { return refund > Yen(0); }
    [[nodiscard]] bool perhaps_passed() const { return refund_at_most > Yen(0); }
};
struct Year {
    Date from;
    YearBalance all;
    YearBalance outpatient;  // of the months from 70 on (144,000; 216,000)
};
// The period of a day. `months`: at most year_months_max, in order, from months_before_year before the period on; each
// counts by the limits of its own month, halved in that of the 75th birthday. `category`: nullopt: what is so for every
// category of the age. Months in which the limit was reached are taken as months of a benefit (多数回).
[[nodiscard]] Year year_of(const Tables& tables, Date birth, Date day, std::optional<Category> category,
                           std::span<const PaidMonth> months);

}  // namespace onshi::payments
