// What a check's answer says that stands in no record: the month of the 75th birthday.
#include "exchange/api/checks.h"

#include <gtest/gtest.h>

namespace onshi::api {
namespace {

struct Case {
    Date birth;
    const char* insurer;
    Date acquired_on;
    bool valid;
    bool half;
};

std::string answer_of(const Case& each) {
    eligibility::Answer answer;
    SeededRandom random(1);
    answer.check_id = CheckId::make(random);
    answer.care_day = Date::of(2026, 11, 23);
    answer.person = identity::Person{.key = PersonKey(7),
                                     .name = "架空 花子",
                                     .kana = "カクウ ハナコ",
                                     .birth = each.birth,
                                     .sex = Sex::female,
                                     .address = {},
                                     .protection = {}};
    answer.verdict.result = each.valid ? eligibility::ResultCode::valid : eligibility::ResultCode::none;
    answer.verdict.coverage = coverage::Coverage{.key = CoverageKey(1),
                                                 .insurer = InsurerNumber::parse(each.insurer).value(),
                                                 .symbol = {},
                                                 .number = "1234",
                                                 .branch = {},
                                                 .acquired_on = each.acquired_on,
                                                 .copay_percent = 20,
                                                 .limit_category = "B04",
                                                 .file_day = answer.care_day};
    const organisations::Terminal terminal;
    const organisations::InsurerTable insurers({});
    const AnswerContext context{
        .terminal = terminal, .insurers = insurers, .receipt_key = 99, .person_ref = "r", .next_challenge = nullptr};
    return write_answer({.answer = answer, .position = {.lane = 0, .sequence = 1}}, context);
}

TEST(api_checks, the_month_of_the_75th_birthday_is_marked) {
    const Date before = Date::of(2020, 4, 1);
    const Date birth = Date::of(1951, 11, 15);
    const Case cases[] = {
        {birth, "06139463", before, true, true},                    // the old insurer
        {birth, "39130000", Date::of(2026, 11, 15), true, true},    // the late-elderly scheme from the birthday on
        {birth, "39130000", before, true, false},                   // late-elderly before: no insurer changes
        {Date::of(1951, 11, 1), "06139463", before, true, false},   // on the first: no halving
        {Date::of(1951, 12, 15), "06139463", before, true, false},  // next month
        {birth, "06139463", before, false, false},                  // not eligible
    };
    for (const auto& each : cases) {
        EXPECT_EQ(answer_of(each).find("\"half_limit\":true") != std::string::npos, each.half) << &each - cases;
    }
}

}  // namespace
}  // namespace onshi::api
