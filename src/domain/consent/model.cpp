#include "domain/consent/model.h"

namespace onshi::consent {

std::string_view to_string(Item item) {
    for (const auto& [value, name] : item_names) {
        if (value == item) return name;
    }
    return "unknown";
}

std::optional<Item> parse_item(std::string_view name) {
    for (const auto& [value, known] : item_names) {
        if (known == name) return value;
    }
    return std::nullopt;
}

std::vector<ItemChoice> in_force(const std::vector<Consent>& consents, Instant now) {
    std::vector<ItemChoice> valid;
    for (const auto& [item, name] : item_names) {
        const Consent* newest = nullptr;
        for (const auto& consent : consents) {
            if (consent.item != item || consent.given_at > now) continue;
            if (newest == nullptr || consent.given_at > newest->given_at) newest = &consent;
        }
        // A choice is over at the end of its 24th hour, not after it.
        if (newest != nullptr && now < newest->expires_at) valid.push_back({item, newest->choice});
    }
    return valid;
}

}  // namespace onshi::consent
