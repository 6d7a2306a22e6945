#pragma once

#include "domain/identity/rules_match.h"
#include "hub/settings.h"

namespace onshi::hub {

// What the settings hold_another_person, hold_one_name and hold_address say; a word that is none counts as `all`.
[[nodiscard]] inline identity::MatchPolicy match_policy(const Settings& settings) {
    const auto scope = [](const std::string& word) {
        return identity::parse_hold_scope(word).value_or(identity::HoldScope::all);
    };
    return {scope(settings.hold_another_person), scope(settings.hold_one_name), scope(settings.hold_address)};
}

}  // namespace onshi::hub
