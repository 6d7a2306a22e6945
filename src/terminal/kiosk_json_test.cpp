#include "terminal/kiosk_json.h"

#include <gtest/gtest.h>

namespace onshi::terminal::kiosk {
namespace {

ErrorCode code_of(const Result<PageEvent>& result) {
    return result ? ErrorCode::internal_unexpected : result.error().code;
}

TEST(KioskJson, a_state_is_one_screen) {
    Machine machine{Settings()};
    Input ready;
    ready.event = Event::ready;
    machine.apply(ready, Moment(0));
    EXPECT_EQ(state_message(machine, Moment(0)),
              R"({"rev":1,"state":"IDLE","screen":"K-01","params":{},"allow":["lang","mode","help"],"lang":"ja",)"
              R"("modes":{"voice":false,"big":false,"low":false,"slow":false}})");
}

TEST(KioskJson, a_desk_that_serves_otherwise_says_so_to_the_staff) {
    const Machine machine{Settings()};
    EXPECT_EQ(state_message(machine, Moment(0)).find("desk"), std::string::npos);
    EXPECT_NE(state_message(machine, Moment(0), "without_hub").find(R"("desk":"without_hub")"), std::string::npos);
}

TEST(KioskJson, staff_see_whether_an_unanswered_visit_is_kept) {
    for (const bool kept : {true, false}) {
        Machine machine{Settings()};
        for (const auto* line : {R"({"event":"ready"})", R"({"event":"card.in"})", R"({"event":"read.ok"})",
                                 R"({"event":"pin"})", R"({"event":"pin.ok"})"}) {
            const auto read = parse_script_line(line);
            ASSERT_TRUE(read) << line;
            machine.apply(read->input, Moment(0));
        }
        const auto away =
            parse_script_line(kept ? R"({"event":"unreachable","kept":true})" : R"({"event":"unreachable"})");
        ASSERT_TRUE(away);
        machine.apply(away->input, Moment(0));
        const std::string message = state_message(machine, Moment(0));
        EXPECT_NE(message.find(R"("code":"K-E020")"), std::string::npos) << message;
        EXPECT_EQ(message.find(R"("kept":true)") != std::string::npos, kept) << message;
    }
}

TEST(KioskJson, events_of_a_page_are_read) {
    const auto slow = parse_page_event(R"({"rev":42,"event":"mode","mode":"slow"})");
    ASSERT_TRUE(slow);
    EXPECT_EQ(slow->revision, 42U);
    EXPECT_EQ(slow->input.event, Event::mode);
    EXPECT_EQ(slow->input.mode, Mode::slow);
    const auto picked =
        parse_page_event(R"({"rev":1,"event":"next","picked":[{"item":"surgery"},{"item":"checkups"}]})");
    ASSERT_TRUE(picked);
    EXPECT_EQ(picked->input.picked, (std::vector<Item>{Item::surgery, Item::checkups}));
    EXPECT_TRUE(parse_page_event(R"({"rev":1,"event":"next"})"));
    EXPECT_EQ(parse_page_event(R"({"rev":1,"event":"lang","language":"easy"})")->input.language, Language::easy);
}

TEST(KioskJson, a_page_cannot_play_card_hub_or_staff_and_cannot_send_a_pin_here) {
    for (const auto* body :
         {R"({"rev":1,"event":"pin.ok"})", R"({"rev":1,"event":"card.in"})", R"({"rev":1,"event":"checked"})",
          R"({"rev":1,"event":"help.release"})", R"({"rev":1,"event":"tick"})",
          R"({"rev":1,"event":"pin.submit","pin":"1234"})", R"({"rev":1,"event":"visual.submit","password_ok":true})",
          R"({"rev":-1,"event":"face"})", R"({"event":"face"})", R"({"rev":1,"event":"mode","mode":"x"})",
          R"({"rev":1,"event":"lang","language":"xx"})",
          R"({"rev":1,"event":"next","picked":[{"item":"everything"}]})"}) {
        EXPECT_EQ(code_of(parse_page_event(body)), ErrorCode::request_field) << body;
    }
    EXPECT_EQ(code_of(parse_page_event("[]")), ErrorCode::request_malformed);
}

TEST(KioskJson, scripts_speak_for_devices_too) {
    const auto line = parse_script_line(
        R"({"after_ms":500,"event":"checked","result":"grace","subsidies":[{"name":"a"},{"name":"b"}]})");
    ASSERT_TRUE(line);
    EXPECT_EQ(line->after, Moment(500));
    EXPECT_EQ(line->input.result, CheckResult::grace);
    EXPECT_EQ(line->input.programmes, (std::vector<std::string>{"a", "b"}));
    EXPECT_FALSE(parse_script_line(R"({"event":"nothing"})"));
    EXPECT_FALSE(parse_script_line(R"({"event":"checked","result":"perhaps"})"));
}

}  // namespace
}  // namespace onshi::terminal::kiosk
