#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/payments/model.h"

namespace onshi::api {

inline constexpr std::size_t estimate_body_max = 8 * 1024;

// Errors: request.field with every wrong field; payments.… of the evaluation come later.
[[nodiscard]] Result<payments::Claim> parse_estimate(std::string_view body);
// `table`: the limits of the claim's month.
[[nodiscard]] std::string write_estimate(const payments::LimitTable& table, const payments::ClaimResult& result,
                                         const payments::Steps& steps);

}  // namespace onshi::api
