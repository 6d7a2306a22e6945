#include "terminal/after_check.h"

#include <gtest/gtest.h>

#include "platform/event_loop/event_loop.h"

namespace onshi::terminal {
namespace {

constexpr std::string_view answer = R"({"receipt": "7Q4M-2XKD-9", "subsidies": {"state": "known", "offered": [
  {"offer": 1, "name": "特定医療費"}, {"offer": 2, "name": "架空助成"}, {"name": "without a number"}]}})";

// Keeps what was posted, and answers as it was told to.
struct Hub {
    std::string target;
    std::string body;
    PostToHub post() {
        return [this](std::string to, std::string message) -> Task<Result<std::string>> {
            target = std::move(to);
            body = std::move(message);
            co_return std::string("{}");
        };
    }
};

TEST(AfterCheck, offers_come_in_the_order_of_the_answer) {
    const auto view = JsonView::parse(answer);
    ASSERT_TRUE(view);
    const auto offers = subsidy_offers(view->root());
    EXPECT_EQ(offers, (std::vector<SubsidyOffer>{{1, "特定医療費"}, {2, "架空助成"}}));
    EXPECT_EQ(used_offers(offers, {false, true}), std::vector<int>{2});
    EXPECT_EQ(used_offers(offers, {true}), std::vector<int>{1}) << "nobody asked is not used";
    EXPECT_EQ(used_offers(offers, {true, true, true}), (std::vector<int>{1, 2}));
    EXPECT_TRUE(used_offers(offers, {}).empty());
    const auto without = JsonView::parse("{}");
    EXPECT_TRUE(subsidy_offers(without->root()).empty());
}

TEST(AfterCheck, a_choice_names_its_offers_and_none_is_said) {
    Hub hub;
    ASSERT_TRUE(run_to_end(send_subsidy_choice(hub.post(), "7Q4M-2XKD-9", {2, 1})));
    EXPECT_EQ(hub.target, "/v1/checks/7Q4M-2XKD-9/subsidies");
    EXPECT_EQ(hub.body, R"({"chosen":[{"offer":2},{"offer":1}]})");
    ASSERT_TRUE(run_to_end(send_subsidy_choice(hub.post(), "7Q4M-2XKD-9", {})));
    EXPECT_EQ(hub.body, R"({"none":true})");
}

TEST(AfterCheck, consents_are_sent_with_their_choice) {
    Hub hub;
    using consent::Choice;
    using consent::Item;
    ASSERT_TRUE(run_to_end(send_consents(hub.post(), "7Q4M-2XKD-9",
                                         {{Item::specific_disease, Choice::agreed}, {Item::visits, Choice::refused}})));
    EXPECT_EQ(hub.target, "/v1/checks/7Q4M-2XKD-9/consents");
    EXPECT_EQ(hub.body, R"({"consents":[{"item":"specific_disease","choice":"agreed"},)"
                        R"({"item":"visits","choice":"refused"}]})");
}

}  // namespace
}  // namespace onshi::terminal
