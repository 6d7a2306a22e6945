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

}  // namespace onshi::payments
