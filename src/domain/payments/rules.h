// What a patient pays, from tables and facts alone. All functions are pure, allocate nothing and are thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "domain/payments/model.h"

namespace onshi::payments {

// ---- Tables --------------------------------------------------------------------------------------------------------

// The limits of the month of a day; nullptr before the first table.
[[nodiscard]] const LimitTable* find_limit_table(const Tables& tables, Date day);
[[nodiscard]] const LimitTable* find_limit_table(const Tables& tables, std::string_view name);
// nullptr when the table has no such row: a step that is missing where the table has several, or the other way round.
[[nodiscard]] const LimitRow* find_row(const LimitTable& table, LimitClass limit_class);
// The row of a standard monthly pay (標準報酬月額) in yen, of those that go by pay. Not for the tax-exempt, nor to make
// somebody 現役並み: that takes the 30 % ratio (§3.3).
[[nodiscard]] const LimitRow* find_row_by_pay(const LimitTable& table, Band band, Yen pay);
// By a name or code of §1.5: `ウ`, `III`, `低II`, `A03`.
[[nodiscard]] std::optional<Category> parse_category(const Tables& tables, std::string_view text);
// The row that a text names in a band: a category, one with its step (`ウ2`), or a standard monthly pay (`440000`).
// payments.category when there is none.
[[nodiscard]] Evaluated<LimitClass> parse_limit_class(const Tables& tables, const LimitTable& table, Band band,
                                                      std::string_view text);
// The name to print; a step is written behind it where there are several.
[[nodiscard]] std::string_view category_name(const Tables& tables, Category category);
// The programme as known on a day; nullptr when there is none.
[[nodiscard]] const Payer* find_payer(const Tables& tables, int code, Date day);
// The monthly cap of a programme by its recipient's income class (§4.4, §4.5), as a payer of a claim has it. nullopt:
// the insurer's monthly limit is all there is. payments.income_class: none for this class and severity, or not covered.
[[nodiscard]] Evaluated<std::optional<Yen>> programme_cap(const Tables& tables, int code, IncomeClass income,
                                                          Severity severity);
// `welfare`, `low_1` … `upper`; `normal`, `long`, `ventilator`: the words of files and messages.
[[nodiscard]] std::string_view to_string(IncomeClass income);
[[nodiscard]] std::optional<IncomeClass> parse_income_class(std::string_view text);
[[nodiscard]] std::optional<Severity> parse_severity(std::string_view text);

// ---- Limits (§3.2–§3.4, §3.7) --------------------------------------------------------------------------------------

struct LimitTerms {
    Yen cost;  // 総医療費 that the limit is for
    Setting setting = Setting::inpatient;
    bool many = false;
    bool half_month = false;
};
struct Limit {
    Yen amount;
    Rule rule = Rule::monthly_limit;  // monthly_limit, reduced_limit or outpatient_limit
    bool many_ignored = false;        // asked for, and the row has no reduced limit for this setting
};
// A row's limit for one person and month. The reduced limit and the outpatient cap have no 1 % part.
[[nodiscard]] Limit monthly_limit(const LimitRow& row, const LimitTerms& terms);
// Whether a month is the fourth or later with a high-cost benefit (§3.4): `months_before` are the benefits of the
// eleven months before it, same insurer and same insured, without those in which only the outpatient cap applied.
[[nodiscard]] constexpr bool is_many(std::span<const bool> months_before) {
    int count = 0;
    for (const bool benefit : months_before.last(months_before.size() < 11 ? months_before.size() : 11)) {
        count += benefit ? 1 : 0;
    }
    return count >= 3;
}
// The same from the months of the benefits (any day of each), in any order; others than those eleven do not count.
[[nodiscard]] bool is_many(Date care_month, std::span<const Date> benefit_months);

// ---- Claims and households -----------------------------------------------------------------------------------------

// Errors: payments.care_month, .category, .ratio, .amount, .parts, .payer, .cap_missing, .special_disease, .relief.
// `steps`: where the explanation goes; nullptr: nobody asks for one.
[[nodiscard]] Evaluated<ClaimResult> evaluate_claim(const Claim& claim, const Tables& tables, Steps* steps = nullptr);

// Aggregation in its three steps. Errors: payments.care_month, .category, .ratio, .amount, .household.
// `refunds`, when it is given, is as long as the items and gets what comes back of each: a step's refund is divided
// among those whose payments it counted.
[[nodiscard]] Evaluated<HouseholdResult> evaluate_household(const Household& household, const Tables& tables,
                                                            Steps* steps = nullptr, std::span<Yen> refunds = {});
// Gives each item its part of a refund in proportion to what it was counted with; the parts sum to the whole, and what
// does not divide goes to the earliest items with the largest remainders. `shares` is as long as `paid`. A refund is
// not larger than the sum of what was paid.
void split_refund(Yen refund, std::span<const Yen> paid, std::span<Yen> shares);

// ---- The counter (§4.3) and the year (§3.10) -----------------------------------------------------------------------

enum class Rounding : std::uint8_t { to_ten_yen, exact };
// What is collected: to ten yen, five up; an amount that a limit decided is collected to the yen.
[[nodiscard]] Yen counter_amount(Yen raw, Rounding rounding);

// 年間上限: from 1 August to 31 July, settled afterwards on application and never at the counter.
struct AnnualBalance {
    Yen paid;
    Yen refund;  // what the person can apply for
};
// First day of the period that a day lies in.
[[nodiscard]] Date annual_period_start(const Tables& tables, Date day);
// `ceiling`: one of a row's; none before 2026-08, and for rows without one. `months`: what was paid in each month of
// one period, over all insurers, after monthly benefits. What can be said of payments whose benefits are not known:
// rules_book.h.
[[nodiscard]] AnnualBalance annual_balance(std::optional<Yen> ceiling, std::span<const Yen> months);

}  // namespace onshi::payments
