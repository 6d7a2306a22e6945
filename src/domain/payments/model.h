#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <tl/expected.hpp>

#include "base/date.h"
#include "base/error_codes.gen.h"
#include "domain/payments/model_limits.h"

namespace onshi::payments {

// An amount of yen, an integer. Never made from or turned into floating point. A value; thread-safe.
class Yen {
  public:
    constexpr Yen() = default;
    constexpr explicit Yen(std::int64_t amount) : amount_(amount) {}
    [[nodiscard]] constexpr std::int64_t value() const { return amount_; }
    friend constexpr auto operator<=>(Yen, Yen) = default;
    friend constexpr Yen operator+(Yen a, Yen b) { return Yen(a.amount_ + b.amount_); }
    friend constexpr Yen operator-(Yen a, Yen b) { return Yen(a.amount_ - b.amount_); }
    constexpr Yen& operator+=(Yen other) { return *this = *this + other; }
    constexpr Yen& operator-=(Yen other) { return *this = *this - other; }

  private:
    std::int64_t amount_ = 0;
};

[[nodiscard]] constexpr Yen smaller(Yen a, Yen b) {
    return a < b ? a : b;
}
[[nodiscard]] constexpr Yen larger(Yen a, Yen b) {
    return a < b ? b : a;
}

// A share of a cost in whole percent, 0..100: exact for every ratio of the law. A value; thread-safe.
class Percent {
  public:
    constexpr Percent() = default;
    [[nodiscard]] static constexpr std::optional<Percent> from(std::int64_t value) {
        if (value < 0 || value > 100) return std::nullopt;
        return Percent(static_cast<std::uint8_t>(value));
    }
    // For ratios that stand in the program or its tables: one above 100 is a compile error.
    [[nodiscard]] static consteval Percent of(std::int64_t value) { return *from(value); }
    [[nodiscard]] constexpr int value() const { return value_; }
    // Of a cost that is not negative; half a yen and more counts as one.
    [[nodiscard]] constexpr Yen share_of(Yen cost) const { return Yen((cost.value() * value_ + 50) / 100); }
    friend constexpr auto operator<=>(Percent, Percent) = default;

  private:
    constexpr explicit Percent(std::uint8_t value) : value_(value) {}
    std::uint8_t value_ = 0;
};

enum class Band : std::uint8_t { under70, over70 };           // 70歳未満, 70歳以上
enum class Setting : std::uint8_t { inpatient, outpatient };  // 入院, 外来

// 適用区分 (domain-rules §1.5): ア…オ under 70, 現役並み…低所得Ⅰ from 70 on. The codes A06, B07–B10 are these with a
// remark.
enum class Category : std::uint8_t {
    u70_a,
    u70_i,
    u70_u,
    u70_e,
    u70_o,
    active_3,
    active_2,
    active_1,
    general,
    low_2,
    low_1,
};
inline constexpr std::size_t category_count = 11;

[[nodiscard]] constexpr Band band_of(Category category) {
    return category <= Category::u70_o ? Band::under70 : Band::over70;
}
[[nodiscard]] constexpr bool is_active(Category category) {  // 現役並み所得者
    return category >= Category::active_3 && category <= Category::active_1;
}

// A category, and which of its steps where the month's table has several (from 2027-08); 0 where it has one.
struct LimitClass {
    Category category = Category::u70_e;
    std::uint8_t step = 0;
    friend constexpr auto operator<=>(LimitClass, LimitClass) = default;
};

// ---- Tables (contracts/payments.toml) ------------------------------------------------------------------------------

// One row of 高額療養費算定基準額. The limit is `base` and 1 % of what the cost exceeds `threshold` by.
struct LimitRow {
    LimitClass limit_class;
    Yen pay_from;  // lower bound of the standard monthly pay; the poorest have 0
    Yen base;
    std::optional<Yen> threshold;       // none: a flat limit
    std::optional<Yen> many;            // 多数回; none: no reduced limit exists
    std::optional<Yen> annual;          // 年間上限
    std::optional<Yen> annual_low_pay;  // the same for a pay of at most 150,000
    std::optional<Yen> outpatient;      // of a person, 70 and over
    std::optional<Yen> outpatient_annual;
};

// The rows of a period of care months, highest pay first in each band.
struct LimitTable {
    std::string_view name;
    Date first;
    Date last;
    std::span<const LimitRow> rows;
    LimitClass general_under70;  // rows that "other" public payers refer to (§3.8)
    LimitClass general_over70;
    LimitClass welfare_under70;
    LimitClass welfare_over70;
};

struct CategoryName {
    Category category;
    std::string_view text;
    friend constexpr bool operator==(const CategoryName&, const CategoryName&) = default;
};

enum class CapNeed : std::uint8_t { required, optional, zero };
enum class PayerLimit : std::uint8_t { own, welfare, general };

// A public payer (公費) as of §1.6; the tables hold them in the order in which they are asked.
struct Payer {
    std::uint8_t code;  // 法別番号
    std::uint8_t rank;  // place in the order
    Date first;         // days of care for which the programme is known
    Date last;
    Percent percent_of_cost;  // the patient's share of the whole cost; 0: all that is left
    bool at_most_ratio;       // that share is never above the copay ratio
    bool before_insurance;    // pays all, the insurer nothing
    bool local;               // by an ordinance
    CapNeed cap;
    PayerLimit limit;
    std::string_view basis;
};

// Income classes of programmes with personal caps (§4.4, §4.5).
enum class IncomeClass : std::uint8_t { welfare, low_1, low_2, middle_1, middle_2, upper };
// 高額かつ長期, 重症患者, 重度かつ継続 are `long_term`.
enum class Severity : std::uint8_t { normal, long_term, ventilator };
enum class CapKind : std::uint8_t { amount, insurance_limit, not_covered };
struct ProgrammeCap {
    std::uint8_t code;
    IncomeClass income;
    Severity severity;
    CapKind kind;
    Yen amount;
    std::string_view basis;
};

// 後期高齢者 2割負担の配慮措置.
struct Relief {
    DateRange days;
    Yen base;
    Yen threshold;
    Percent percent;
    Yen cap;
};

struct RatioTable {
    Percent preschool;
    Percent general;
    std::span<const Percent> seventy;
    std::span<const Percent> late_elderly;
    std::span<const Percent> late_elderly_before_2022_10;
    Yen active_pay_from;
    Yen active_taxable_from;
    Yen exempt_income_alone_below;
    Yen exempt_income_several_below;
    Yen late_middle_taxable_from;
    Yen late_middle_income_alone_from;
    Yen late_middle_income_several_from;
};

struct PlausibilityTable {
    std::uint32_t pattern_records_min;
    std::uint32_t pattern_share_per_10000_min;
    std::uint32_t blank_records_min;
    std::uint32_t blank_jump_per_1000;
};

// Whether the limit category is told without a consent of its own (§3.11).
enum class LimitConsent : std::uint8_t { not_needed, needed };
struct DisclosureTable {
    LimitConsent by_card = LimitConsent::not_needed;
    LimitConsent by_number = LimitConsent::needed;
};

// All of it. Refers to static storage, or to what its maker owns; thread-safe.
struct Tables {
    std::span<const LimitTable> limits;
    std::span<const CategoryName> category_names;  // the first of a category is the one to print
    std::span<const CategoryName> category_codes;
    std::span<const Payer> payers;
    std::span<const ProgrammeCap> programme_caps;
    Yen special_disease_cap;
    Yen special_disease_dialysis_high_cap;
    Relief relief;
    Yen household_item_min;
    Yen household_item_min_half_month;         // of persons in the month of their 75th birthday
    std::int64_t household_cap_rounding_unit;  // to which shared caps of two recipients are cut
    int annual_first_month;
    RatioTable ratio;
    PlausibilityTable plausibility;
    DisclosureTable disclosure;
};

// The tables of contracts/payments.toml.
[[nodiscard]] const Tables& builtin_tables();

// ---- Explanations --------------------------------------------------------------------------------------------------

// What a step of a calculation applied. Names (`to_string`) never change meaning; sentences: texts, `pay.<name>`.
enum class Rule : std::uint8_t {
    copay,             // ratio of the cost
    monthly_limit,     // 高額療養費の自己負担限度額
    reduced_limit,     // 多数回該当
    outpatient_limit,  // 外来（個人ごと）の上限
    half_month,        // 75歳到達月
    special_disease,   // 特定疾病
    payer_before_insurance,
    payer_limit,             // the insurer's limit for a part with public payers
    payer_share,             // what the patient pays after a public payer
    combined_limit,          // what remains of the limit after the parts with public payers
    relief,                  // 配慮措置
    household_outpatient,    // step A
    household_elderly,       // step B
    household_all,           // step C
    household_not_counted,   // under 21,000
    subsidy,                 // 医療費助成
    rounding,                // 10円未満四捨五入
    annual_ceiling,          // 年間上限
    no_reduced_limit,        // 多数回 asked for where none exists: it changes nothing
    ratio_suspect,           // RATIO_SUSPECT
    household_half_month,    // 75歳到達月: the person's own limit before the household's
    cap_book,                // 自己負担上限額管理票
    annual_ceiling_perhaps,  // 年間上限: passed where monthly benefits, step or pay do not say otherwise
    no_category,             // 適用区分 is blank: the plain ratio, no limit
    subsidy_refund,          // 医療費助成, 償還払い: comes back on application
};
inline constexpr std::size_t rule_count = 25;

struct Step {
    Rule rule{};
    std::uint8_t part = 0;   // 1-based part of the claim or item of the household; 0: the whole
    std::uint8_t payer = 0;  // law code; 0: none
    Percent percent{};       // 0: none
    Yen of{};                // what the rule was applied to
    Yen amount{};            // what it gave
};

// Steps in the order in which they were taken. Fixed room: further steps are counted and not kept.
class Steps {
  public:
    void add(const Step& step) {
        if (size_ < list_.size()) {
            list_[size_++] = step;
        } else {
            ++left_out_;
        }
    }
    [[nodiscard]] std::span<const Step> list() const { return {list_.data(), size_}; }
    [[nodiscard]] std::size_t left_out() const { return left_out_; }

  private:
    std::array<Step, explanation_steps_max> list_{};
    std::size_t size_ = 0;
    std::size_t left_out_ = 0;
};

// A value, or the named reason why the combination is impossible (`payments.…`).
template <class T>
using Evaluated = tl::expected<T, ErrorCode>;

// ---- Claims (§3.8) -------------------------------------------------------------------------------------------------

struct PayerUse {
    std::uint8_t code = 0;
    std::optional<Yen> cap;  // of this person for this month; for a person without one: none
};

// A part of a claim with its own set of public payers, in any order; none: insurance alone.
struct ClaimPart {
    Yen cost;
    std::uint8_t payer_count = 0;
    std::array<PayerUse, payers_per_part_max> payers{};

    [[nodiscard]] std::span<const PayerUse> list() const { return {payers.data(), payer_count}; }
};

// One person, one provider, one setting, one month. At most one part with insurance alone.
struct Claim {
    Date care_month;  // any day of it
    LimitClass limit_class;
    // The category is not known: `limit_class` is any of its age band, and no limit of one's own counts (§3.11).
    bool blank_category = false;
    Percent ratio;
    Setting setting = Setting::outpatient;
    bool many = false;                   // 多数回
    bool half_month = false;             // 75歳到達月
    bool relief = false;                 // 配慮措置: 75 and over at 20 %, outpatient
    std::optional<Yen> special_disease;  // the monthly cap on the certificate, before halving
    std::uint8_t part_count = 0;
    std::array<ClaimPart, claim_parts_max> parts{};

    [[nodiscard]] std::span<const ClaimPart> list() const { return {parts.data(), part_count}; }
};

// What each pays of one part; together its cost.
struct PartResult {
    Yen insurer;
    Yen payers;
    Yen patient;
    Yen uncovered;  // what the insurer leaves: payers and patient
};

struct ClaimResult {
    Yen patient_total;
    std::optional<Yen> share_before_first_public;  // what the insurer leaves of the part whose payer is asked first
    Yen insurer_uncovered;
    Yen insurer_total;
    Yen payers_total;
    bool limited = false;        // a limit or cap decided: the counter takes it to the yen
    bool many_ignored = false;   // 多数回 was asked for and no reduced limit exists
    bool ratio_suspect = false;  // 30 % beside a category that is not 現役並み: both were taken as given
    std::uint8_t part_count = 0;
    std::array<PartResult, claim_parts_max> parts{};
};

// ---- Households (§3.5) ---------------------------------------------------------------------------------------------

// The copay of one person at one provider in one month. Of one person all items have the same band and ratio.
struct HouseholdItem {
    std::uint8_t person = 0;  // any numbers; equal ones are one person
    Band band = Band::under70;
    Setting setting = Setting::outpatient;
    Yen cost;
    Percent ratio;
    // 75歳到達月 (§3.7): the person has a halved limit of their own before the household's. Under 70: dependants of an
    // insured who turns 75. Of one person all or none.
    bool half_month = false;
};

// Same insurer, same month. `limit_class` is the household's row under 70; `low_income_1` tells 低所得Ⅰ from Ⅱ where
// that row is オ.
struct Household {
    Date care_month;
    LimitClass limit_class;
    bool low_income_1 = false;
    bool many = false;
    std::uint8_t item_count = 0;
    std::array<HouseholdItem, household_items_max> items{};

    [[nodiscard]] std::span<const HouseholdItem> list() const { return {items.data(), item_count}; }
};

struct HouseholdResult {
    Yen paid;
    Yen refund_a;  // outpatient, per person of 70 and over
    Yen refund_b;  // the persons of 70 and over, halved limits of their own in
    Yen refund_c;  // the whole household, halved limits of persons under 70 in
    Yen refund_total;
    Yen net_burden;
    bool many_ignored = false;
    bool ratio_suspect = false;  // as in a claim
};

}  // namespace onshi::payments
