#include "terminal/after_check.h"

#include <algorithm>

#include "platform/text_formats/json_writer.h"

namespace onshi::terminal {

namespace {

std::string target_of(std::string_view receipt, std::string_view what) {
    return "/v1/checks/" + std::string(receipt) + "/" + std::string(what);
}

std::string consents_body(const std::vector<consent::ItemChoice>& choices) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.begin_array("consents");
    for (const auto& [item, choice] : choices) {
        writer.begin_object();
        writer.member("item", to_string(item));
        writer.member("choice", choice == consent::Choice::agreed ? "agreed" : "refused");
        writer.end_object();
    }
    writer.end_array();
    writer.end_object();
    return body;
}

std::string choice_body(const std::vector<int>& numbers) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    if (numbers.empty()) {
        writer.member("none", true);
    } else {
        writer.begin_array("chosen");
        for (const int number : numbers) {
            writer.begin_object();
            writer.member("offer", number);
            writer.end_object();
        }
        writer.end_array();
    }
    writer.end_object();
    return body;
}

}  // namespace

std::vector<SubsidyOffer> subsidy_offers(JsonItem answer) {
    std::vector<SubsidyOffer> offers;
    for (const auto& offered : answer.object("subsidies").objects("offered")) {
        const auto number = offered.integer("offer");
        if (number) offers.push_back({static_cast<int>(*number), std::string(offered.text("name"))});
    }
    return offers;
}

std::vector<int> used_offers(const std::vector<SubsidyOffer>& offers, const std::vector<bool>& used) {
    std::vector<int> numbers;
    for (std::size_t i = 0; i < std::min(offers.size(), used.size()); ++i) {
        if (used[i]) numbers.push_back(offers[i].number);
    }
    return numbers;
}

Task<Result<std::string>> send_consents(PostToHub post, std::string receipt, std::vector<consent::ItemChoice> choices) {
    auto answered = co_await post(target_of(receipt, "consents"), consents_body(choices));
    co_return answered;
}

Task<Result<std::string>> send_subsidy_choice(PostToHub post, std::string receipt, std::vector<int> numbers) {
    auto answered = co_await post(target_of(receipt, "subsidies"), choice_body(numbers));
    co_return answered;
}

}  // namespace onshi::terminal
