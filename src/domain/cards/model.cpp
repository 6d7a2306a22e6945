#include "domain/cards/model.h"

namespace onshi::cards {

Date last_valid_day(Instant not_after) { return japan_day(not_after); }

Validity validity_on(Instant not_after, Date day) {
    const Date last = last_valid_day(not_after);
    if (day > certificate_grace_end(last)) return Validity::expired;
    if (day > last) return Validity::in_grace;
    if (day > last.plus_months_clamped(-expiry_warning_months)) return Validity::expires_soon;
    return Validity::valid;
}

}  // namespace onshi::cards
