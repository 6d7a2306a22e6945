#pragma once

// Inside this folder only: what a hub does by itself about cards.

#include <stop_token>

#include "hub/parts.h"

namespace onshi::hub {

inline constexpr std::chrono::milliseconds seen_cards_every{100};

// Until the alarm rings: stores the keys of cards that were seen for the first time.
[[nodiscard]] Task<void> keep_seen_cards(const Context& context, Alarm& alarm);

}  // namespace onshi::hub
