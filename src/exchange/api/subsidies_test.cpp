// What a posting's answer says of the year.
#include "exchange/api/subsidies.h"

#include <gtest/gtest.h>

#include "platform/text_formats/json_view.h"

namespace onshi::api {
namespace {

using payments::Yen;

eligibility::PaymentPosted posted(Yen refund, Yen refund_at_most) {
    eligibility::PaymentPosted told;
    told.collect = Yen(1'000);
    told.year.from = Date::of(2026, 8, 1);
    told.year.all = {.paid = Yen(540'000),
                     .ceiling = Yen(530'000),
                     .lowest_ceiling = Yen(410'000),
                     .refund = refund,
                     .refund_at_most = refund_at_most};
    return told;
}

std::string year_of(const eligibility::PaymentPosted& told) {
    SeededRandom random(1);
    const std::string body = write_payment(CheckId::make(random), told, 99);
    const auto from = body.find("\"year\":");
    return body.substr(from, body.find('}', body.find("sentences", from)) - from);
}

TEST(api_payments, a_ceiling_that_is_passed_is_told_with_whom_to_ask) {
    const std::string year = year_of(posted(Yen(10'000), Yen(130'000)));
    EXPECT_NE(year.find("\"ceiling\":530000,\"lowest_ceiling\":410000,\"refund\":10000,\"refund_at_most\":130000"),
              std::string::npos)
        << year;
    EXPECT_NE(year.find("年間の上限額530,000円を超える見込みです。保険者に申請"), std::string::npos) << year;
}

TEST(api_payments, one_that_may_be_passed_is_told_as_such) {
    const std::string year = year_of(posted(Yen(0), Yen(130'000)));
    EXPECT_NE(year.find("年間の上限額410,000円を超えた可能性があります"), std::string::npos) << year;
    EXPECT_NE(year.find("may pass the annual ceiling of 410,000 yen"), std::string::npos) << year;
}

TEST(api_payments, one_that_is_not_passed_has_no_sentence) {
    SeededRandom random(1);
    const std::string body = write_payment(CheckId::make(random), posted(Yen(0), Yen(0)), 99);
    EXPECT_EQ(body.find("sentences"), std::string::npos) << body;
    EXPECT_EQ(body.find("outpatient_year"), std::string::npos) << body;
    EXPECT_TRUE(JsonView::parse(body)) << body;
}

}  // namespace
}  // namespace onshi::api
