#include "domain/payments/rules_municipalities.h"

#include <gtest/gtest.h>

namespace onshi::payments {
namespace {

const Date day = Date::of(2026, 11, 23);
const DateRange always{Date::of(2026, 4, 1), Date::open_end};

LocalOrdinance child_ordinance(DateRange days) {
    LocalOrdinance ordinance{83, "こども医療費助成", {}};
    ordinance.terms.days = days;
    ordinance.terms.age_to = 18;
    ordinance.terms.fee_per_visit = Yen(500);
    return ordinance;
}

Municipality municipality(const char* code, const char* name, DateRange connected = always) {
    return {*MunicipalityCode::parse(code), name, connected, {}};
}

std::vector<Municipality> some() {
    return {municipality("131024", "東京都中央区"), municipality("131016", "東京都千代田区"),
            municipality("130001", "東京都"), municipality("131032", "東京都中")};
}

TEST(municipalities, the_longest_name_that_begins_the_address_is_home) {
    const auto table = MunicipalTable::make(some());
    ASSERT_TRUE(table) << table.error().detail;
    EXPECT_EQ(table->home_of("東京都千代田区見本町1-2-3")->code.text(), "131016");
    EXPECT_EQ(table->home_of("東京都中央区見本町1")->code.text(), "131024");
    EXPECT_EQ(table->home_of("東京都中見本町1")->code.text(), "131032");
    // A prefecture is nobody's municipality.
    EXPECT_EQ(table->home_of("東京都港区見本町1"), nullptr);
    EXPECT_EQ(table->home_of("大阪府"), nullptr);
    EXPECT_EQ(table->home_of(""), nullptr);
    EXPECT_EQ(MunicipalTable().home_of("東京都千代田区"), nullptr);
}

// Every name is found by itself, with something behind it, and not by its beginning.
TEST(municipalities, every_one_of_many_is_found) {
    std::vector<Municipality> many;
    for (std::int64_t key = 10'000; key < 480'000 && many.size() < municipalities_max; ++key) {
        const auto code = MunicipalityCode::from_key(key);
        if (!code || key / 10 % 1000 == 0) continue;
        std::string name = "県";
        for (std::int64_t rest = key; rest > 0; rest /= 7) name += static_cast<char>('a' + rest % 7);
        many.push_back({*code, name, always, {}});
    }
    const auto table = MunicipalTable::make(many);
    ASSERT_TRUE(table) << table.error().detail;
    for (const auto& each : many) {
        EXPECT_EQ(table->find(each.code)->name, each.name);
        EXPECT_EQ(table->home_of(each.name)->code, each.code);
        EXPECT_EQ(table->home_of(each.name + "z")->code, each.code);
    }
}

TEST(municipalities, one_that_is_not_connected_is_unknown_and_never_none) {
    auto list = some();
    list[0].connected = {Date::of(2026, 4, 1), Date::of(2026, 11, 23)};
    list[1].connected = {Date::open_end, Date::first_day};
    const auto table = MunicipalTable::make(std::move(list));
    ASSERT_TRUE(table);
    EXPECT_EQ(table->knowledge_of("東京都中央区1", Date::of(2026, 3, 31)), SubsidyKnowledge::unknown);
    EXPECT_EQ(table->knowledge_of("東京都中央区1", Date::of(2026, 4, 1)), SubsidyKnowledge::known);
    EXPECT_EQ(table->knowledge_of("東京都中央区1", day), SubsidyKnowledge::known);
    EXPECT_EQ(table->knowledge_of("東京都中央区1", day.plus_days(1)), SubsidyKnowledge::unknown);
    EXPECT_EQ(table->knowledge_of("東京都千代田区1", day), SubsidyKnowledge::unknown);
    EXPECT_EQ(table->knowledge_of("", day), SubsidyKnowledge::unknown);
}

TEST(municipalities, ordinances_are_found_by_law_code_and_day) {
    auto list = some();
    list[1].ordinances = {child_ordinance({Date::of(2020, 4, 1), Date::of(2026, 3, 31)}), child_ordinance(always)};
    list[1].ordinances[1].terms.fee_per_visit = Yen(200);
    const auto code = list[1].code;
    const auto table = MunicipalTable::make(std::move(list));
    ASSERT_TRUE(table) << table.error().detail;
    EXPECT_EQ(table->find_ordinance(code, 83, day)->terms.fee_per_visit, Yen(200));
    EXPECT_EQ(table->find_ordinance(code, 83, Date::of(2026, 3, 31))->terms.fee_per_visit, Yen(500));
    EXPECT_EQ(table->find_ordinance(code, 83, Date::of(2020, 3, 31)), nullptr);
    EXPECT_EQ(table->find_ordinance(code, 84, day), nullptr);
    EXPECT_EQ(table->find_ordinance(*MunicipalityCode::parse("271004"), 83, day), nullptr);
}

TEST(municipalities, tables_that_contradict_themselves_are_named) {
    const auto refused = [](auto change) {
        auto list = some();
        list[1].ordinances = {child_ordinance(always)};
        change(list);
        const auto table = MunicipalTable::make(std::move(list));
        return table ? std::string("accepted")
                     : std::string(error_name(table.error().code)) + " " + table.error().detail;
    };
    using List = std::vector<Municipality>;
    EXPECT_EQ(refused([](List&) {}), "accepted");
    EXPECT_EQ(refused([](List& l) { l[0].code = l[1].code; }), "payments.municipality 131016: stands there twice");
    EXPECT_EQ(refused([](List& l) { l[0].name = l[1].name; }),
              "payments.municipality 131016: another one has the same name");
    EXPECT_EQ(refused([](List& l) { l[0].name.clear(); }), "payments.municipality 131024: name");
    EXPECT_EQ(refused([](List& l) { l[1].ordinances[0].law_code = 54; }),
              "payments.ordinance 131016, ordinance 1: law_code is not 80…99");
    EXPECT_EQ(refused([](List& l) { l[1].ordinances[0].terms.age_from = 19; }),
              "payments.ordinance 131016, ordinance 1: age");
    EXPECT_EQ(refused([](List& l) { l[1].ordinances.push_back(l[1].ordinances[0]); }),
              "payments.ordinance 131016, ordinance 2: the days of ordinance 1 too, under one law_code");
    EXPECT_EQ(
        refused([](List& l) { l[1].ordinances.assign(ordinances_per_municipality_max + 1, child_ordinance(always)); }),
        "payments.ordinance 131016: too many");
    EXPECT_EQ(refused([](List& l) { l.assign(municipalities_max + 1, l[0]); }), "payments.municipality too many");
}

TEST(municipalities, every_contradiction_of_an_ordinance_has_a_name) {
    const auto named = [](auto change) {
        Ordinance ordinance = child_ordinance(always).terms;
        change(ordinance);
        return std::string(contradiction(ordinance).value_or("none"));
    };
    EXPECT_EQ(named([](Ordinance&) {}), "none");
    EXPECT_EQ(named([](Ordinance& o) { o.days = {day, day.plus_days(-1)}; }), "days");
    EXPECT_EQ(named([](Ordinance& o) { o.inpatient = o.outpatient = false; }), "setting");
    EXPECT_EQ(named([](Ordinance& o) { o.age_from = -1; }), "age");
    EXPECT_EQ(named([](Ordinance& o) { o.age_to = ordinance_age_max + 1; }), "age");
    EXPECT_EQ(named([](Ordinance& o) { o.payments_per_month = -1; }), "payments_per_month");
    EXPECT_EQ(named([](Ordinance& o) { o.prefecture = 48; }), "prefecture");
    EXPECT_EQ(named([](Ordinance& o) { o.fee_per_visit = Yen(-1); }), "fee_per_visit");
    EXPECT_EQ(named([](Ordinance& o) { o.monthly_cap = Yen(-1); }), "monthly_cap");
    EXPECT_EQ(named([](Ordinance& o) { o.income_below = Yen(-1); }), "income_below");
}

}  // namespace
}  // namespace onshi::payments
