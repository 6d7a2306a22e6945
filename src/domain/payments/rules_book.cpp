#include "domain/payments/rules_book.h"

#include <algorithm>

namespace onshi::payments {

CapBalance collect_under_cap(Yen cap, Yen paid, Yen share) {
    const Yen room = larger(cap - paid, Yen(0));
    const Yen collect = smaller(share, room);
    return {collect, room - collect};
}

Evaluated<Yen> cap_in_household(Yen own, std::span<const Yen> caps, std::int64_t rounding_unit) {
    if (rounding_unit < 1 || std::ranges::find(caps, own) == caps.end()) {
        return tl::unexpected(ErrorCode::payments_amount);
    }
    Yen sum;
    Yen highest;
    for (const Yen cap : caps) {
        if (cap < Yen(0) || cap > Yen(cost_yen_max)) return tl::unexpected(ErrorCode::payments_amount);
        sum += cap;
        highest = larger(highest, cap);
    }
    if (sum == Yen(0)) return Yen(0);
    // Below 2^74: caps are bounded by cost_yen_max.
    __extension__ using Wide = __int128;
    const auto part = static_cast<std::int64_t>(static_cast<Wide>(highest.value()) * own.value() / sum.value());
    return Yen(part / rounding_unit * rounding_unit);
}

}  // namespace onshi::payments
