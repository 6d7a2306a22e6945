#include "domain/eligibility/rules_use.h"

namespace onshi::eligibility {

using cards::Channel;
using cards::UseWish;
using organisations::Role;

std::optional<Channel> channel_of(const organisations::Terminal& terminal) {
    if (terminal.may(Role::check_card)) return Channel::kiosk;
    if (terminal.may(Role::portal)) return Channel::portal;
    if (terminal.may(Role::bank_machine)) return Channel::bank_machine;
    if (terminal.may(Role::municipal_desk)) return Channel::municipality;
    return std::nullopt;
}

std::optional<UseWish> wish_of(Purpose purpose) {
    switch (purpose) {
        case Purpose::register_use: return UseWish::register_use;
        case Purpose::cancel_use: return UseWish::cancel;
        case Purpose::cancel_use_now: return UseWish::cancel_now;
        case Purpose::ask_use: return UseWish::ask;
        case Purpose::check:
        case Purpose::deferred:
        case Purpose::capsule: break;
    }
    return std::nullopt;
}

}  // namespace onshi::eligibility
