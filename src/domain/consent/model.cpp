#include "domain/consent/model.h"

#include <algorithm>

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

namespace {

// The newest choice of one item at one facility that is in force.
const Consent* newest(const std::vector<FacilityConsent>& all, OrganisationKey organisation, Item item, Instant now) {
    const Consent* found = nullptr;
    for (const auto& [at, consent] : all) {
        const bool counts = at == organisation && consent.item == item && consent.given_at <= now;
        if (counts && (found == nullptr || consent.given_at > found->given_at)) found = &consent;
    }
    return found != nullptr && now < found->expires_at ? found : nullptr;
}

}  // namespace

std::vector<FacilityConsent> merge_consents(const std::vector<FacilityConsent>& mine,
                                            const std::vector<FacilityConsent>& others, Instant now) {
    std::vector<FacilityConsent> added;
    for (const auto& [organisation, ignored] : others) {
        for (const auto& [item, name] : item_names) {
            const Consent* theirs = newest(others, organisation, item, now);
            const Consent* own = newest(mine, organisation, item, now);
            const bool known = std::ranges::any_of(added, [&](const FacilityConsent& one) {
                return one.organisation == organisation && one.consent.item == item;
            });
            if (theirs == nullptr || known) continue;
            if (own != nullptr) {
                const bool stricter = own->choice == Choice::refused && theirs->choice == Choice::agreed;
                const bool same = own->choice == theirs->choice && own->expires_at <= theirs->expires_at;
                if (stricter || same) continue;
            }
            Consent merged = *theirs;
            // One choice of an item has one moment.
            merged.given_at = own != nullptr && own->given_at == now ? now + std::chrono::microseconds(1) : now;
            added.push_back({organisation, merged});
        }
    }
    return added;
}

}  // namespace onshi::consent
