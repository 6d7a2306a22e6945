#include "terminal/card_messages.h"

#include <array>

#include <gtest/gtest.h>

#include "terminal/hub_link.h"

namespace onshi::terminal {
namespace {

using kiosk::CheckResult;
using kiosk::Code;

kiosk::Input input_of(std::string_view answer) {
    auto view = JsonView::parse(answer);
    EXPECT_TRUE(view);
    return checked_input(view->root());
}

std::vector<std::string> difference_of(std::string_view told, std::string_view later) {
    auto before = JsonView::parse(told);
    auto after = JsonView::parse(later);
    EXPECT_TRUE(before && after);
    return differences(before->root(), after->root());
}

TEST(card_messages, a_valid_answer_offers_medical_data_only_where_the_hub_does) {
    const auto offered =
        input_of(R"({"result":{"name":"valid"},"medical_data":{"available":true},"person":{"age":40},"notes":[]})");
    EXPECT_EQ(offered.event, kiosk::Event::checked);
    EXPECT_EQ(offered.result, CheckResult::ok);
    EXPECT_TRUE(offered.medical_data);
    EXPECT_TRUE(offered.forty_or_older);
    const auto closed =
        input_of(R"({"result":{"name":"valid"},"medical_data":{"available":false},"person":{"age":39}})");
    EXPECT_FALSE(closed.medical_data);
    EXPECT_FALSE(closed.forty_or_older);
    EXPECT_FALSE(input_of(R"({"result":{"name":"valid"}})").medical_data) << "what is not said is not offered";
}

TEST(card_messages, notes_about_the_certificate_are_screens_of_their_own) {
    EXPECT_EQ(input_of(R"({"result":{"name":"valid"},"notes":[{"code":"note.certificate_grace"}]})").result,
              CheckResult::grace);
    EXPECT_EQ(input_of(R"({"result":{"name":"valid"},"notes":[{"code":"note.certificate_expires_soon"}]})").result,
              CheckResult::expires_soon);
}

TEST(card_messages, registration_is_asked_for_only_where_it_helps) {
    EXPECT_EQ(input_of(R"({"result":{"name":"none","cause":"cause.card_not_registered"},
                           "next":[{"code":"next.register_card"}]})")
                  .result,
              CheckResult::not_registered);
    const auto refused = input_of(R"({"result":{"name":"none","cause":"cause.card_not_registered"},"next":[]})");
    EXPECT_EQ(refused.result, CheckResult::not_valid);
    EXPECT_EQ(refused.code, Code::not_registered);
}

TEST(card_messages, what_is_not_valid_goes_to_the_desk_with_its_code) {
    struct Row {
        const char* cause;
        Code code;
    };
    constexpr std::array rows{Row{"cause.lapsed", Code::lapsed}, Row{"cause.newer_coverage", Code::lapsed},
                              Row{"cause.withheld", Code::suspended_record},
                              Row{"cause.unregistered", Code::nothing_known}, Row{"", Code::nothing_known}};
    for (const auto& row : rows) {
        const auto input = input_of(std::string(R"({"result":{"name":"invalid","cause":")") + row.cause + R"("}})");
        EXPECT_EQ(input.result, CheckResult::not_valid) << row.cause;
        EXPECT_EQ(input.code, row.code) << row.cause;
    }
}

TEST(card_messages, every_refusal_means_something_or_that_the_hub_is_away) {
    for (std::size_t i = 0; i < error_code_count; ++i) {
        const auto code = static_cast<ErrorCode>(i);
        const auto input = refused_input(code);
        EXPECT_EQ(input.has_value(), !means_away(code)) << error_name(code);
        if (input) EXPECT_EQ(input->event, kiosk::Event::checked) << error_name(code);
    }
    EXPECT_EQ(refused_input(ErrorCode::card_suspended)->result, CheckResult::certificate_dead);
    EXPECT_EQ(refused_input(ErrorCode::account_visual_budget)->code, Code::visual_refused);
}

TEST(card_messages, each_item_of_the_kiosk_has_its_names_at_the_hub) {
    using consent::Choice;
    kiosk::Session session;
    session.offered = {kiosk::Item::care_and_medicine, kiosk::Item::surgery};
    session.choices.agreed[static_cast<std::size_t>(kiosk::Item::care_and_medicine)] = true;
    EXPECT_EQ(choices_of(session), (std::vector<consent::ItemChoice>{{consent::Item::medicines, Choice::agreed},
                                                                     {consent::Item::visits, Choice::agreed},
                                                                     {consent::Item::surgery, Choice::refused}}));
    session.offered.clear();
    session.specified = true;
    EXPECT_EQ(choices_of(session),
              (std::vector<consent::ItemChoice>{{consent::Item::specific_disease, Choice::refused}}))
        << "who was asked and said no has refused";
}

TEST(card_messages, certificates_to_ask_about_are_those_of_the_answer) {
    const auto answer = JsonView::parse(R"({"result":{"name":"valid"},"specific_disease_certificate":true,
        "subsidies":{"state":"known","offered":[{"offer":1,"name":"a"},{"offer":2,"name":"b"}]}})");
    ASSERT_TRUE(answer);
    EXPECT_TRUE(checked_input(answer->root()).specified_certificate);
    EXPECT_EQ(checked_input(answer->root()).programmes, (std::vector<std::string>{"a", "b"}));
    const auto none = JsonView::parse(R"({"result":{"name":"valid"}})");
    EXPECT_FALSE(checked_input(none->root()).specified_certificate);
    EXPECT_TRUE(checked_input(none->root()).programmes.empty());
}

TEST(card_messages, only_what_the_counter_could_go_by_can_differ) {
    const std::string told = R"({"result":{"name":"valid"},"coverage":{"insurer":{"number":"06139463"},"symbol":"12",
                                 "number":"3456","copay_percent":30,"limit_category":"ウ"}})";
    EXPECT_TRUE(difference_of(told, told).empty());
    EXPECT_EQ(difference_of(told, R"({"result":{"name":"invalid"}})"), std::vector<std::string>{"result"});
    EXPECT_EQ(
        difference_of(told, R"({"result":{"name":"valid"},"coverage":{"insurer":{"number":"01130012"},"symbol":"12",
                                      "number":"9","copay_percent":20,"limit_category":"ウ"}})"),
        (std::vector<std::string>{"insurer", "number", "copay_percent"}));
    EXPECT_TRUE(difference_of("{}", told).empty()) << "a declaration is no answer that could differ";
}

TEST(card_messages, challenges_are_read_and_their_absence_is_a_failure) {
    const auto read = read_challenges(R"({"challenges":[{"challenge":"a"},{"challenge":""},{"challenge":"b"}]})");
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(read_challenges(R"({"challenges":[]})").error().code, ErrorCode::peer_protocol);
    EXPECT_EQ(read_challenges("[]").error().code, ErrorCode::peer_protocol);
}

}  // namespace
}  // namespace onshi::terminal
