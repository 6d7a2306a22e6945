#include "domain/payments/rules_book.h"

namespace onshi::payments {

CapBalance collect_under_cap(Yen cap, Yen paid, Yen share) {
    const Yen room = larger(cap - paid, Yen(0));
    const Yen collect = smaller(share, room);
    return {collect, room - collect};
}

Evaluated<Yen> cap_in_household(Yen own, std::span<const Yen> others, std::int64_t rounding_unit) {
    const auto possible = [](Yen cap) { return Yen(0) <= cap && cap <= Yen(cost_yen_max); };
    if (rounding_unit < 1 || !possible(own)) return tl::unexpected(ErrorCode::payments_amount);
    if (others.empty()) return own;
    Yen sum = own;
    Yen highest = own;
    for (const Yen cap : others) {
        if (!possible(cap)) return tl::unexpected(ErrorCode::payments_amount);
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
