#include "domain/identity/model_number.h"

#include <algorithm>

#include "base/identifiers.h"

namespace onshi::identity {

Result<IndividualNumber> IndividualNumber::parse(std::string_view digits) {
    const bool well_formed =
        digits.size() == 12 && std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    if (!well_formed) return fail(ErrorCode::number_format, "an individual number has twelve digits");
    if (!individual_number_check_ok(digits)) return fail(ErrorCode::number_check_digit, "individual number");
    std::uint64_t value = 0;
    for (const char c : digits) value = value * 10 + static_cast<std::uint64_t>(c - '0');
    return IndividualNumber(value);
}

std::array<std::uint8_t, 5> IndividualNumber::bytes() const {
    std::array<std::uint8_t, 5> out{};
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::uint8_t>(value_ >> (8 * (out.size() - 1 - i)));
    return out;
}

}  // namespace onshi::identity
