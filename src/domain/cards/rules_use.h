#pragma once

#include <cstdint>

#include "base/result.h"
#include "domain/cards/model.h"

namespace onshi::cards {

// What somebody wants of the use of a card as insurance card (domain-rules §8.1-8.3).
enum class UseWish : std::uint8_t {
    ask,           // changes nothing
    register_use,  // 利用登録; withdraws a cancellation that does not count yet
    cancel,        // 解除, when the certificate on paper is on its way
    cancel_now,    // 解除 without waiting for it
};

// The state after a wish (§8.3, §8.4). The same wish again changes nothing. use.not_registered.
[[nodiscard]] Result<UseState> decide_use(UseState before, UseWish wish);

}  // namespace onshi::cards
