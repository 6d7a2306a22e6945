#include "terminal/answer_units.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "base/date.h"
#include "exchange/oqs/limits.h"

namespace onshi::terminal {
namespace {

using oqs::Unit;

constexpr std::string_view valid_answer = R"({
  "care_day": "2026-11-23", "answered_at": "2026-11-23T00:00:02.000000Z",
  "result": {"code": 1, "name": "valid"}, "notes": [], "next": [],
  "person": {"person_ref": "x", "name": "髙橋 美咲", "kana": "タカハシ　ミサキ", "birth_date": "1985-04-12", "age": 41, "sex": 2},
  "coverage": {"insurer": {"number": "138057", "name": "架空区"}, "symbol": "12", "number": "3456", "branch": "01",
    "relation": "insured", "acquired_on": "2024-04-01", "certificate_kind": 1, "copay_percent": 30,
    "copay_state": "present", "limit_category": "A03", "limit_category_state": "present", "insurer_file_of": "2026-11-22"}
})";

// With the certificate of the limit as the hub tells it.
const std::string with_certificate = [] {
    std::string text(valid_answer);
    const std::string_view from = R"("limit_category": "A03", "limit_category_state": "present")";
    return text.replace(text.find(from), from.size(),
                        R"("limit_category": "A05", "limit_category_state": "present", "limit_certificate": {"kind": 2,
        "issued_on": "2026-08-01", "valid_from": "2026-08-01", "valid_to": "2027-07-31", "long_term_on": "2026-10-01"})");
}();

class AnswerUnitsTest : public testing::Test {
  protected:
    Unit unit(std::string_view answer, std::string_view consent = "0") {
        const auto view = JsonView::parse(answer);
        EXPECT_TRUE(view);
        return unit_of_answer(view->root(), consent, {profile_, reference_, "20261123090002"});
    }
    static std::string changed(std::string_view from, std::string_view to) {
        std::string text(valid_answer);
        const auto at = text.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        return text.replace(at, from.size(), to);
    }
    oqs::Profile profile_;
    FindReference reference_ = [](const oqs::PersonRecord&) { return std::string(); };
};

// domain-rules §6.2, F7: who is not known may be insured all the same while insurers' files are late.
TEST_F(AnswerUnitsTest, whoever_is_not_covered_is_told_of_late_answers_and_nobody_else) {
    const auto late = [&](std::string_view answer) {
        const auto view = JsonView::parse(answer);
        EXPECT_TRUE(view);
        return unit_of_answer(view->root(), "0", {profile_, reference_, "20261123090002", true}).outcome.code;
    };
    EXPECT_EQ(late(R"({"result": {"code": 4, "name": "none", "cause": "cause.no_match"}})"), "ONSHI2004");
    EXPECT_EQ(late(R"({"result": {"code": 2, "name": "invalid", "cause": "cause.lapsed"}})"), "ONSHI2004");
    EXPECT_EQ(late(R"({"result": {"code": 5, "name": "several", "cause": "cause.ambiguous"}})"), "ONSHI1004");
    EXPECT_EQ(late(valid_answer), "");
}

TEST_F(AnswerUnitsTest, a_valid_answer_has_everything_that_clients_insist_on) {
    const Unit got = unit(valid_answer);
    EXPECT_EQ(got.outcome, (oqs::Outcome{"1", "", "", "1"}));
    ASSERT_EQ(got.records.size(), 1U);
    const auto& record = got.records[0];
    EXPECT_EQ(record.card_classification, "01");
    EXPECT_EQ(record.insurer_number, "  138057");
    EXPECT_EQ(record.symbol, "12");
    EXPECT_EQ(record.number, "3456");
    EXPECT_EQ(record.branch, "01");
    EXPECT_EQ(record.relation, "1");
    EXPECT_EQ(record.insured_name, "髙橋　美咲");
    EXPECT_EQ(record.name, "髙橋　美咲");
    EXPECT_EQ(record.kana, "ﾀｶﾊｼ ﾐｻｷ");
    EXPECT_EQ(record.sex_1, "2");
    EXPECT_EQ(record.birth_date, "19850412");
    EXPECT_EQ(record.acquired_on, "20240401");
    EXPECT_EQ(record.valid_from, "20240401");
    EXPECT_EQ(record.valid_to, "");
    EXPECT_EQ(record.insurer_name, "架空区");
    EXPECT_EQ(record.copay_ratio, "");
    EXPECT_EQ(record.elderly.ratio, "");
    EXPECT_EQ(record.preschool, "");
    EXPECT_EQ(record.limit_consent.flag, "0");
    EXPECT_EQ(record.limit.category, "");
}

TEST_F(AnswerUnitsTest, the_limit_is_given_with_consent_only) {
    const Unit got = unit(with_certificate, "1");
    const auto& record = got.records.at(0);
    EXPECT_EQ(record.limit_consent, (oqs::ConsentFields{"1", "20261123090002", ""}));
    EXPECT_EQ(record.limit, (oqs::LimitCertificate{"02", "A05", "20260801", "20260801", "20270731", "20261001"}));
    EXPECT_EQ(unit(with_certificate, "0").records.at(0).limit, oqs::LimitCertificate());
    // Of a certificate the hub may know the kind only, and without a certificate the category alone is a limit.
    EXPECT_EQ(unit(valid_answer, "1").records.at(0).limit, (oqs::LimitCertificate{"01", "A03", "", "", "", ""}));
}

TEST_F(AnswerUnitsTest, a_limit_that_the_hub_keeps_back_is_not_agreed_to) {
    const std::string kept_back = changed(R"("limit_category": "A03", "limit_category_state": "present")",
                                          R"("limit_category_state": "not_shown")");
    const Unit got = unit(kept_back, "1");
    EXPECT_EQ(got.records.at(0).limit_consent, (oqs::ConsentFields{"0", "", ""}));
    EXPECT_EQ(got.records.at(0).limit, oqs::LimitCertificate());
    EXPECT_EQ(got.outcome.code, "");
}

// The same empty block: one is a fault of the record, which the clerk hears of, the other is as it should be.
TEST_F(AnswerUnitsTest, a_blank_limit_is_told_apart_from_one_that_does_not_exist) {
    std::string blank =
        changed(R"("limit_category": "A03", "limit_category_state": "present")", R"("limit_category_state": "blank")");
    const std::string_view from = R"("notes": [])";
    blank.replace(blank.find(from), from.size(), R"("notes": [{"code": "note.limit_blank"}])");
    const Unit told = unit(blank, "1");
    EXPECT_EQ(told.records.at(0).limit_consent.flag, "1");
    EXPECT_EQ(told.records.at(0).limit, oqs::LimitCertificate());
    EXPECT_EQ(told.outcome.code, "ONSHI2002");
    EXPECT_NE(told.outcome.message, "");
    const Unit none = unit(changed(R"("limit_category": "A03", "limit_category_state": "present")",
                                   R"("limit_category_state": "not_applicable")"),
                           "1");
    EXPECT_EQ(none.records.at(0).limit_consent.flag, "1");
    EXPECT_EQ(none.outcome, (oqs::Outcome{"1", "", "", "1"}));
}

TEST_F(AnswerUnitsTest, limit_and_diseases_stand_in_the_file_as_clients_read_them) {
    const auto answer = JsonView::parse(with_certificate);
    const auto recorded = JsonView::parse(R"({"schema": "onshi.consents/1", "specific_diseases": [
      {"disease": 1, "issued_on": "2026-04-01", "valid_from": "2026-04-01", "self_pay": 10000},
      {"disease": 3, "issued_on": "2025-04-01", "valid_from": "2025-04-01", "valid_to": "2027-03-31", "self_pay": 10000}]})");
    ASSERT_TRUE(answer && recorded);
    oqs::ResultMessage result;
    result.header.executed_at = "20261123090002";
    result.header.confirmation_date = "20261123";
    result.header.institution_code = "1319999999";
    result.header.reference_classification = "1";
    result.header.segment = "1";
    result.header.character_code = "0";
    result.units.push_back(unit_of_answer(answer->root(), "1", {profile_, reference_, "20261123090002"}));
    result.units[0].records.at(0).disease_consent = {"1", "20261123090002", ""};
    take_consented(result.units[0].records[0], recorded->root(), "20261123090002");
    const auto written = oqs::write_document(oqs::result_element(oqs::Layout::eligibility, result), oqs::Encoding::utf8,
                                             oqs::ElementOrder::documented);
    ASSERT_TRUE(written);
    std::ifstream golden(ONSHI_SOURCE_DIR "/tests/vectors/oqs/OQSsiquc01res_limit_and_diseases.xml", std::ios::binary);
    EXPECT_EQ(written->bytes, std::string(std::istreambuf_iterator<char>(golden), {}));
}

TEST_F(AnswerUnitsTest, a_limit_that_was_kept_back_comes_with_its_consent) {
    const auto recorded = JsonView::parse(R"({"limit_category": "A03", "limit_category_state": "present",
      "limit_certificate": {"kind": 1, "valid_from": "2026-08-01"}})");
    oqs::PersonRecord record;
    record.limit_consent.flag = "0";
    take_consented(record, recorded->root(), "20261123090002");
    EXPECT_EQ(record.limit_consent, (oqs::ConsentFields{"1", "20261123090002", ""}));
    EXPECT_EQ(record.limit, (oqs::LimitCertificate{"01", "A03", "", "20260801", "", ""}));
    const auto nothing = JsonView::parse("{}");
    oqs::PersonRecord untouched;
    take_consented(untouched, nothing->root(), "20261123090002");
    EXPECT_EQ(untouched, oqs::PersonRecord());
}

TEST_F(AnswerUnitsTest, ages_decide_what_is_said_of_the_ratio) {
    EXPECT_EQ(unit(changed("1985-04-12", "2021-04-01")).records.at(0).preschool, "1");
    EXPECT_EQ(unit(changed("1985-04-12", "2020-04-01")).records.at(0).preschool, "");
    const auto seventy = unit(changed("1985-04-12", "1955-04-12"));
    EXPECT_EQ(seventy.records.at(0).elderly.ratio, "030");
    EXPECT_EQ(seventy.records.at(0).copay_ratio, "");
    const auto late = unit(changed(R"("number": "138057")", R"("number": "39131156")"));
    EXPECT_EQ(late.records.at(0).copay_ratio, "030");
    EXPECT_EQ(late.records.at(0).relation, "");
}

TEST_F(AnswerUnitsTest, what_has_no_person_has_no_record_and_says_why) {
    const Unit got =
        unit(R"({"care_day": "2026-11-23", "result": {"code": 4, "name": "none", "cause": "cause.no_match"},
        "notes": [], "next": []})");
    EXPECT_TRUE(got.records.empty());
    EXPECT_EQ(got.outcome.status, "1");
    EXPECT_EQ(got.outcome.validity, "4");
    EXPECT_EQ(got.outcome.code, "ONSHI1003");
    EXPECT_NE(got.outcome.message, "");
}

TEST_F(AnswerUnitsTest, a_withheld_record_is_not_shown) {
    const Unit got =
        unit(R"({"care_day": "2026-11-23", "result": {"code": 4, "name": "none", "cause": "cause.withheld"},
        "notes": [], "next": [], "coverage": {"insurer": {"number": "138057", "name": "架空区"}}})");
    EXPECT_TRUE(got.records.empty());
    EXPECT_EQ(got.outcome.validity, "4");
}

TEST_F(AnswerUnitsTest, a_lapsed_record_carries_its_end) {
    std::string text = changed(R"("result": {"code": 1, "name": "valid"})",
                               R"("result": {"code": 2, "name": "invalid", "cause": "cause.lapsed"})");
    const std::string_view from = R"("certificate_kind")";
    text.insert(text.find(from), R"("valid_to": "2026-08-31", "lost_on": "2026-09-01", "loss_reason": 3, )");
    const Unit got = unit(text);
    EXPECT_EQ(got.outcome.validity, "2");
    EXPECT_EQ(got.records.at(0).valid_to, "20260831");
    EXPECT_EQ(got.records.at(0).lost_on, "20260901");
    EXPECT_EQ(got.records.at(0).loss_reason, "03");
}

TEST_F(AnswerUnitsTest, a_bulk_unit_says_that_the_limit_may_have_changed_and_not_what_it_is) {
    reference_ = [](const oqs::PersonRecord& record) { return record.number == "3456" ? "42" : ""; };
    const auto view = JsonView::parse(valid_answer);
    const Unit got = bulk_unit_of_answer(view->root(), {profile_, reference_, ""});
    EXPECT_EQ(got.records.at(0).limit_changed, "1");
    EXPECT_EQ(got.records.at(0).limit.category, "");
    EXPECT_EQ(got.records.at(0).limit_consent.flag, "");
    EXPECT_EQ(got.reference_number, "42");
    EXPECT_EQ(got.records.at(0).reference_number, "");
    EXPECT_EQ(unit(valid_answer).records.at(0).reference_number, "42");
    // What is not to be told may have changed; what does not exist has not.
    for (const auto& [state, told] :
         {std::pair("not_shown", "1"), std::pair("blank", "1"), std::pair("not_applicable", "")}) {
        const auto other = JsonView::parse(changed(R"("limit_category": "A03", "limit_category_state": "present")",
                                                   R"("limit_category_state": ")" + std::string(state) + '"'));
        const Unit listed = bulk_unit_of_answer(other->root(), {profile_, reference_, ""});
        EXPECT_EQ(listed.records.at(0).limit_changed, told) << state;
    }
}

TEST_F(AnswerUnitsTest, failures_have_a_code_and_a_sentence_that_fits) {
    for (const auto code : {ErrorCode::peer_unavailable, ErrorCode::number_check_digit, ErrorCode::check_misses}) {
        const Unit got = unit_of_failure(code, profile_);
        EXPECT_EQ(got.outcome.status, "2");
        EXPECT_TRUE(got.outcome.code.starts_with("ONSHI"));
        EXPECT_NE(got.outcome.message, "");
        EXPECT_EQ(got.outcome.message, oqs::fit_message(got.outcome.message));
    }
}

TEST(Moments, are_those_of_japan) {
    EXPECT_EQ(local_digits(start_of_japan_day(Date::of(2026, 11, 23))), "20261123000000");
    EXPECT_EQ(local_digits(start_of_japan_day(Date::of(2026, 11, 23)) + std::chrono::seconds(86'399)),
              "20261123235959");
    EXPECT_EQ(compact_day("2026-11-23"), "20261123");
    EXPECT_EQ(compact_day(""), "");
}

}  // namespace
}  // namespace onshi::terminal
