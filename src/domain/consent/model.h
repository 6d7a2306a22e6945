#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/identifiers.h"
#include "base/time.h"

namespace onshi::consent {

// What can be consented to (domain-rules §5.1). The numbers are stored and never change meaning.
enum class Item : std::uint8_t {
    limit_certificate = 1,  // 限度額
    specific_disease = 2,   // 特定疾病
    checkups = 3,           // 特定健診
    medicines = 4,          // 薬剤情報
    visits = 5,             // 診療情報
    surgery = 6,            // 手術情報
    prescriptions = 7,      // 処方・調剤
    shared_chart = 8,       // 6情報
};
inline constexpr std::array<std::pair<Item, std::string_view>, 8> item_names{
    {{Item::limit_certificate, "limit_certificate"},
     {Item::specific_disease, "specific_disease"},
     {Item::checkups, "checkups"},
     {Item::medicines, "medicines"},
     {Item::visits, "visits"},
     {Item::surgery, "surgery"},
     {Item::prescriptions, "prescriptions"},
     {Item::shared_chart, "shared_chart"}}};
[[nodiscard]] std::string_view to_string(Item item);
[[nodiscard]] std::optional<Item> parse_item(std::string_view name);
// Items whose data are medical: closed during the grace of an expired certificate and with an old card status.
[[nodiscard]] constexpr bool is_medical(Item item) {
    return item > Item::specific_disease;
}

enum class Choice : std::uint8_t { refused = 0, agreed = 1 };

struct ItemChoice {
    Item item;
    Choice choice;
    bool operator==(const ItemChoice&) const = default;
};

struct Consent {
    Item item;
    Choice choice;
    Instant given_at;
    Instant expires_at;
};

// CO-2: 24 hours from registration, by the hub's clock.
inline constexpr std::chrono::hours life{24};
// Consents come after the answer: same terminal, once, within this time (design §9.7).
inline constexpr std::chrono::minutes window_after_answer{10};

// What counts now: per item the newest choice (CO-3), and only while it lives.
[[nodiscard]] std::vector<ItemChoice> in_force(const std::vector<Consent>& consents, Instant now);

// A consent with the facility it was given to.
struct FacilityConsent {
    OrganisationKey organisation{0};
    Consent consent;
};

// What has to be added to a person's choices when another key's are the same human's (domain-rules §2.7): of two that
// are in force the stricter counts, one that only the other made counts too, and neither lasts longer than it was given
// for. Given `now`, since the newest choice counts.
[[nodiscard]] std::vector<FacilityConsent> merge_consents(const std::vector<FacilityConsent>& mine,
                                                          const std::vector<FacilityConsent>& others, Instant now);

}  // namespace onshi::consent
