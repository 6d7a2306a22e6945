// What holds for every claim and household, over all rows of all tables; the published cases: exchange/payment_cases.
#include "domain/payments/rules.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/random.h"
#include "domain/payments/rules_ratio.h"

namespace onshi::payments {
namespace {

const Tables& tables = builtin_tables();

// Every row with the ratios that may go with it.
template <class Function>
void for_each_row(Function&& function) {
    for (const auto& table : tables.limits) {
        for (const auto& row : table.rows) {
            const Category category = row.limit_class.category;
            for (const int percent : {10, 20, 30}) {
                if (band_of(category) == Band::under70 && percent == 10) continue;
                if (is_active(category) && percent != 30) continue;
                function(table, row, *Percent::from(percent));
            }
        }
    }
}

Claim plain_claim(const LimitTable& table, const LimitRow& row, Percent ratio, Yen cost) {
    Claim claim;
    claim.care_month = table.first;
    claim.limit_class = row.limit_class;
    claim.ratio = ratio;
    claim.part_count = 1;
    claim.parts[0].cost = cost;
    return claim;
}

const std::vector<std::int64_t> costs{0,       1,         10,        9'990,     26'690,    70'000,
                                      80'000,  266'990,   267'000,   267'050,   286'010,   558'000,
                                      842'000, 1'000'000, 1'140'000, 9'999'990, 50'000'000};

// A claim from a seed: any row, any legal combination, up to all parts.
class Draw {
  public:
    explicit Draw(std::uint64_t seed) : random_(seed) {}
    std::int64_t below(std::int64_t count) {
        return static_cast<std::int64_t>(random_.next() % static_cast<std::uint64_t>(count));
    }
    Yen cost() { return Yen(below(3) == 0 ? below(10'000) * 10 : below(300'000) * 10); }

    Claim claim() {
        const auto& table = tables.limits[static_cast<std::size_t>(below(std::ssize(tables.limits)))];
        const auto& row = table.rows[static_cast<std::size_t>(below(std::ssize(table.rows)))];
        const Category category = row.limit_class.category;
        Percent ratio = Percent::of(30);
        if (band_of(category) == Band::under70 && below(3) == 0) ratio = Percent::of(20);
        if (band_of(category) == Band::over70 && !is_active(category)) ratio = *Percent::from(10 + 10 * below(2));
        Claim claim = plain_claim(table, row, ratio, cost());
        claim.setting = below(2) == 0 ? Setting::inpatient : Setting::outpatient;
        claim.many = below(3) == 0;
        claim.half_month = below(4) == 0;
        if (below(6) == 0) claim.special_disease = Yen(10'000);
        if (category == Category::general && ratio == Percent::of(20) && claim.setting == Setting::outpatient &&
            table.name == "T2018" && below(2) == 0) {
            claim.relief = true;
            claim.care_month = tables.relief.days.first;
        }
        const auto publics = below(4);
        const bool alone = publics == 0 || below(3) != 0;
        claim.part_count = alone ? 1 : 0;
        caps_.clear();
        for (std::int64_t i = 0; i < publics; ++i) {
            const ClaimPart drawn = part();
            const bool twin =
                std::ranges::any_of(claim.list(), [&](const ClaimPart& other) { return alike(drawn, other); });
            if (!twin) claim.parts[claim.part_count++] = drawn;
        }
        if (claim.part_count == 0) claim.parts[claim.part_count++] = part();
        return claim;
    }

  private:
    // Whether the payers are the same ones, in whatever order: then it is one part.
    static bool alike(const ClaimPart& a, const ClaimPart& b) {
        return std::ranges::is_permutation(a.list(), b.list(), {}, &PayerUse::code, &PayerUse::code);
    }
    ClaimPart part() {
        ClaimPart part;
        part.cost = cost();
        const auto payers = 1 + below(payers_per_part_max);
        while (part.payer_count < payers) {
            const auto& payer = tables.payers[static_cast<std::size_t>(below(std::ssize(tables.payers)))];
            const auto list = part.list();
            if (std::ranges::find(list, payer.code, &PayerUse::code) != list.end()) continue;
            // A person has one cap of a programme in a month, whatever part it is asked in.
            const bool capped = payer.cap == CapNeed::required || below(3) == 0;
            const auto drawn = capped ? std::optional(Yen(below(9) * 2'500)) : std::nullopt;
            const PayerUse use{payer.code, caps_.try_emplace(payer.code, drawn).first->second};
            part.payers[part.payer_count++] = use;
        }
        return part;
    }
    SeededRandom random_;
    std::map<int, std::optional<Yen>> caps_;
};

Yen plain_copay(const Claim& claim) {
    Yen sum;
    for (const auto& part : claim.list()) sum += claim.ratio.share_of(part.cost);
    return sum;
}

TEST(claims, payers_insurer_and_patient_sum_to_the_cost_and_nobody_pays_less_than_nothing) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        const Claim claim = Draw(seed).claim();
        const auto result = evaluate_claim(claim, tables);
        RC_ASSERT(result.has_value());
        Yen cost;
        for (std::size_t i = 0; i < claim.part_count; ++i) {
            const PartResult& part = result->parts[i];
            RC_ASSERT(part.insurer >= Yen(0) && part.payers >= Yen(0) && part.patient >= Yen(0));
            RC_ASSERT(part.insurer + part.payers + part.patient == claim.parts[i].cost);
            RC_ASSERT(part.insurer + part.uncovered == claim.parts[i].cost);
            cost += claim.parts[i].cost;
        }
        RC_ASSERT(result->insurer_total + result->payers_total + result->patient_total == cost);
    }));
}

TEST(claims, the_patient_never_pays_more_than_the_plain_copay) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        const Claim claim = Draw(seed).claim();
        RC_ASSERT(evaluate_claim(claim, tables)->patient_total <= plain_copay(claim));
    }));
}

TEST(claims, the_order_of_parts_and_payers_changes_nothing) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        Claim claim = Draw(seed).claim();
        const auto before = evaluate_claim(claim, tables);
        std::reverse(claim.parts.begin(), claim.parts.begin() + claim.part_count);
        for (auto& part : claim.parts) std::reverse(part.payers.begin(), part.payers.begin() + part.payer_count);
        const auto after = evaluate_claim(claim, tables);
        RC_ASSERT(before->patient_total == after->patient_total);
        RC_ASSERT(before->insurer_uncovered == after->insurer_uncovered);
        RC_ASSERT(before->share_before_first_public == after->share_before_first_public);
        RC_ASSERT(before->payers_total == after->payers_total);
    }));
}

TEST(claims, an_explanation_changes_no_amount_and_is_complete) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        const Claim claim = Draw(seed).claim();
        Steps steps;
        const auto told = evaluate_claim(claim, tables, &steps);
        RC_ASSERT(told->patient_total == evaluate_claim(claim, tables)->patient_total);
        RC_ASSERT(steps.left_out() == 0);
        RC_ASSERT(!steps.list().empty());
    }));
}

// Only insurance alone: beside a public payer more cost can put its part over 21,000, which then counts for the limit.
TEST(claims, insurance_alone_is_monotone_in_cost) {
    for_each_row([](const LimitTable& table, const LimitRow& row, Percent ratio) {
        for (const bool many : {false, true}) {
            Yen before;
            for (const std::int64_t cost : costs) {
                Claim claim = plain_claim(table, row, ratio, Yen(cost));
                claim.many = many;
                const auto result = evaluate_claim(claim, tables);
                ASSERT_TRUE(result);
                EXPECT_GE(result->patient_total, before) << table.name << cost;
                before = result->patient_total;
            }
        }
    });
}

TEST(claims, a_half_month_costs_no_more_than_a_whole_one) {
    for_each_row([](const LimitTable& table, const LimitRow& row, Percent ratio) {
        for (const std::int64_t cost : costs) {
            Claim claim = plain_claim(table, row, ratio, Yen(cost));
            const Yen whole = evaluate_claim(claim, tables)->patient_total;
            claim.half_month = true;
            EXPECT_LE(evaluate_claim(claim, tables)->patient_total, whole);
        }
    });
}

TEST(claims, a_payer_before_insurance_leaves_nothing_to_insurer_and_patient) {
    for (const int code : {13, 14, 18, 29, 30}) {
        const auto& table = tables.limits.front();
        Claim claim = plain_claim(table, table.rows[2], Percent::of(30), Yen(500'000));
        claim.parts[0].payers[0] = {static_cast<std::uint8_t>(code), std::nullopt};
        claim.parts[0].payer_count = 1;
        const auto result = evaluate_claim(claim, tables);
        ASSERT_TRUE(result);
        EXPECT_EQ(result->insurer_total, Yen(0));
        EXPECT_EQ(result->payers_total, Yen(500'000));
        EXPECT_EQ(result->patient_total, Yen(0));
    }
}

TEST(claims, months_before_the_first_table_have_no_answer) {
    Claim claim = plain_claim(tables.limits[0], tables.limits[0].rows[0], Percent::of(30), Yen(1000));
    claim.care_month = Date::of(2018, 7, 31);
    EXPECT_EQ(evaluate_claim(claim, tables).error(), ErrorCode::payments_care_month);
    claim.care_month = Date::of(2018, 8, 1);
    EXPECT_TRUE(evaluate_claim(claim, tables));
}

TEST(claims, a_payer_is_unknown_before_its_programme_began) {
    Claim claim = plain_claim(tables.limits[0], tables.limits[0].rows[2], Percent::of(30), Yen(100'000));
    claim.parts[0].payers[0] = {54, Yen(5000)};
    claim.parts[0].payer_count = 1;
    EXPECT_TRUE(evaluate_claim(claim, tables));
    std::vector<Payer> later(tables.payers.begin(), tables.payers.end());
    for (auto& payer : later) {
        if (payer.code == 54) payer.first = Date::of(2018, 9, 1);
    }
    Tables changed = tables;
    changed.payers = later;
    EXPECT_EQ(evaluate_claim(claim, changed).error(), ErrorCode::payments_payer);
    claim.care_month = Date::of(2018, 9, 1);
    EXPECT_TRUE(evaluate_claim(claim, changed));
}

// A cap is of the person's month: parts that name one payer share it, whichever stands first.
TEST(claims, parts_with_one_payer_share_its_cap) {
    Claim claim = plain_claim(tables.limits[0], tables.limits[0].rows[2], Percent::of(30), Yen(300'000));
    claim.parts[0].payers[0] = {54, Yen(5000)};
    claim.parts[0].payer_count = 1;
    claim.parts[1] = claim.parts[0];
    claim.part_count = 2;
    EXPECT_EQ(evaluate_claim(claim, tables).error(), ErrorCode::payments_parts)
        << "two parts with the same payers are one";
    claim.parts[1].payers[1] = {38, Yen(10'000)};
    claim.parts[1].payer_count = 2;
    Yen before;
    for (const std::int64_t cost : costs) {  // dearer beside another payer, and never cheaper for it
        claim.parts[1].cost = Yen(cost);
        const auto first = evaluate_claim(claim, tables);
        std::swap(claim.parts[0], claim.parts[1]);
        const auto second = evaluate_claim(claim, tables);
        std::swap(claim.parts[0], claim.parts[1]);
        EXPECT_EQ(first->patient_total, Yen(5'000)) << cost;
        EXPECT_EQ(first->patient_total, second->patient_total);
        EXPECT_GE(first->patient_total, before);
        before = first->patient_total;
    }
    claim.parts[0].payers[0].cap = Yen(2'500);
    EXPECT_EQ(evaluate_claim(claim, tables).error(), ErrorCode::payments_parts) << "a payer has one cap";
}

// Without a category nobody guesses a limit, and with "other" public payers it needs none (§3.8, §3.11).
TEST(claims, a_blank_category_has_the_plain_ratio) {
    Claim claim = plain_claim(tables.limits[0], tables.limits[0].rows[2], Percent::of(30), Yen(1'000'000));
    claim.blank_category = true;
    EXPECT_EQ(evaluate_claim(claim, tables)->patient_total, Yen(300'000));
    EXPECT_FALSE(evaluate_claim(claim, tables)->limited);
    claim.many = true;
    EXPECT_FALSE(evaluate_claim(claim, tables)->many_ignored);
    claim.parts[0].payers[0] = {10, std::nullopt};
    claim.parts[0].payer_count = 1;
    EXPECT_EQ(evaluate_claim(claim, tables)->insurer_uncovered, Yen(87'430));
    claim.limit_class = {Category::general, 0};
    claim.parts[0].payer_count = 0;
    EXPECT_EQ(evaluate_claim(claim, tables)->patient_total, Yen(300'000));
    EXPECT_FALSE(evaluate_claim(claim, tables)->ratio_suspect);
    claim.ratio = Percent::of(10);
    EXPECT_EQ(evaluate_claim(claim, tables)->patient_total, Yen(100'000));
}

TEST(claims, a_ratio_that_does_not_fit_the_category_is_said) {
    Claim claim = plain_claim(tables.limits[0], tables.limits[0].rows[0], Percent::of(30), Yen(10'000));
    claim.limit_class = {Category::general, 0};
    EXPECT_TRUE(evaluate_claim(claim, tables)->ratio_suspect);
    claim.ratio = Percent::of(20);
    EXPECT_FALSE(evaluate_claim(claim, tables)->ratio_suspect);
}

// domain-rules §4.4: what each pays of 5,000 points with a cap of 2,500.
TEST(claims, incurable_diseases_divide_as_published) {
    struct Row {
        LimitClass limit_class;
        int percent;
        std::int64_t insurer;
        std::int64_t payer;
    };
    const Row rows[] = {{{Category::u70_o, 0}, 30, 35'000, 12'500},
                        {{Category::general, 0}, 10, 45'000, 2'500},
                        {{Category::low_2, 0}, 20, 42'000, 5'500}};
    for (const auto& row : rows) {
        Claim claim = plain_claim(tables.limits[0], tables.limits[0].rows[0], *Percent::from(row.percent), Yen(50'000));
        claim.limit_class = row.limit_class;
        claim.parts[0].payers[0] = {54, Yen(2500)};
        claim.parts[0].payer_count = 1;
        const auto result = evaluate_claim(claim, tables);
        ASSERT_TRUE(result);
        EXPECT_EQ(result->insurer_total, Yen(row.insurer)) << row.percent;
        EXPECT_EQ(result->payers_total, Yen(row.payer)) << row.percent;
        EXPECT_EQ(result->patient_total, Yen(2500)) << row.percent;
    }
}

// The law of 2026-08 changed base, threshold and outpatient caps; the reduced limits and 低所得Ⅰ's outpatient cap
// stayed.
TEST(limits, of_2018_and_2026_differ_only_where_the_law_changed) {
    const auto& before = *find_limit_table(tables, "T2018");
    const auto& after = *find_limit_table(tables, "T2026");
    ASSERT_EQ(before.rows.size(), after.rows.size());
    for (std::size_t i = 0; i < before.rows.size(); ++i) {
        const auto& a = before.rows[i];
        const auto& b = after.rows[i];
        EXPECT_EQ(a.limit_class, b.limit_class);
        EXPECT_EQ(a.pay_from, b.pay_from);
        EXPECT_LT(a.base, b.base);
        EXPECT_EQ(a.threshold.has_value(), b.threshold.has_value());
        EXPECT_EQ(a.outpatient.has_value(), b.outpatient.has_value());
        if (a.limit_class.category == Category::low_2) {
            EXPECT_FALSE(a.many);
            EXPECT_EQ(b.many, Yen(24'600));
        } else {
            EXPECT_EQ(a.many, b.many);
        }
        if (a.limit_class.category == Category::low_1) {
            EXPECT_EQ(a.outpatient, b.outpatient);
        }
    }
}

// What a patient paid in July 2026 is what the same care costs in August, unless a limit decided; then it is not less.
TEST(claims, of_2018_and_2026_differ_only_where_a_limit_decided) {
    const auto& before = *find_limit_table(tables, "T2018");
    const auto& after = *find_limit_table(tables, "T2026");
    for_each_row([&](const LimitTable& table, const LimitRow& row, Percent ratio) {
        if (&table != &before) return;
        for (const Setting setting : {Setting::inpatient, Setting::outpatient}) {
            for (const bool many : {false, true}) {
                for (const std::int64_t cost : costs) {
                    Claim claim = plain_claim(before, row, ratio, Yen(cost));
                    claim.setting = setting;
                    claim.many = many;
                    claim.care_month = Date::of(2026, 7, 31);
                    const auto old_law = evaluate_claim(claim, tables);
                    claim.care_month = after.first;
                    const auto new_law = evaluate_claim(claim, tables);
                    ASSERT_TRUE(old_law && new_law);
                    EXPECT_LE(old_law->patient_total, new_law->patient_total) << cost;
                    if (!old_law->limited) {
                        EXPECT_EQ(old_law->patient_total, new_law->patient_total) << cost;
                    }
                    // Reduced limits did not change.
                    if (many && row.many && !(setting == Setting::outpatient && row.outpatient)) {
                        EXPECT_EQ(old_law->patient_total, new_law->patient_total) << cost;
                    }
                }
            }
        }
    });
}

TEST(limits, tables_change_on_the_first_of_august) {
    EXPECT_EQ(find_limit_table(tables, Date::of(2026, 7, 31))->name, "T2018");
    EXPECT_EQ(find_limit_table(tables, Date::of(2026, 8, 1))->name, "T2026");
    EXPECT_EQ(find_limit_table(tables, Date::of(2027, 7, 31))->name, "T2026");
    EXPECT_EQ(find_limit_table(tables, Date::of(2027, 8, 1))->name, "T2027");
    EXPECT_EQ(find_limit_table(tables, Date::of(2018, 7, 31)), nullptr);
}

TEST(limits, a_pay_finds_its_row) {
    const auto& table = *find_limit_table(tables, "T2027");
    struct Row {
        std::int64_t pay;
        LimitClass expected;
    };
    const Row rows[] = {{1'270'000, {Category::u70_a, 1}}, {1'269'999, {Category::u70_a, 2}},
                        {440'000, {Category::u70_u, 1}},   {200'000, {Category::u70_e, 1}},
                        {199'999, {Category::u70_e, 2}},   {98'000, {Category::u70_e, 3}},
                        {0, {Category::u70_e, 3}}};
    for (const auto& row : rows) {
        EXPECT_EQ(find_row_by_pay(table, Band::under70, Yen(row.pay))->limit_class, row.expected) << row.pay;
    }
}

TEST(limits, the_fourth_month_counts_the_eleven_before_it) {
    const bool three[] = {true, false, false, true, false, false, false, false, false, false, true};
    const bool older[] = {true, true, false, false, false, false, false, false, false, false, false, false, true};
    EXPECT_TRUE(is_many(three));
    EXPECT_FALSE(is_many(older));
    EXPECT_FALSE(is_many({}));
}

TEST(limits, the_fourth_month_is_known_from_the_months_of_the_benefits) {
    const Date care = Date::of(2026, 11, 23);
    const std::vector<Date> oldest{Date::of(2025, 12, 31), Date::of(2026, 10, 1), Date::of(2026, 3, 5)};
    EXPECT_TRUE(is_many(care, oldest));
    const std::vector<Date> too_old{Date::of(2025, 11, 30), Date::of(2026, 10, 1), Date::of(2026, 3, 5)};
    EXPECT_FALSE(is_many(care, too_old));
    const std::vector<Date> one_month_twice{Date::of(2026, 10, 31), Date::of(2026, 10, 1), Date::of(2026, 3, 5)};
    EXPECT_FALSE(is_many(care, one_month_twice));
    const std::vector<Date> its_own{Date::of(2026, 11, 1), Date::of(2026, 10, 1), Date::of(2026, 3, 5)};
    EXPECT_FALSE(is_many(care, its_own));
    EXPECT_FALSE(is_many(care, {}));
}

TEST(annual, ceilings_of_the_worked_examples) {
    const auto& table = *find_limit_table(tables, "T2026");
    const auto& u = *find_row(table, {Category::u70_u, 0});
    const auto& e = *find_row(table, {Category::u70_e, 0});
    const std::vector<Yen> reduced(12, Yen(44'400));
    EXPECT_EQ(annual_balance(u.annual, reduced).refund, Yen(2'800));
    std::vector<Yen> first_year(12, Yen(44'400));
    std::fill_n(first_year.begin(), 3, Yen(92'940));
    EXPECT_EQ(annual_balance(u.annual, first_year).paid, Yen(678'420));
    EXPECT_EQ(annual_balance(u.annual, first_year).refund, Yen(148'420));
    std::vector<Yen> ten_months(10, Yen(44'400));
    std::fill_n(ten_months.begin(), 3, Yen(61'500));
    EXPECT_EQ(annual_balance(e.annual_low_pay, ten_months).refund, Yen(85'300));
    EXPECT_EQ(annual_balance(e.annual, ten_months).refund, Yen(0));
    EXPECT_EQ(annual_balance(u.annual, std::vector<Yen>(12, Yen(40'000))).refund, Yen(0));
    const auto& before = *find_row(*find_limit_table(tables, "T2018"), {Category::u70_u, 0});
    EXPECT_EQ(annual_balance(before.annual, first_year).refund, Yen(0));
    EXPECT_EQ(
        annual_balance(find_row(table, {Category::general, 0})->outpatient_annual, std::vector<Yen>(12, Yen(22'000)))
            .refund,
        Yen(48'000));
}

TEST(annual, a_period_runs_from_august_to_july) {
    EXPECT_EQ(annual_period_start(tables, Date::of(2026, 8, 1)), Date::of(2026, 8, 1));
    EXPECT_EQ(annual_period_start(tables, Date::of(2027, 7, 31)), Date::of(2026, 8, 1));
    EXPECT_EQ(annual_period_start(tables, Date::of(2026, 7, 31)), Date::of(2025, 8, 1));
}

TEST(counter, limited_amounts_are_collected_to_the_yen) {
    EXPECT_EQ(counter_amount(Yen(81'075), Rounding::exact), Yen(81'075));
    for (std::int64_t raw = 0; raw < 1000; ++raw) {
        const auto collected = counter_amount(Yen(raw), Rounding::to_ten_yen).value();
        EXPECT_EQ(collected % 10, 0);
        EXPECT_LE(collected - raw, 5);
        EXPECT_LT(raw - collected, 5);
    }
}

// Any members of any row; costs as the seed draws them.
Household draw_household(Draw& draw) {
    Household household;
    const auto& table = tables.limits[static_cast<std::size_t>(draw.below(std::ssize(tables.limits)))];
    std::vector<LimitClass> classes;
    for (const auto& row : table.rows) {
        if (band_of(row.limit_class.category) == Band::under70) classes.push_back(row.limit_class);
    }
    household.care_month = table.first;
    household.limit_class = classes[static_cast<std::size_t>(draw.below(std::ssize(classes)))];
    household.low_income_1 = household.limit_class.category == Category::u70_o && draw.below(2) == 0;
    household.many = draw.below(3) == 0;
    household.item_count = static_cast<std::uint8_t>(1 + draw.below(household_items_max));
    const std::array<std::int64_t, 5> tens{draw.below(3), draw.below(3), draw.below(2), draw.below(2), draw.below(2)};
    const std::array<bool, 5> half_months{draw.below(3) == 0, false, draw.below(6) == 0, false, draw.below(6) == 0};
    for (std::size_t i = 0; i < household.item_count; ++i) {
        auto& item = household.items[i];
        item.person = static_cast<std::uint8_t>(draw.below(5));
        item.band = item.person < 2 ? Band::over70 : Band::under70;
        item.setting = draw.below(2) == 0 ? Setting::inpatient : Setting::outpatient;
        item.half_month = half_months[item.person];
        item.cost = draw.cost();
        item.ratio = *Percent::from((item.band == Band::over70 ? 10 : 20) + 10 * tens[item.person]);
    }
    return household;
}

TEST(households, a_person_has_one_band_and_one_ratio) {
    Household household;
    household.care_month = Date::of(2026, 11, 1);
    household.limit_class = {Category::u70_e, 0};
    household.item_count = 2;
    household.items[0] = {0, Band::over70, Setting::outpatient, Yen(100'000), Percent::of(20)};
    household.items[1] = household.items[0];
    EXPECT_TRUE(evaluate_household(household, tables));
    household.items[1].band = Band::under70;
    EXPECT_EQ(evaluate_household(household, tables).error(), ErrorCode::payments_household);
    household.items[1] = household.items[0];
    household.items[1].ratio = Percent::of(30);
    EXPECT_EQ(evaluate_household(household, tables).error(), ErrorCode::payments_household);
    household.items[1].person = 1;
    EXPECT_TRUE(evaluate_household(household, tables)->ratio_suspect);
}

TEST(households, refunds_are_never_negative_and_never_above_what_was_paid) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        Draw draw(seed);
        const Household household = draw_household(draw);
        Steps steps;
        const auto result = evaluate_household(household, tables, &steps);
        RC_ASSERT(result.has_value());
        RC_ASSERT(result->refund_a >= Yen(0) && result->refund_b >= Yen(0) && result->refund_c >= Yen(0));
        RC_ASSERT(result->refund_a + result->refund_b + result->refund_c == result->refund_total);
        RC_ASSERT(result->net_burden >= Yen(0));
        RC_ASSERT(result->net_burden + result->refund_total == result->paid);
        RC_ASSERT(steps.left_out() == 0);
    }));
}

// What comes back goes to the items whose payments were counted, and nobody gets more than was paid.
TEST(households, the_parts_of_a_refund_sum_to_the_whole) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        Draw draw(seed);
        const Household household = draw_household(draw);
        std::vector<Yen> refunds(household.item_count, Yen(-1));
        const auto result = evaluate_household(household, tables, nullptr, refunds);
        Yen sum;
        for (std::size_t i = 0; i < refunds.size(); ++i) {
            const auto& item = household.items[i];
            RC_ASSERT(refunds[i] >= Yen(0) && refunds[i] <= item.ratio.share_of(item.cost));
            sum += refunds[i];
        }
        RC_ASSERT(sum == result->refund_total);
        RC_ASSERT(result->net_burden == evaluate_household(household, tables)->net_burden);
    }));
}

// Of the elderly alone: from 21,000 yen on a younger member's payment counts, and more cost can then cost less.
TEST(households, of_the_elderly_are_monotone_in_cost) {
    for_each_row([](const LimitTable& table, const LimitRow& row, Percent ratio) {
        if (band_of(row.limit_class.category) == Band::over70) return;
        for (const Setting setting : {Setting::inpatient, Setting::outpatient}) {
            for (const std::int64_t other : {0L, 26'690L, 1'000'000L}) {
                Yen before;
                for (const std::int64_t cost : costs) {
                    Household household;
                    household.care_month = table.first;
                    household.limit_class = row.limit_class;
                    household.item_count = 2;
                    household.items[0] = {0, Band::over70, setting, Yen(cost), ratio, false};
                    household.items[1] = {1, Band::over70, Setting::inpatient, Yen(other), ratio, false};
                    const auto result = evaluate_household(household, tables);
                    ASSERT_TRUE(result);
                    EXPECT_GE(result->net_burden, before) << table.name << " " << cost;
                    before = result->net_burden;
                }
            }
        }
    });
}

TEST(households, a_half_month_never_costs_more_than_a_whole_one) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        Draw draw(seed);
        Household household = draw_household(draw);
        const auto half = evaluate_household(household, tables);
        for (auto& item : household.items) item.half_month = false;
        const auto whole = evaluate_household(household, tables);
        RC_ASSERT(half->net_burden <= whole->net_burden);
    }));
}

TEST(households, the_order_of_items_changes_nothing) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        Draw draw(seed);
        Household household = draw_household(draw);
        const auto before = evaluate_household(household, tables);
        std::reverse(household.items.begin(), household.items.begin() + household.item_count);
        const auto after = evaluate_household(household, tables);
        RC_ASSERT(before->refund_a == after->refund_a);
        RC_ASSERT(before->refund_b == after->refund_b);
        RC_ASSERT(before->refund_c == after->refund_c);
    }));
}

TEST(households, a_split_refund_sums_to_the_whole) {
    EXPECT_TRUE(rc::check([](std::uint64_t seed) {
        Draw draw(seed);
        std::vector<Yen> paid(static_cast<std::size_t>(1 + draw.below(household_items_max)));
        Yen sum;
        for (auto& each : paid) sum += each = draw.cost();
        const Yen refund(draw.below(sum.value() + 1));
        std::vector<Yen> shares(paid.size());
        split_refund(refund, paid, shares);
        Yen given;
        for (std::size_t i = 0; i < paid.size(); ++i) {
            RC_ASSERT(shares[i] >= Yen(0) && shares[i] <= paid[i]);
            given += shares[i];
        }
        RC_ASSERT(given == refund);
    }));
}

TEST(ratio, age_groups_change_on_their_days) {
    struct Row {
        Date birth;
        Date day;
        AgeGroup expected;
    };
    const Row rows[] = {{Date::of(2000, 4, 1), Date::of(2006, 3, 31), AgeGroup::preschool},
                        {Date::of(2000, 4, 1), Date::of(2006, 4, 1), AgeGroup::general},
                        {Date::of(2000, 4, 2), Date::of(2007, 3, 31), AgeGroup::preschool},
                        {Date::of(1956, 11, 1), Date::of(2026, 10, 31), AgeGroup::general},
                        {Date::of(1956, 11, 1), Date::of(2026, 11, 1), AgeGroup::seventy},
                        {Date::of(1956, 11, 2), Date::of(2026, 11, 30), AgeGroup::general},
                        {Date::of(1951, 11, 15), Date::of(2026, 11, 14), AgeGroup::seventy},
                        {Date::of(1951, 11, 15), Date::of(2026, 11, 15), AgeGroup::late_elderly}};
    for (const auto& row : rows) {
        EXPECT_EQ(age_group_on(row.birth, row.day, InsurerScheme::national_health), row.expected) << to_iso(row.day);
    }
    EXPECT_EQ(age_group_on(Date::of(1960, 1, 1), Date::of(2026, 11, 1), InsurerScheme::late_elderly),
              AgeGroup::late_elderly);
}

TEST(ratio, by_income) {
    const Date day = Date::of(2026, 11, 23);
    const auto percent = [&](AgeGroup group, const IncomeFacts& income, Date on) {
        return lawful_ratio(tables, group, on, income).percent;
    };
    IncomeFacts income;
    income.taxable = Yen(0);
    income.total_income = Yen(0);
    EXPECT_EQ(percent(AgeGroup::preschool, income, day), Percent::of(20));
    EXPECT_EQ(percent(AgeGroup::general, income, day), Percent::of(30));
    EXPECT_EQ(percent(AgeGroup::seventy, income, day), Percent::of(20));
    EXPECT_EQ(percent(AgeGroup::late_elderly, income, day), Percent::of(10));
    income.taxable = Yen(280'000);
    income.total_income = Yen(2'000'000);
    EXPECT_EQ(percent(AgeGroup::late_elderly, income, day), Percent::of(20));
    EXPECT_EQ(percent(AgeGroup::late_elderly, income, Date::of(2022, 9, 30)), Percent::of(10));
    income.several_elderly = true;
    EXPECT_EQ(percent(AgeGroup::late_elderly, income, day), Percent::of(10));
    income.taxable = Yen(1'450'000);
    income.total_income = Yen(5'200'000);
    EXPECT_EQ(percent(AgeGroup::late_elderly, income, day), Percent::of(30));
    EXPECT_EQ(percent(AgeGroup::seventy, income, day), Percent::of(30));
    income.total_income = Yen(5'199'999);
    EXPECT_EQ(percent(AgeGroup::seventy, income, day), Percent::of(20));
    income.total_income = Yen(6'000'000);
    income.standard_monthly_pay = Yen(279'999);
    EXPECT_EQ(percent(AgeGroup::seventy, income, day), Percent::of(20));
}

// An income that nobody told never makes a ratio lower.
TEST(ratio, an_income_that_is_not_known_is_not_guessed) {
    const auto facts = [](std::optional<Yen> pay, std::optional<Yen> taxable, std::optional<Yen> total) {
        return IncomeFacts{pay, taxable, total, false};
    };
    const std::optional<Yen> unknown;
    struct Row {
        AgeGroup group;
        IncomeFacts income;
        int percent;
        bool certain;
    };
    const Row rows[] = {
        {AgeGroup::general, {}, 30, true},
        {AgeGroup::seventy, {}, 30, false},
        {AgeGroup::seventy, facts(Yen(280'000), unknown, unknown), 30, false},
        {AgeGroup::seventy, facts(Yen(279'999), unknown, unknown), 20, true},
        {AgeGroup::seventy, facts(unknown, unknown, Yen(3'829'999)), 20, true},
        {AgeGroup::seventy, facts(unknown, Yen(1'450'000), unknown), 30, false},
        {AgeGroup::late_elderly, {}, 30, false},
        {AgeGroup::late_elderly, facts(unknown, Yen(279'999), unknown), 10, true},
        {AgeGroup::late_elderly, facts(unknown, Yen(280'000), unknown), 20, false},
        {AgeGroup::late_elderly, facts(unknown, unknown, Yen(1'999'999)), 10, true},
        {AgeGroup::late_elderly, facts(unknown, unknown, Yen(2'000'000)), 20, false},
    };
    for (const auto& row : rows) {
        const auto lawful = lawful_ratio(tables, row.group, Date::of(2026, 11, 23), row.income);
        EXPECT_EQ(lawful.percent.value(), row.percent) << &row - rows;
        EXPECT_EQ(lawful.certain, row.certain) << &row - rows;
    }
}

TEST(ratio, records_that_contradict_themselves_are_suspect) {
    struct Row {
        Date birth;
        std::optional<int> percent;
        const char* category;
        RatioFinding expected;
    };
    const Date child = Date::of(2021, 6, 1);
    const Date adult = Date::of(1985, 4, 12);
    const Date seventy = Date::of(1954, 1, 1);
    const Date old = Date::of(1940, 1, 1);
    const Row rows[] = {
        {child, 20, "", RatioFinding::plausible},
        {child, 30, "A03", RatioFinding::suspect_age},
        {adult, 30, "A03", RatioFinding::plausible},
        {adult, 20, "A03", RatioFinding::suspect_age},
        {adult, 30, "B04", RatioFinding::suspect_category},
        {adult, 30, "Z99", RatioFinding::suspect_category},
        {adult, {}, "A03", RatioFinding::blank},
        {adult, {}, "B04", RatioFinding::suspect_category},
        {old, {}, "A03", RatioFinding::suspect_category},
        {adult, 0, "", RatioFinding::suspect_age},
        {adult, 101, "", RatioFinding::suspect_age},
        {seventy, 20, "B04", RatioFinding::plausible},
        {seventy, 30, "B04", RatioFinding::suspect_category},
        {seventy, 30, "B02", RatioFinding::plausible},
        {seventy, 20, "B01", RatioFinding::suspect_category},
        {seventy, 10, "B04", RatioFinding::suspect_age},
        {old, 10, "B10", RatioFinding::plausible},
        {old, 20, "B09", RatioFinding::plausible},
        {old, 30, "B10", RatioFinding::suspect_category},
        {old, 10, "A05", RatioFinding::suspect_category},
        {old, 10, "B09", RatioFinding::suspect_category},
        {old, 20, "B10", RatioFinding::suspect_category},
        {old, 20, "B06", RatioFinding::suspect_category},
        {old, 20, "B05", RatioFinding::suspect_category},
        {old, 10, "B06", RatioFinding::plausible},
        {old, 20, "B04", RatioFinding::plausible},
        {old, 10, "B04", RatioFinding::plausible},
        {seventy, 20, "B06", RatioFinding::plausible},
        {seventy, 20, "B09", RatioFinding::suspect_category},
        {seventy, 20, "B10", RatioFinding::suspect_category},
    };
    for (const auto& row : rows) {
        const RatioRecord record{.birth = row.birth,
                                 .day = Date::of(2026, 11, 23),
                                 .scheme = InsurerScheme::national_health,
                                 .copay_percent = row.percent,
                                 .limit_category = row.category};
        EXPECT_EQ(to_string(ratio_plausibility(record, tables)), to_string(row.expected))
            << to_iso(row.birth) << " " << row.percent.value_or(-1) << " " << row.category;
    }
}

TEST(ratio, nobody_is_late_elderly_below_sixty_five) {
    RatioRecord record{.birth = Date::of(1961, 11, 23),
                       .day = Date::of(2026, 11, 23),
                       .scheme = InsurerScheme::late_elderly,
                       .copay_percent = 10,
                       .limit_category = "B10"};
    EXPECT_EQ(ratio_plausibility(record, tables), RatioFinding::plausible);
    record.birth = Date::of(1961, 11, 24);
    EXPECT_EQ(ratio_plausibility(record, tables), RatioFinding::suspect_age);
}

TEST(ratio, what_an_insurer_never_sends_is_suspect_once_it_sent_enough) {
    const RatioRecord record{.birth = Date::of(1940, 1, 1),
                             .day = Date::of(2026, 11, 23),
                             .scheme = InsurerScheme::late_elderly,
                             .copay_percent = 30,
                             .limit_category = {}};
    RatioPattern pattern;
    const auto group = static_cast<std::size_t>(AgeGroup::late_elderly);
    pattern.counts[group][10] = tables.plausibility.pattern_records_min - 1;
    EXPECT_EQ(ratio_plausibility(record, tables, &pattern), RatioFinding::plausible);
    pattern.count(AgeGroup::late_elderly, Percent::of(10));
    EXPECT_EQ(ratio_plausibility(record, tables, &pattern), RatioFinding::suspect_pattern);
    EXPECT_TRUE(is_ratio_suspect(RatioFinding::suspect_pattern));
    EXPECT_FALSE(is_ratio_suspect(RatioFinding::blank));
    pattern.counts[group][30] = 2;
    EXPECT_EQ(ratio_plausibility(record, tables, &pattern), RatioFinding::plausible);
}

TEST(ratio, a_file_whose_blank_rate_jumps_is_stopped) {
    const auto judge = [](BlankCount usual, BlankCount file) {
        return judge_blank_rate({.blank = usual, .recent = {}, .pattern = {}}, file, tables);
    };
    EXPECT_EQ(judge({1000, 0}, {1000, 20}), BlankVerdict::accept);
    EXPECT_EQ(judge({1000, 0}, {1000, 21}), BlankVerdict::stop);
    EXPECT_EQ(judge({1000, 100}, {500, 60}), BlankVerdict::accept);
    EXPECT_EQ(judge({1000, 100}, {500, 61}), BlankVerdict::stop);
    EXPECT_EQ(judge({}, {100, 3}), BlankVerdict::stop);
    EXPECT_EQ(judge({}, {99, 99}), BlankVerdict::accept);
    EXPECT_EQ(judge({1'000'000'000'000, 1}, {1'000'000'000'000, 1}), BlankVerdict::accept);
    // Categories: against what was sent before; what an insurer never sent is not expected.
    EXPECT_EQ(judge({}, {1000, 0, 1000}), BlankVerdict::accept);
    EXPECT_EQ(judge({1000, 0, 0}, {1000, 0, 20}), BlankVerdict::accept);
    EXPECT_EQ(judge({1000, 0, 0}, {1000, 0, 21}), BlankVerdict::stop);
    EXPECT_EQ(judge({1000, 0, 1000}, {1000, 0, 1000}), BlankVerdict::accept);
}

// Takes a file over as an intake does; a second person lets pass what was stopped.
BlankVerdict send(RatioHistory& history, BlankCount blank) {
    RatioHistory file;
    file.blank = blank;
    const auto verdict = judge_blank_rate(history, blank, tables);
    history.learn(file, verdict, tables.plausibility);
    return verdict;
}

TEST(ratio, small_files_are_judged_together) {
    RatioHistory history;
    EXPECT_EQ(send(history, {99, 99}), BlankVerdict::accept) << "alone it is too small to be judged";
    EXPECT_EQ(send(history, {1, 0}), BlankVerdict::stop);
    RatioHistory good;
    for (int i = 0; i < 50; ++i) EXPECT_EQ(send(good, {30, 0}), BlankVerdict::accept);
    EXPECT_EQ(send(good, {30, 30}), BlankVerdict::accept) << "its hundred is not full";
    EXPECT_EQ(send(good, {30, 0}), BlankVerdict::stop);
}

// Small files that a person let pass do not say what is usual, and a large one between them does not hide them.
TEST(ratio, a_released_small_file_does_not_switch_the_guard_off) {
    RatioHistory history;
    EXPECT_EQ(send(history, {1'000'000, 0}), BlankVerdict::accept);
    EXPECT_EQ(send(history, {99, 99}), BlankVerdict::accept);
    EXPECT_EQ(send(history, {1'000'000, 0}), BlankVerdict::accept);
    EXPECT_EQ(send(history, {1, 0}), BlankVerdict::stop);
    EXPECT_EQ(send(history, {1'000'000, 1'000'000}), BlankVerdict::stop);
    RatioHistory fresh;
    EXPECT_EQ(send(fresh, {99, 99}), BlankVerdict::accept);
    EXPECT_EQ(send(fresh, {1, 0}), BlankVerdict::stop);
    EXPECT_EQ(send(fresh, {1000, 1000}), BlankVerdict::stop);
}

TEST(ratio, what_is_usual_follows_ratios_and_categories_each_for_itself_and_no_chance) {
    RatioHistory history;
    EXPECT_EQ(send(history, {1000, 0, 0}), BlankVerdict::accept);
    EXPECT_EQ(send(history, {1000, 41, 0}), BlankVerdict::stop);
    EXPECT_EQ(send(history, {1000, 5, 1}), BlankVerdict::accept);
    EXPECT_EQ(send(history, {1000, 26, 0}), BlankVerdict::stop);
    RatioHistory large;
    EXPECT_EQ(send(large, {10'000, 150}), BlankVerdict::accept);
    EXPECT_EQ(send(large, {100, 0}), BlankVerdict::accept);
    EXPECT_EQ(send(large, {100, 3}), BlankVerdict::accept) << "a hundred without a blank are no better insurer";
}

TEST(ratio, blanks_do_not_creep_up_file_by_file) {
    RatioHistory history;
    EXPECT_EQ(send(history, {1000, 0}), BlankVerdict::accept);
    EXPECT_EQ(send(history, {1000, 20}), BlankVerdict::accept);
    EXPECT_EQ(send(history, {1000, 21}), BlankVerdict::stop);
    // A person let it pass: that is what is usual now.
    EXPECT_EQ(send(history, {1000, 41}), BlankVerdict::accept);
    EXPECT_EQ(send(history, {1000, 42}), BlankVerdict::stop);
    EXPECT_EQ(send(history, {1000, 5}), BlankVerdict::accept);
    EXPECT_EQ(send(history, {1000, 26}), BlankVerdict::stop) << "what is usual is the best that was sent since";
}

TEST(ratio, an_insurers_history_learns_from_accepted_files) {
    const PlausibilityTable& table = tables.plausibility;
    RatioHistory history;
    RatioHistory file;
    file.blank = {table.blank_records_min, 3};
    file.pattern.counts[0][20] = 7;
    history.learn(file, BlankVerdict::accept, table);
    EXPECT_EQ(history.blank.blank_ratio, 3U);
    // A small file waits for others, and its ratios count all the same.
    file.blank = {table.blank_records_min - 1, 50};
    history.learn(file, BlankVerdict::accept, table);
    EXPECT_EQ(history.blank.blank_ratio, 3U);
    EXPECT_EQ(history.recent.blank_ratio, 50U);
    EXPECT_EQ(history.pattern.counts[0][20], 14U);
    // Counts never run over; where they would, what was sent before weighs less.
    file.pattern.counts[0][20] = RatioPattern::count_max;
    file.pattern.counts[0][30] = 10;
    history.learn(file, BlankVerdict::accept, table);
    EXPECT_EQ(history.pattern.counts[0][20], RatioPattern::count_max / 2);
    EXPECT_EQ(history.pattern.counts[0][30], 5U);
    EXPECT_EQ(history.recent.records, 0U);
}

TEST(ratio, blank_is_told_apart_from_not_applicable) {
    EXPECT_EQ(limit_category_presence("", InsurerScheme::health_society), Presence::blank);
    EXPECT_EQ(limit_category_presence("", InsurerScheme::self_defence), Presence::not_applicable);
    EXPECT_EQ(limit_category_presence("A03", InsurerScheme::health_society), Presence::present);
    EXPECT_EQ(copay_ratio_presence(std::nullopt), Presence::blank);
    EXPECT_EQ(copay_ratio_presence(30), Presence::present);
    EXPECT_EQ(plain_ratio(tables, AgeGroup::late_elderly, Date::of(2026, 11, 1)), Percent::of(30));
}

TEST(caps, of_programmes_by_income) {
    using Cap = Evaluated<std::optional<Yen>>;
    const Cap none = tl::unexpected(ErrorCode::payments_income_class);
    EXPECT_EQ(programme_cap(tables, 54, IncomeClass::middle_1, Severity::normal), Cap(Yen(10'000)));
    EXPECT_EQ(programme_cap(tables, 54, IncomeClass::upper, Severity::ventilator), Cap(Yen(1'000)));
    EXPECT_EQ(programme_cap(tables, 52, IncomeClass::low_1, Severity::normal), Cap(Yen(1'250)));
    EXPECT_EQ(programme_cap(tables, 15, IncomeClass::middle_1, Severity::normal), Cap(std::nullopt));
    EXPECT_EQ(programme_cap(tables, 21, IncomeClass::upper, Severity::normal), none);
    EXPECT_EQ(programme_cap(tables, 15, IncomeClass::welfare, Severity::ventilator), none);
    EXPECT_EQ(programme_cap(tables, 10, IncomeClass::welfare, Severity::normal), none);
    // §4.4 as a table: class, 54 normal, long, ventilator, 52 normal, long, ventilator.
    struct Row {
        const char* income;
        std::array<std::int64_t, 6> caps;
    };
    const Row rows[] = {{"welfare", {0, 0, 0, 0, 0, 0}},
                        {"low_1", {2'500, 2'500, 1'000, 1'250, 1'250, 500}},
                        {"low_2", {5'000, 5'000, 1'000, 2'500, 2'500, 500}},
                        {"middle_1", {10'000, 5'000, 1'000, 5'000, 2'500, 500}},
                        {"middle_2", {20'000, 10'000, 1'000, 10'000, 5'000, 500}},
                        {"upper", {30'000, 20'000, 1'000, 15'000, 10'000, 500}}};
    for (const auto& row : rows) {
        const auto income = parse_income_class(row.income);
        ASSERT_TRUE(income);
        EXPECT_EQ(to_string(*income), row.income);
        for (std::size_t i = 0; i < row.caps.size(); ++i) {
            const auto severity = parse_severity(std::array{"normal", "long", "ventilator"}[i % 3]);
            ASSERT_TRUE(severity);
            EXPECT_EQ(programme_cap(tables, i < 3 ? 54 : 52, *income, *severity), Cap(Yen(row.caps[i]))) << row.income;
        }
    }
    EXPECT_FALSE(parse_income_class("rich"));
    EXPECT_FALSE(parse_severity("severe"));
}

}  // namespace
}  // namespace onshi::payments
