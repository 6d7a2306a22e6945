#include "terminal/list_terms.h"

#include <gtest/gtest.h>

namespace onshi::terminal {
namespace {

using oqs::Message;
using oqs::SearchTerms;

std::optional<ErrorCode> why(Message message, SearchTerms terms) {
    oqs::Request request;
    request.message = message;
    request.persons.push_back({std::move(terms), {}});
    return wrong_list_terms(request);
}

SearchTerms month(std::string text) {
    SearchTerms terms;
    terms.treatment_month = std::move(text);
    return terms;
}

SearchTerms consents(std::string from, std::string to, std::string flag = {}) {
    SearchTerms terms;
    terms.consent_from = std::move(from);
    terms.consent_to = std::move(to);
    terms.treatment_flag = std::move(flag);
    return terms;
}

SearchTerms examinations(std::string from, std::string to) {
    SearchTerms terms;
    terms.examination_from = std::move(from);
    terms.examination_to = std::move(to);
    terms.treatment_flag = "3";
    return terms;
}

TEST(ListTerms, entrusted_persons_are_asked_for_by_a_month) {
    const auto asked = Message::entrusted_upload;
    EXPECT_FALSE(why(asked, month("202610")));
    EXPECT_EQ(why(asked, month("")), ErrorCode::field_missing);
    EXPECT_EQ(why(asked, month("202613")), ErrorCode::date_no_such_day);
    EXPECT_EQ(why(asked, month("2026")), ErrorCode::date_format);
    EXPECT_EQ(why(asked, month("20261001")), ErrorCode::date_format);
}

TEST(ListTerms, visits_are_asked_for_by_a_period_of_consents) {
    const auto asked = Message::home_visit_consents_upload;
    EXPECT_FALSE(why(asked, consents("20260901", "20261001", "2")));
    EXPECT_FALSE(why(asked, consents("20261001", "20261001"))) << "one day is a period";
    EXPECT_EQ(why(asked, consents("20261002", "20261001")), ErrorCode::field_value);
    EXPECT_EQ(why(asked, consents("20261001", "")), ErrorCode::field_missing);
    EXPECT_EQ(why(asked, consents("", "20261001")), ErrorCode::field_missing);
    EXPECT_EQ(why(asked, consents("20260931", "20261001")), ErrorCode::date_no_such_day);
    EXPECT_EQ(why(asked, consents("20260901", "2026/10/01")), ErrorCode::date_format);
    EXPECT_EQ(why(asked, consents("20260901", "20261001", "3")), ErrorCode::field_value);
    EXPECT_EQ(why(asked, examinations("20260901", "20261001")), ErrorCode::field_value);
}

TEST(ListTerms, online_care_is_asked_for_by_consents_or_examinations_and_not_by_both) {
    const auto asked = Message::online_care_consents_upload;
    EXPECT_FALSE(why(asked, examinations("20261001", "20261003")));
    EXPECT_FALSE(why(asked, consents("20261001", "20261003", "3")));
    EXPECT_EQ(why(asked, consents("20261001", "20261003", "2")), ErrorCode::field_value);
    SearchTerms both = examinations("20261001", "20261003");
    both.consent_from = "20261001";
    EXPECT_EQ(why(asked, both), ErrorCode::field_value);
    EXPECT_EQ(why(asked, SearchTerms()), ErrorCode::field_missing);
    EXPECT_EQ(why(asked, examinations("20261003", "20261001")), ErrorCode::field_value);
}

TEST(ListTerms, other_messages_have_other_terms) {
    for (const auto message : {Message::eligibility, Message::bulk_eligibility_upload, Message::bulk_reference_upload,
                               Message::entrusted_download, Message::online_care_consents_download}) {
        EXPECT_FALSE(asks_for_unkept_list(message));
        EXPECT_FALSE(why(message, SearchTerms()));
    }
    EXPECT_TRUE(asks_for_unkept_list(Message::entrusted_upload));
}

}  // namespace
}  // namespace onshi::terminal
