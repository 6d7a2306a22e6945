#include "exchange/ordinances/ordinance_file.h"

#include <gtest/gtest.h>

namespace onshi::ordinances {
namespace {

constexpr std::string_view good = R"(
[[municipalities]]
code = "131016"
name = "東京都千代田区"
connected_from = 2026-04-01
[[municipalities.ordinances]]
law_code = 83
name = "こども医療費助成"
first = 2026-04-01
age_to = 18
fee_per_visit = 500
monthly_cap = 1000
payments_per_month = 2
income_below = 6000000
prefecture = 13
[[municipalities.ordinances]]
law_code = 80
name = "障害者医療費助成"
first = 2026-04-01
last = 2027-03-31
settings = ["inpatient"]
payment = "refund"

[[municipalities]]
code = "131024"
name = "東京都中央区"
)";

std::string refusal(std::string_view text) {
    const auto table = parse(text);
    return table ? "accepted" : std::string(error_name(table.error().code)) + " " + table.error().detail;
}

std::string changed(std::string_view from, std::string_view to) {
    std::string text(good);
    text.replace(text.find(from), from.size(), to);
    return text;
}

TEST(ordinance_file, an_age_may_hold_until_march) {
    const auto table = parse(changed("age_to = 18", "age_to_march = 18"));
    ASSERT_TRUE(table) << table.error().detail;
    EXPECT_EQ(table->list()[0].ordinances.at(0).terms.age_to_march, 18);
    EXPECT_NE(write(*table).find("age_to_march = 18\n"), std::string::npos);
}

TEST(ordinance_file, is_read_with_its_defaults) {
    const auto table = parse(good);
    ASSERT_TRUE(table) << table.error().detail;
    ASSERT_EQ(table->size(), 2U);
    const auto& first = table->list()[0];
    EXPECT_TRUE(first.is_connected(Date::of(2026, 11, 23)));
    EXPECT_FALSE(table->list()[1].is_connected(Date::of(2026, 11, 23)));
    const auto& child = first.ordinances.at(0).terms;
    EXPECT_EQ(child.age_from, 0);
    EXPECT_EQ(child.age_to, 18);
    EXPECT_TRUE(child.inpatient && child.outpatient);
    EXPECT_EQ(child.fee_per_visit, payments::Yen(500));
    EXPECT_EQ(child.payments_per_month, 2);
    EXPECT_EQ(child.prefecture, 13);
    EXPECT_EQ(child.payment, payments::SubsidyPayment::in_kind);
    const auto& disabled = first.ordinances.at(1).terms;
    EXPECT_TRUE(disabled.inpatient);
    EXPECT_FALSE(disabled.outpatient);
    EXPECT_FALSE(disabled.fee_per_visit);
    EXPECT_EQ(disabled.payment, payments::SubsidyPayment::refund);
    EXPECT_EQ(disabled.days.last, Date::of(2027, 3, 31));
}

TEST(ordinance_file, is_written_as_it_is_read) {
    const auto table = parse(good);
    ASSERT_TRUE(table);
    const std::string text = write(*table);
    const auto again = parse(text);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(write(*again), text);
    EXPECT_EQ(again->size(), table->size());
}

TEST(ordinance_file, nobody_is_in_an_empty_one) {
    EXPECT_EQ(parse("")->size(), 0U);
    EXPECT_EQ(load("")->size(), 0U);
    EXPECT_EQ(load("/nowhere/ordinances.toml").error().code, ErrorCode::file_unreadable);
}

TEST(ordinance_file, wrong_fields_are_named_with_their_place) {
    EXPECT_EQ(refusal(good), "accepted");
    EXPECT_EQ(refusal(changed("\"131016\"", "\"131017\"")), "payments.municipality municipality 1: code");
    EXPECT_EQ(refusal(changed("name = \"東京都中央区\"", "")), "payments.municipality municipality 2: name");
    EXPECT_EQ(refusal(changed("name = \"東京都中央区\"", "name = 1")), "payments.municipality municipality 2: name");
    EXPECT_EQ(refusal(changed("connected_from", "conected_from")),
              "payments.municipality municipality 1: conected_from");
    EXPECT_EQ(refusal(changed("connected_from = 2026-04-01", "connected_from = \"2026-04-01\"")),
              "payments.municipality municipality 1: connected_from");
    EXPECT_EQ(refusal(changed("connected_from = 2026-04-01", "connected_to = 2026-04-01")),
              "payments.municipality municipality 1: connected_to");
    EXPECT_EQ(refusal(changed("connected_from = 2026-04-01", "connected_from = 2026-04-02\nconnected_to = 2026-04-01")),
              "payments.municipality municipality 1: connected_to");
    EXPECT_EQ(refusal(changed("law_code = 83", "law_code = 54")),
              "payments.ordinance 131016, ordinance 1: law_code is not 80…99");
    EXPECT_EQ(refusal(changed("law_code = 83", "law_code = \"83\"")),
              "payments.ordinance 131016, ordinance 1: law_code");
    EXPECT_EQ(refusal(changed("first = 2026-04-01\nage", "age")), "payments.ordinance 131016, ordinance 1: first");
    EXPECT_EQ(refusal(changed("age_to = 18", "age_to = 18.0")), "payments.ordinance 131016, ordinance 1: age_to");
    EXPECT_EQ(refusal(changed("age_to = 18", "age_from = 19\nage_to = 18")),
              "payments.ordinance 131016, ordinance 1: age");
    EXPECT_EQ(refusal(changed("age_to = 18", "age_to = 18\nage_to_march = 18")),
              "payments.ordinance 131016, ordinance 1: age_to_march");
    EXPECT_EQ(refusal(changed("age_to = 18", "age_to_march = 5")),
              "payments.ordinance 131016, ordinance 1: age_to_march");
    EXPECT_EQ(refusal(changed("fee_per_visit = 500", "fee_per_visit = -1")),
              "payments.ordinance 131016, ordinance 1: fee_per_visit");
    EXPECT_EQ(refusal(changed("[\"inpatient\"]", "[\"inpatient\", \"inpatient\"]")),
              "payments.ordinance 131016, ordinance 2: settings");
    EXPECT_EQ(refusal(changed("[\"inpatient\"]", "[]")), "payments.ordinance 131016, ordinance 2: setting");
    EXPECT_EQ(refusal(changed("\"refund\"", "\"later\"")), "payments.ordinance 131016, ordinance 2: payment");
    EXPECT_EQ(refusal(changed("last = 2027-03-31", "last = 2026-03-31")),
              "payments.ordinance 131016, ordinance 2: days");
    EXPECT_EQ(refusal(changed("law_code = 80", "law_code = 83")),
              "payments.ordinance 131016, ordinance 2: the days of ordinance 1 too, under one law_code");
    EXPECT_EQ(refusal("municipality = 1\n"), "payments.municipality at the top there are only [[municipalities]]");
    EXPECT_EQ(refusal("municipalities = [1]\n"), "payments.municipality municipality 1: no table");
    EXPECT_EQ(refusal("[[municipalities]\n").substr(0, 22), "file.malformed line 1:");
}

}  // namespace
}  // namespace onshi::ordinances
