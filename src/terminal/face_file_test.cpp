#include "terminal/face_file.h"

#include <regex>

#include <gtest/gtest.h>

#include "base/date.h"

namespace onshi::terminal {
namespace {

constexpr std::string_view answer = R"({
  "care_day": "2026-11-23", "facility": {"code": "1319999999", "name": "x", "terminal": "T1"},
  "result": {"code": 1, "name": "valid"}, "notes": [], "next": [],
  "person": {"name": "髙橋 美咲", "kana": "タカハシ ミサキ", "birth_date": "1985-04-12", "sex": 2, "address": "東京都架空区１－２"},
  "coverage": {"insurer": {"number": "06139463", "name": "架空健康保険組合"}, "number": "3456", "relation": "dependant",
    "acquired_on": "2024-04-01", "limit_category": "A03"}
})";

TEST(FaceFile, has_the_real_files_name_and_form) {
    SeededRandom random(1);
    const oqs::Profile profile;
    const FindReference nobody = [](const oqs::PersonRecord&) { return std::string(); };
    const Instant at = start_of_japan_day(Date::of(2026, 11, 23)) + std::chrono::hours(9);
    const auto view = JsonView::parse(answer);
    ASSERT_TRUE(view);
    FaceConsents consents;
    consents.medicines = true;
    const auto file = make_face_file(view->root(), consents, {}, at, {profile, nobody, local_digits(at)}, random);
    ASSERT_TRUE(file);
    EXPECT_TRUE(
        std::regex_match(file->name, std::regex("OQSsiquc01res_face_1319999999[0-9a-f]{20}_20261123090000\\.xml")))
        << file->name;
    const auto document = oqs::read_document(file->bytes);
    ASSERT_TRUE(document);
    const auto result = oqs::read_result(oqs::Layout::eligibility, document->root);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->header.reference_classification, "1");
    EXPECT_EQ(result->header.file_identifier.size(), 16U);
    EXPECT_EQ(result->header.confirmation_date, "20261123");
    ASSERT_EQ(result->units.size(), 1U);
    EXPECT_FALSE(result->units[0].echo);
    ASSERT_EQ(result->units[0].records.size(), 1U);
    const auto& record = result->units[0].records[0];
    EXPECT_EQ(record.address, "東京都架空区１－２");
    EXPECT_EQ(record.limit.category, "A03");
    EXPECT_EQ(record.limit_consent, (oqs::ConsentFields{"1", "20261123090000", ""}));
    EXPECT_EQ(record.medicines, (oqs::ConsentFields{"1", "20261123090000", "20261124090000"}));
    EXPECT_EQ(record.checkups, (oqs::ConsentFields{"0", "", ""}));
    EXPECT_EQ(record.disease_consent, (oqs::ConsentFields{"0", "", ""}));
    EXPECT_TRUE(record.diseases.empty());
    const auto another = make_face_file(view->root(), consents, {}, at, {profile, nobody, ""}, random);
    EXPECT_NE(another->name, file->name) << "never the same name twice";
}

TEST(FaceFile, has_the_diseases_that_were_agreed_to) {
    SeededRandom random(1);
    const oqs::Profile profile;
    const FindReference nobody = [](const oqs::PersonRecord&) { return std::string(); };
    const Instant at = start_of_japan_day(Date::of(2026, 11, 23)) + std::chrono::hours(9);
    const auto view = JsonView::parse(answer);
    const auto recorded = JsonView::parse(R"({"specific_diseases": [
      {"disease": 2, "issued_on": "2026-04-01", "valid_from": "2026-04-01", "self_pay": 10000}]})");
    ASSERT_TRUE(view && recorded);
    FaceConsents consents;
    consents.specified_disease = true;
    const AnswerStyle style{profile, nobody, local_digits(at)};
    const auto file = make_face_file(view->root(), consents, recorded->root(), at, style, random);
    ASSERT_TRUE(file);
    const auto document = oqs::read_document(file->bytes);
    ASSERT_TRUE(document);
    const auto result = oqs::read_result(oqs::Layout::eligibility, document->root);
    ASSERT_TRUE(result);
    const auto& record = result->units.at(0).records.at(0);
    EXPECT_EQ(record.disease_consent, (oqs::ConsentFields{"1", "20261123090000", ""}));
    ASSERT_EQ(record.diseases.size(), 1U);
    EXPECT_EQ(record.diseases[0], (oqs::DiseaseCertificate{"2", "20260401", "20260401", "", "10000"}));
}

}  // namespace
}  // namespace onshi::terminal
