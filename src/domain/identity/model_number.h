#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace onshi::identity {

// 個人番号 (domain-rules §1.8). Lives on the way from an insurer's file into the sealed table only: it has no text
// form, so that nothing can print, log or answer with it. A value; thread-safe.
class IndividualNumber {
  public:
    // Twelve ASCII digits with the right check digit. Errors: number.format, number.check_digit.
    [[nodiscard]] static Result<IndividualNumber> parse(std::string_view digits);
    // What sealing and tagging take, and what a connector to the resident register sends.
    [[nodiscard]] std::array<std::uint8_t, 5> bytes() const;
    [[nodiscard]] std::uint64_t reveal_to_register() const { return value_; }
    friend constexpr auto operator<=>(IndividualNumber, IndividualNumber) = default;

  private:
    constexpr explicit IndividualNumber(std::uint64_t value) : value_(value) {}
    std::uint64_t value_;
};

// By which a number is found again without being held: the first half of HMAC-SHA-256(tag key, number), design §9.2.
using NumberTag = std::array<std::uint8_t, 16>;

}  // namespace onshi::identity
