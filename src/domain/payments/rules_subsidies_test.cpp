#include "domain/payments/rules_subsidies.h"

#include <gtest/gtest.h>

namespace onshi::payments {
namespace {

// Children up to 14, 200 yen a visit, twice a month, in Tokyo.
Ordinance child_subsidy() {
    Ordinance ordinance;
    ordinance.days = {Date::of(2025, 4, 1), Date::of(2027, 3, 31)};
    ordinance.age_to = 14;
    ordinance.fee_per_visit = Yen(200);
    ordinance.payments_per_month = 2;
    ordinance.prefecture = 13;
    return ordinance;
}

SubsidyVisit visit_of_a_child() {
    SubsidyVisit visit;
    visit.birth = Date::of(2016, 6, 1);
    visit.day = Date::of(2026, 11, 23);
    visit.facility_prefecture = 13;
    visit.left = Yen(1'530);
    return visit;
}

TEST(subsidies, a_fee_is_collected_as_often_as_the_ordinance_says) {
    auto visit = visit_of_a_child();
    for (const std::int64_t expected : {200, 200, 0, 0}) {
        const auto result = apply_ordinance(child_subsidy(), visit);
        ASSERT_TRUE(result);
        EXPECT_EQ(result->answer, SubsidyAnswer::applies);
        EXPECT_EQ(result->patient, Yen(expected));
        EXPECT_EQ(result->subsidy, Yen(1'530 - expected));
        ++visit.payments_before;
        visit.paid_before += result->patient;
    }
}

TEST(subsidies, a_fee_is_never_more_than_what_is_left_or_the_cap_allows) {
    auto ordinance = child_subsidy();
    ordinance.payments_per_month.reset();
    ordinance.monthly_cap = Yen(500);
    auto visit = visit_of_a_child();
    visit.paid_before = Yen(400);
    EXPECT_EQ(apply_ordinance(ordinance, visit)->patient, Yen(100));
    visit.paid_before = Yen(500);
    EXPECT_EQ(apply_ordinance(ordinance, visit)->patient, Yen(0));
    visit.paid_before = Yen(600);
    EXPECT_EQ(apply_ordinance(ordinance, visit)->patient, Yen(0));
    visit.paid_before = Yen(0);
    visit.left = Yen(90);
    EXPECT_EQ(apply_ordinance(ordinance, visit)->patient, Yen(90));
}

TEST(subsidies, a_refund_is_paid_first_and_comes_back) {
    auto ordinance = child_subsidy();
    ordinance.payment = SubsidyPayment::refund;
    const auto result = apply_ordinance(ordinance, visit_of_a_child());
    EXPECT_EQ(result->patient, Yen(1'530));
    EXPECT_EQ(result->refund_later, Yen(1'330));
}

// 18歳到達後最初の3月31日: an age is attained on the day before the birthday.
TEST(subsidies, an_age_may_hold_until_the_end_of_its_school_year) {
    auto ordinance = child_subsidy();
    ordinance.days = {Date::of(2020, 4, 1), Date::open_end};
    ordinance.age_to_march = 18;
    struct Row {
        Date birth;
        Date last;
    };
    const Row rows[] = {{Date::of(2008, 6, 1), Date::of(2027, 3, 31)},
                        {Date::of(2009, 3, 31), Date::of(2027, 3, 31)},
                        {Date::of(2009, 4, 1), Date::of(2027, 3, 31)},
                        {Date::of(2009, 4, 2), Date::of(2028, 3, 31)},
                        {Date::of(2008, 2, 29), Date::of(2026, 3, 31)}};
    for (const auto& row : rows) {
        auto visit = visit_of_a_child();
        visit.birth = row.birth;
        visit.day = row.last;
        EXPECT_EQ(apply_ordinance(ordinance, visit)->answer, SubsidyAnswer::applies) << to_iso(row.birth);
        visit.day = row.last.plus_days(1);
        EXPECT_EQ(apply_ordinance(ordinance, visit)->answer, SubsidyAnswer::other_age) << to_iso(row.birth);
    }
    ordinance.age_to_march = 5;
    EXPECT_EQ(contradiction(ordinance), "age_to_march");
}

TEST(subsidies, what_the_ordinance_is_not_for_leaves_everything_and_says_why) {
    const auto expect = [](const Ordinance& ordinance, const SubsidyVisit& visit, SubsidyAnswer answer) {
        const auto result = apply_ordinance(ordinance, visit);
        ASSERT_TRUE(result);
        EXPECT_EQ(to_string(result->answer), to_string(answer));
        EXPECT_EQ(result->patient, answer == SubsidyAnswer::applies ? Yen(200) : visit.left);
    };
    auto visit = visit_of_a_child();
    visit.day = Date::of(2027, 3, 31);
    expect(child_subsidy(), visit, SubsidyAnswer::applies);
    visit.day = Date::of(2027, 4, 1);
    expect(child_subsidy(), visit, SubsidyAnswer::other_day);
    visit = visit_of_a_child();
    visit.birth = Date::of(2011, 11, 24);
    expect(child_subsidy(), visit, SubsidyAnswer::applies);
    visit.birth = Date::of(2011, 11, 23);
    expect(child_subsidy(), visit, SubsidyAnswer::other_age);
    visit = visit_of_a_child();
    visit.facility_prefecture = 14;
    expect(child_subsidy(), visit, SubsidyAnswer::other_prefecture);
    auto ordinance = child_subsidy();
    ordinance.outpatient = false;
    expect(ordinance, visit_of_a_child(), SubsidyAnswer::other_setting);
    ordinance = child_subsidy();
    ordinance.income_below = Yen(5'000'000);
    visit = visit_of_a_child();
    expect(ordinance, visit, SubsidyAnswer::income_unknown);
    visit.income = Yen(4'999'999);
    expect(ordinance, visit, SubsidyAnswer::applies);
    visit.income = Yen(5'000'000);
    expect(ordinance, visit, SubsidyAnswer::income_too_high);
}

TEST(subsidies, an_ordinance_that_contradicts_itself_is_named) {
    const auto broken = [](auto&& change) {
        auto ordinance = child_subsidy();
        change(ordinance);
        const auto result = apply_ordinance(ordinance, visit_of_a_child());
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error(), ErrorCode::payments_ordinance);
    };
    broken([](Ordinance& o) { o.days.last = Date::of(2025, 3, 31); });
    broken([](Ordinance& o) { o.age_from = 15; });
    broken([](Ordinance& o) { o.inpatient = o.outpatient = false; });
    broken([](Ordinance& o) { o.fee_per_visit = Yen(-1); });
    broken([](Ordinance& o) { o.monthly_cap = Yen(-1); });
    broken([](Ordinance& o) { o.payments_per_month = -1; });
    broken([](Ordinance& o) { o.prefecture = 48; });
    auto visit = visit_of_a_child();
    visit.left = Yen(-1);
    EXPECT_EQ(apply_ordinance(child_subsidy(), visit).error(), ErrorCode::payments_amount);
}

}  // namespace
}  // namespace onshi::payments
