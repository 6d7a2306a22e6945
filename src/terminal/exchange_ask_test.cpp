#include <set>

#include <gtest/gtest.h>

#include "platform/text_formats/json_view.h"
#include "terminal/exchange.h"

namespace onshi::terminal {
namespace {

TEST(CheckIds, follow_from_the_file_and_the_place_in_it) {
    Sha256 origin{};
    Sha256 other{};
    other[0] = 1;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < 5'000; ++i) EXPECT_TRUE(seen.insert(check_id_of(origin, i).text()).second);
    EXPECT_FALSE(seen.contains(check_id_of(other, 0).text()));
    EXPECT_EQ(check_id_of(origin, 7).text(), check_id_of(origin, 7).text());
    const std::string text = check_id_of(origin, 7).text();
    EXPECT_EQ(text[14], '4') << "the form of a random UUID";
    EXPECT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos);
}

oqs::SearchTerms terms() {
    oqs::SearchTerms wanted;
    wanted.insurer_number = "  138057";
    wanted.symbol = "架空－１";
    wanted.number = "3456";
    wanted.branch = "1";
    wanted.birth_date = "19850412";
    return wanted;
}

TEST(NumberChecks, have_dates_and_branches_as_our_json_has_them) {
    const auto body = number_check_body(check_id_of({}, 0), "20261123", terms());
    const auto view = JsonView::parse(body);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->root().text("care_day"), "2026-11-23");
    EXPECT_EQ(view->root().text("birth_date"), "1985-04-12");
    EXPECT_EQ(view->root().text("insurer_number"), "  138057");
    EXPECT_EQ(view->root().text("symbol"), "架空－１");
    EXPECT_EQ(view->root().text("branch"), "01");
    EXPECT_FALSE(view->root().boolean("limit_consent"));
}

TEST(NumberChecks, carry_the_consent_that_staff_wrote_down) {
    auto wanted = terms();
    for (const auto& [flag, told] :
         {std::pair("1", true), std::pair("0", false), std::pair("", false), std::pair("2", false)}) {
        wanted.limit_consent = flag;
        const auto view = JsonView::parse(number_check_body(check_id_of({}, 0), "20261123", wanted));
        EXPECT_EQ(view->root().boolean("limit_consent").value_or(false), told) << flag;
    }
}

TEST(NumberChecks, leave_what_is_wrong_to_the_hub_and_what_is_too_long_out) {
    auto wrong = terms();
    wrong.birth_date = "1985";
    wrong.branch.clear();
    wrong.symbol.clear();
    wrong.number = std::string(81, '1');
    const auto view = JsonView::parse(number_check_body(check_id_of({}, 0), "today", wrong));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->root().text("birth_date"), "1985");
    EXPECT_EQ(view->root().text("care_day"), "today");
    EXPECT_EQ(view->root().text("number"), "");
    EXPECT_TRUE(view->root().text("branch").empty());
    wrong.number.pop_back();
    const auto at_limit = JsonView::parse(number_check_body(check_id_of({}, 0), "today", wrong));
    EXPECT_EQ(at_limit->root().text("number"), wrong.number);
}

}  // namespace
}  // namespace onshi::terminal
