#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "domain/consent/model.h"
#include "platform/text_formats/json_view.h"

// What the patient decides behind a check by card: consents, and which subsidies (医療費助成) are used. The hub has
// both on record before it answers, takes the same again as the same, and ten minutes after the check nothing any more.
namespace onshi::terminal {

// How a message gets to the hub: HubLink::post with a deadline, or a command's own connection. It may send one twice.
using PostToHub = std::function<Task<Result<std::string>>(std::string target, std::string body)>;

// What a kiosk asks the patient about one by one (K-16), in the order of the answer.
struct SubsidyOffer {
    int number = 0;  // in the answer
    std::string name;
    bool operator==(const SubsidyOffer&) const = default;
};
[[nodiscard]] std::vector<SubsidyOffer> subsidy_offers(JsonItem answer);
// The numbers of what was agreed to; `used` is in the order of the offers, and what it has no word of is not used.
[[nodiscard]] std::vector<int> used_offers(const std::vector<SubsidyOffer>& offers, const std::vector<bool>& used);

// The hub's answer to the consents: make_face_file takes it as `recorded`. Not to be asked with nothing decided.
// Errors: those of the way and of the hub (check.receipt, consent.*).
[[nodiscard]] Task<Result<std::string>> send_consents(PostToHub post, std::string receipt,
                                                      std::vector<consent::ItemChoice> choices);
// The hub's answer to the choice, with numbers and caps of what was chosen; no numbers: the patient uses none, which is
// a choice too. Errors: those of the way and of the hub (check.receipt, subsidy.*).
[[nodiscard]] Task<Result<std::string>> send_subsidy_choice(PostToHub post, std::string receipt,
                                                            std::vector<int> numbers);

}  // namespace onshi::terminal
