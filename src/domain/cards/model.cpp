#include "domain/cards/model.h"

namespace onshi::cards {

Date last_valid_day(Instant not_after) {
    return japan_day(not_after);
}

Validity validity_on(Instant not_after, Grace grace, Date day) {
    const Date last = last_valid_day(not_after);
    const Date last_usable = grace == Grace::three_months ? certificate_grace_end(last) : last;
    if (day > last_usable) return Validity::expired;
    if (day > last) return Validity::in_grace;
    if (day > last.plus_months_clamped(-expiry_warning_months)) return Validity::expires_soon;
    return Validity::valid;
}

std::string_view to_string(UseState state) {
    switch (state) {
        case UseState::none: return "none";
        case UseState::registered: return "registered";
        case UseState::cancel_requested: return "cancel_requested";
        case UseState::cancelled: return "cancelled";
    }
    return "unknown";
}

}  // namespace onshi::cards
