#include "domain/payments/rules_book.h"

#include <array>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "domain/payments/rules.h"

namespace onshi::payments {
namespace {

TEST(book, no_month_collects_more_than_its_cap) {
    for (std::int64_t cap = 0; cap <= 60; cap += 10) {
        for (std::int64_t first = 0; first <= 70; first += 5) {
            for (std::int64_t second = 0; second <= 70; second += 5) {
                const auto a = collect_under_cap(Yen(cap), Yen(0), Yen(first));
                const auto b = collect_under_cap(Yen(cap), a.collect, Yen(second));
                EXPECT_LE(a.collect + b.collect, Yen(cap));
                EXPECT_LE(a.collect, Yen(first));
                EXPECT_LE(b.collect, Yen(second));
                EXPECT_EQ(b.remaining, Yen(cap) - a.collect - b.collect);
                // Nothing is left uncollected while there is room.
                EXPECT_EQ(a.collect + b.collect, smaller(Yen(cap), Yen(first + second)));
            }
        }
    }
    // A cap that was lowered behind what was paid.
    EXPECT_EQ(collect_under_cap(Yen(5'000), Yen(7'000), Yen(100)).collect, Yen(0));
    EXPECT_EQ(collect_under_cap(Yen(5'000), Yen(7'000), Yen(100)).remaining, Yen(0));
}

TEST(book, two_recipients_of_one_class_have_half_a_cap_each) {
    const std::array ten{Yen(10'000)};
    const std::array five{Yen(5'000)};
    EXPECT_EQ(cap_in_household(Yen(10'000), ten, 10), Yen(5'000));
    EXPECT_EQ(cap_in_household(Yen(10'000), std::array{Yen(5'000), Yen(5'000)}, 10), Yen(5'000));
    EXPECT_EQ(cap_in_household(Yen(5'000), std::array{Yen(10'000), Yen(5'000)}, 10), Yen(2'500));
    EXPECT_EQ(cap_in_household(Yen(20'005), {}, 10), Yen(20'005)) << "alone it is as it is";
    EXPECT_EQ(cap_in_household(Yen(10'000), five, 10), Yen(6'660));
    EXPECT_EQ(cap_in_household(Yen(5'000), ten, 1), Yen(3'333));
    EXPECT_EQ(cap_in_household(Yen(0), std::array{Yen(0)}, 10), Yen(0));
}

TEST(book, a_household_pays_no_more_than_its_highest_cap) {
    const std::array classes{Yen(0), Yen(1'000), Yen(2'500), Yen(5'000), Yen(10'000), Yen(20'000), Yen(30'000)};
    for (const Yen a : classes) {
        for (const Yen b : classes) {
            for (const Yen c : classes) {
                const std::array all{a, b, c};
                Yen sum;
                for (std::size_t i = 0; i < all.size(); ++i) {
                    const Yen own = all[i];
                    const std::array others{all[(i + 1) % 3], all[(i + 2) % 3]};
                    const auto part = cap_in_household(own, others, 10);
                    ASSERT_TRUE(part);
                    EXPECT_LE(*part, own);
                    sum += *part;
                }
                EXPECT_LE(sum, larger(a, larger(b, c)));
            }
        }
    }
}

TEST(book, caps_that_cannot_be_are_refused) {
    const std::array negative{Yen(-1)};
    EXPECT_EQ(cap_in_household(Yen(10'000), negative, 10).error(), ErrorCode::payments_amount);
    EXPECT_EQ(cap_in_household(Yen(-1), {}, 10).error(), ErrorCode::payments_amount);
    const std::array large{Yen(cost_yen_max + 1)};
    EXPECT_EQ(cap_in_household(Yen(10'000), large, 10).error(), ErrorCode::payments_amount);
    EXPECT_EQ(cap_in_household(Yen(10'000), {}, 0).error(), ErrorCode::payments_amount);
}

// ---- The year ------------------------------------------------------------------------------------------------------

const Tables& tables = builtin_tables();
const Date care = Date::of(2027, 7, 20);
const Date adult = Date::of(1985, 4, 12);
const Date elderly = Date::of(1954, 4, 12);

// The twelve months of the period that begins in 2026-08.
std::vector<PaidMonth> months_of(std::vector<std::int64_t> amounts, bool outpatient = false) {
    std::vector<PaidMonth> months;
    for (std::size_t i = 0; i < amounts.size(); ++i) {
        const Yen paid(amounts[i]);
        months.push_back(
            {Date::of(2026, 8, 1).plus_months_clamped(static_cast<int>(i)), paid, outpatient ? paid : Yen(0)});
    }
    return months;
}

std::vector<std::int64_t> each(std::size_t count, std::int64_t amount) {
    return std::vector<std::int64_t>(count, amount);
}

TEST(year, what_a_monthly_benefit_gives_back_is_no_refund_of_the_year) {
    // One dear month whose counter knew no limit: the monthly benefit brings 514,200 back, and nothing is passed.
    const Year dear = year_of(tables, adult, care, Category::u70_u, months_of({600'000}));
    EXPECT_EQ(dear.from, Date::of(2026, 8, 1));
    EXPECT_EQ(dear.all.paid, Yen(600'000));
    EXPECT_EQ(dear.all.refund, Yen(0));
    EXPECT_EQ(dear.all.refund_at_most, Yen(70'000));
    EXPECT_FALSE(dear.all.passed());
    EXPECT_TRUE(dear.all.perhaps_passed());
    // Three months at the limit make the following ones reduced, whatever two facilities collected.
    const Year many = year_of(tables, adult, care, Category::u70_u, months_of(each(12, 90'000)));
    EXPECT_EQ(many.all.refund, Yen(3 * 85'800 + 9 * 44'400 - 530'000));
    EXPECT_EQ(many.all.refund_at_most, Yen(12 * 90'000 - 530'000));
}

TEST(year, the_worked_examples_lie_between_the_bounds) {
    std::vector<std::int64_t> first = each(12, 44'400);
    std::fill_n(first.begin(), 3, 92'940);
    const Year u = year_of(tables, adult, care, Category::u70_u, months_of(first));
    EXPECT_EQ(u.all.refund_at_most, Yen(148'420));
    EXPECT_EQ(u.all.refund, Yen(148'420 - 3 * (92'940 - 85'800)));
    EXPECT_EQ(year_of(tables, adult, care, Category::u70_u, months_of(each(12, 40'000))).all.refund_at_most, Yen(0));
    std::vector<std::int64_t> ten = each(10, 44'400);
    std::fill_n(ten.begin(), 3, 61'500);
    const Year e = year_of(tables, adult, care, Category::u70_e, months_of(ten));
    EXPECT_EQ(e.all.ceiling, Yen(530'000));
    EXPECT_EQ(e.all.lowest_ceiling, Yen(410'000));
    EXPECT_EQ(e.all.refund, Yen(0));
    EXPECT_EQ(e.all.refund_at_most, Yen(85'300)) << "with a pay of at most 150,000";
}

TEST(year, benefits_before_the_period_make_its_months_reduced) {
    std::vector<PaidMonth> months;
    for (int i = -3; i < 12; ++i) months.push_back({Date::of(2026, 8, 1).plus_months_clamped(i), Yen(81'000), Yen(0)});
    const Year year = year_of(tables, adult, care, Category::u70_u, months);
    EXPECT_EQ(year.all.paid, Yen(12 * 81'000)) << "those before are not of the year";
    EXPECT_EQ(year.all.refund, Yen(12 * 44'400 - 530'000));
}

TEST(year, outpatient_payments_have_a_ceiling_of_their_own) {
    const Year year = year_of(tables, elderly, care, Category::general, months_of(each(12, 30'000), true));
    EXPECT_EQ(year.outpatient.ceiling, Yen(216'000));
    EXPECT_EQ(year.outpatient.paid, Yen(360'000));
    EXPECT_EQ(year.outpatient.refund, Yen(12 * 22'000 - 216'000));
    EXPECT_EQ(year.outpatient.refund_at_most, Yen(360'000 - 216'000));
    EXPECT_EQ(year.all.refund, Yen(0)) << "12 times 22,000 are below 530,000";
    EXPECT_FALSE(year_of(tables, adult, care, Category::u70_u, {}).outpatient.lowest_ceiling);
}

TEST(year, a_category_of_several_steps_has_what_holds_for_all) {
    const Date later = Date::of(2028, 7, 20);
    const Year u = year_of(tables, adult, later, Category::u70_u, {});
    EXPECT_EQ(u.all.ceiling, Yen(530'000));
    EXPECT_EQ(u.all.lowest_ceiling, Yen(530'000));
    const Year e = year_of(tables, adult, later, Category::u70_e, {});
    EXPECT_EQ(e.all.ceiling, Yen(530'000));
    EXPECT_EQ(e.all.lowest_ceiling, Yen(410'000));
    const Year before = year_of(tables, adult, Date::of(2026, 7, 31), Category::u70_u, {});
    EXPECT_FALSE(before.all.lowest_ceiling);
}

// Nobody loses money because an insurer left the category blank: it may be any of the age.
TEST(year, a_blank_category_may_be_any_of_the_age) {
    const Year young = year_of(tables, adult, care, std::nullopt, months_of({600'000}));
    EXPECT_EQ(young.all.ceiling, Yen(1'680'000));
    EXPECT_EQ(young.all.lowest_ceiling, Yen(290'000));
    EXPECT_EQ(young.all.refund, Yen(0));
    EXPECT_EQ(young.all.refund_at_most, Yen(310'000));
    EXPECT_FALSE(young.outpatient.lowest_ceiling);
    const Year old = year_of(tables, elderly, care, std::nullopt, {});
    EXPECT_EQ(old.all.lowest_ceiling, Yen(180'000));
    EXPECT_EQ(old.outpatient.lowest_ceiling, Yen(96'000));
    EXPECT_FALSE(old.outpatient.ceiling) << "現役並み has none";
}

TEST(year, outpatient_payments_count_from_seventy_on) {
    std::vector<std::int64_t> paid = each(6, 50'000);
    paid.insert(paid.end(), 4, 22'000);
    // 70 from February 2027 on.
    const Year year = year_of(tables, Date::of(1957, 1, 15), care, Category::general, months_of(paid, true));
    EXPECT_EQ(year.outpatient.paid, Yen(88'000));
    EXPECT_EQ(year.outpatient.refund_at_most, Yen(0));
    EXPECT_EQ(year.all.paid, Yen(388'000));
    // Late-elderly with a certified disability before that age.
    const Year disabled = year_of(tables, Date::of(1960, 1, 15), care, Category::general, months_of(paid, true));
    EXPECT_EQ(disabled.outpatient.paid, Yen(388'000));
}

TEST(year, the_month_of_the_75th_birthday_counts_half) {
    const Year year = year_of(tables, Date::of(1951, 11, 15), care, Category::low_1, months_of(each(12, 20'000)));
    EXPECT_EQ(year.all.refund, Yen(11 * 15'700 + 7'850 - 180'000));
    EXPECT_EQ(year.all.refund_at_most, Yen(12 * 20'000 - 180'000));
}

// One person, alone insured, one category and step: what is left of each month by the law, settled with its costs.
TEST(year, a_settled_year_lies_between_what_is_expected_and_what_is_at_most) {
    EXPECT_TRUE(rc::check([] {
        const auto category = static_cast<Category>(*rc::gen::inRange<int>(0, static_cast<int>(Category::u70_o) + 1));
        const auto& table = *find_limit_table(tables, care);
        const auto& row = *find_row(table, {category, 0});
        std::vector<PaidMonth> months;
        std::vector<Yen> left;
        std::vector<Date> benefits;
        for (int i = 0; i < 12; ++i) {
            const Date month = Date::of(2026, 8, 1).plus_months_clamped(i);
            const Yen cost(*rc::gen::inRange<std::int64_t>(0, 3'000'000));
            const Yen share = Percent::of(30).share_of(cost);  // the counter knew no limit
            const bool many = is_many(month, benefits);
            const Limit limit = monthly_limit(row, {.cost = cost, .many = many});
            if (share > limit.amount) benefits.push_back(month);
            months.push_back({month, share, Yen(0)});
            left.push_back(smaller(share, limit.amount));
        }
        const Yen settled = annual_balance(row.annual, left).refund;
        const Year year = year_of(tables, adult, care, category, months);
        RC_ASSERT(year.all.refund <= settled);
        RC_ASSERT(settled <= year.all.refund_at_most);
        RC_ASSERT(year.all.refund_at_most <= year.all.paid);
    }));
}

}  // namespace
}  // namespace onshi::payments
