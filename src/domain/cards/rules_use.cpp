#include "domain/cards/rules_use.h"

namespace onshi::cards {

Result<UseState> decide_use(UseState before, UseWish wish) {
    if (wish == UseWish::ask) return before;
    if (wish == UseWish::register_use) return UseState::registered;
    if (before == UseState::cancelled) return before;
    if (before == UseState::none) return fail(ErrorCode::use_not_registered, "nothing to cancel");
    return wish == UseWish::cancel ? UseState::cancel_requested : UseState::cancelled;
}

}  // namespace onshi::cards
