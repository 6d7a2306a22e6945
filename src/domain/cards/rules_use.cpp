#include "domain/cards/rules_use.h"

namespace onshi::cards {

Result<UseState> decide_use(UseState before, UseWish wish) {
    if (wish == UseWish::ask) return before;
    if (wish == UseWish::register_use) return UseState::registered;
    if (before == UseState::cancelled) return before;
    if (before == UseState::none) return fail(ErrorCode::use_not_registered, "nothing to cancel");
    return wish == UseWish::cancel ? UseState::cancel_requested : UseState::cancelled;
}

UseRegistration merge_use(const UseRegistration& one, const UseRegistration& other) {
    if (one.state == UseState::none) return other;
    if (other.state == UseState::none) return one;
    if (one.since != other.since) return other.since < one.since ? one : other;
    // In the order of the states each is stricter than the one before it.
    return one.state < other.state ? other : one;
}

}  // namespace onshi::cards
