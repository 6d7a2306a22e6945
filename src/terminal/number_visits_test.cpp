#include "terminal/number_visits.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/date.h"
#include "exchange/oqs/limits.h"
#include "platform/event_loop/event_loop.h"

namespace onshi::terminal {
namespace {

namespace fs = std::filesystem;

// 2026-11-02 and three weeks later, at nine in Japan.
const Instant visited_at = start_of_japan_day(Date::of(2026, 11, 2)) + std::chrono::hours(9);
const Instant asked_at = start_of_japan_day(Date::of(2026, 11, 23)) + std::chrono::hours(9);

constexpr std::string_view by_card = R"({
  "care_day": "2026-11-02", "receipt": "7Q4M-2XKD-9", "result": {"code": 1, "name": "valid"}, "notes": [], "next": [],
  "person": {"name": "髙橋 美咲", "kana": "タカハシ　ミサキ", "birth_date": "1985-04-12", "age": 41, "sex": 2,
    "address": "東京都架空区見本町１－２－３"},
  "coverage": {"insurer": {"number": "138057", "name": "架空区"}, "symbol": "架空－１", "number": "3456", "branch": "01",
    "relation": "insured", "acquired_on": "2024-04-01", "valid_to": "2026-12-31", "certificate_kind": 1,
    "copay_percent": 30, "limit_category": "ウ", "limit_category_state": "present"}
})";

oqs::SearchTerms terms() {
    oqs::SearchTerms wanted;
    wanted.insurer_number = "  138057";
    wanted.symbol = "架空－１";
    wanted.number = "3456";
    wanted.branch = "01";
    wanted.birth_date = "19850412";
    return wanted;
}

std::string changed(std::string_view from, std::string_view to) {
    std::string text(by_card);
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

class NumberVisitsTest : public testing::Test {
  protected:
    NumberVisitsTest() {
        std::string name = (fs::temp_directory_path() / "onshi-visits-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        auto opened = LocalStore::open(folder_ / "store", folder_ / "key", random_);
        EXPECT_TRUE(opened);
        store_ = std::move(*opened);
    }
    ~NumberVisitsTest() override {
        store_.reset();
        fs::remove_all(folder_);
    }
    std::optional<NumberVisit> find(const oqs::SearchTerms& wanted, Instant since = visited_at) {
        auto found = run_to_end(find_number_visit(*store_, visit_terms(wanted), since));
        EXPECT_TRUE(found);
        return found ? *found : std::nullopt;
    }
    std::optional<oqs::Unit> told(std::string_view answer, LastVisitUse use, std::string_view day = "20261123") {
        const AnswerStyle style{profile_, reference_, "20261123090000"};
        return unit_of_last_visit({std::string(answer), visited_at}, day, use, style, asked_at);
    }
    fs::path folder_;
    SystemRandom random_;
    std::unique_ptr<LocalStore> store_;
    oqs::Profile profile_;
    FindReference reference_ = [](const oqs::PersonRecord&) { return std::string("K-42"); };
};

TEST_F(NumberVisitsTest, a_visit_by_card_is_found_by_the_terms_of_its_coverage_however_they_are_written) {
    const auto answer = JsonView::parse(by_card);
    ASSERT_TRUE(run_to_end(keep_number_visit(*store_, visit_terms(answer->root()), std::string(by_card), visited_at)));
    ASSERT_TRUE(find(terms()));
    EXPECT_EQ(find(terms())->answer, by_card);
    EXPECT_EQ(find(terms())->told_at, visited_at);
    oqs::SearchTerms other = terms();
    other.insurer_number = "00138057";
    other.number = "３４５６";
    other.branch = "1";
    EXPECT_TRUE(find(other));
    EXPECT_FALSE(find(terms(), visited_at + std::chrono::microseconds(1))) << "too old";
}

TEST_F(NumberVisitsTest, whoever_differs_in_one_term_is_somebody_else) {
    ASSERT_TRUE(run_to_end(keep_number_visit(*store_, visit_terms(terms()), std::string(by_card), visited_at)));
    for (auto member : {&oqs::SearchTerms::insurer_number, &oqs::SearchTerms::symbol, &oqs::SearchTerms::number,
                        &oqs::SearchTerms::branch, &oqs::SearchTerms::birth_date}) {
        oqs::SearchTerms other = terms();
        other.*member = member == &oqs::SearchTerms::birth_date       ? "19850413"
                        : member == &oqs::SearchTerms::insurer_number ? "06139463"
                                                                      : "02";
        EXPECT_FALSE(find(other));
    }
    oqs::SearchTerms without = terms();
    without.branch.clear();
    EXPECT_FALSE(find(without)) << "twins differ in nothing but their branch";
    EXPECT_TRUE(find(terms()));
    ASSERT_TRUE(run_to_end(forget_number_visit(*store_, visit_terms(terms()))));
    EXPECT_FALSE(find(terms()));
}

TEST_F(NumberVisitsTest, wrong_terms_lead_nowhere) {
    oqs::SearchTerms wrong = terms();
    wrong.insurer_number = "138058";
    EXPECT_EQ(visit_terms(wrong), "");
    wrong = terms();
    wrong.birth_date = "19850230";
    EXPECT_EQ(visit_terms(wrong), "");
    EXPECT_EQ(visit_terms(JsonView::parse(R"({"result":{"name":"none"}})")->root()), "");
    ASSERT_TRUE(run_to_end(keep_number_visit(*store_, "", "{}", visited_at)));
    EXPECT_FALSE(find(wrong));
    EXPECT_TRUE(run_to_end(forget_number_visit(*store_, "")));
}

TEST_F(NumberVisitsTest, an_answer_holds_on_the_days_of_its_coverage) {
    const auto holds = [](const std::string& answer, std::string_view day) {
        return covers(JsonView::parse(answer)->root(), day);
    };
    EXPECT_TRUE(holds(std::string(by_card), "20261231")) << "the last day of validity still counts";
    EXPECT_FALSE(holds(std::string(by_card), "20270101"));
    EXPECT_TRUE(holds(std::string(by_card), "20240401"));
    EXPECT_FALSE(holds(std::string(by_card), "20240331"));
    EXPECT_TRUE(holds(changed(R"("valid_to": "2026-12-31", )", ""), "20991231"));
    EXPECT_FALSE(holds(std::string(by_card), "2026"));
    EXPECT_FALSE(holds("{}", "20261123"));
}

TEST_F(NumberVisitsTest, a_marked_answer_has_failed_and_says_how_old_its_record_is) {
    const auto unit = told(by_card, LastVisitUse::marked);
    ASSERT_TRUE(unit);
    EXPECT_EQ(unit->outcome.status, "2");
    EXPECT_EQ(unit->outcome.validity, "");
    EXPECT_EQ(unit->outcome.code, "ONSHI2005");
    EXPECT_NE(unit->outcome.message.find("2026-11-02（21日前）"), std::string::npos) << unit->outcome.message;
    EXPECT_TRUE(unit->outcome.message.ends_with("お聞きください。")) << "it is whole: " << unit->outcome.message;
    ASSERT_EQ(unit->records.size(), 1U);
    const auto& record = unit->records.front();
    EXPECT_EQ(record.name, "髙橋　美咲");
    EXPECT_EQ(record.number, "3456");
    EXPECT_EQ(record.reference_number, "K-42");
    EXPECT_EQ(record.address, "") << "nobody is told an address by number";
    EXPECT_EQ(record.limit_consent.flag, "0");
    EXPECT_EQ(record.limit, oqs::LimitCertificate());
}

TEST_F(NumberVisitsTest, an_answered_one_is_an_answer_with_the_same_words) {
    const auto unit = told(by_card, LastVisitUse::answered);
    ASSERT_TRUE(unit);
    EXPECT_EQ(unit->outcome.status, "1");
    EXPECT_EQ(unit->outcome.validity, "1");
    EXPECT_EQ(unit->outcome.code, "ONSHI2005");
    EXPECT_EQ(unit->outcome.message, told(by_card, LastVisitUse::marked)->outcome.message);
}

TEST_F(NumberVisitsTest, what_does_not_hold_or_cannot_be_read_is_not_told) {
    EXPECT_FALSE(told(by_card, LastVisitUse::none));
    EXPECT_FALSE(told(by_card, LastVisitUse::answered, "20270101"));
    EXPECT_FALSE(told("nothing", LastVisitUse::answered));
    EXPECT_FALSE(told("{}", LastVisitUse::answered));
}

TEST_F(NumberVisitsTest, the_words_of_the_setting_are_known) {
    EXPECT_EQ(parse_last_visit_use("none"), LastVisitUse::none);
    EXPECT_EQ(parse_last_visit_use("marked"), LastVisitUse::marked);
    EXPECT_EQ(parse_last_visit_use("answered"), LastVisitUse::answered);
    EXPECT_FALSE(parse_last_visit_use("perhaps"));
}

TEST_F(NumberVisitsTest, a_later_answer_is_compared_without_a_limit_that_one_of_them_did_not_tell) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(differences_by_number(by_card, by_card), Names());
    EXPECT_EQ(differences_by_number(by_card, changed(R"("copay_percent": 30)", R"("copay_percent": 20)")),
              Names{"copay_percent"});
    EXPECT_EQ(differences_by_number(by_card, changed(R"("limit_category": "ウ", )", "")), Names());
    EXPECT_EQ(differences_by_number(by_card, changed(R"("limit_category": "ウ")", R"("limit_category": "エ")")),
              Names{"limit_category"});
    EXPECT_EQ(differences_by_number(by_card, R"({"result": {"code": 2, "name": "invalid"}})"), Names{"result"});
    EXPECT_EQ(differences_by_number(by_card, "nothing"), Names{"result"});
}

}  // namespace
}  // namespace onshi::terminal
