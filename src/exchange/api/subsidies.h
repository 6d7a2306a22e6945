#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/eligibility/subsidies.h"

namespace onshi::api {

// Numbers of the answer's offers, none twice; an empty list: none is used. request.field.
[[nodiscard]] Result<std::vector<int>> parse_subsidy_choice(std::string_view body);
[[nodiscard]] std::string write_subsidies_chosen(const eligibility::SubsidiesChosen& told, std::uint64_t receipt_key);

[[nodiscard]] Result<eligibility::PaymentToPost> parse_payment(std::string_view body);
[[nodiscard]] Result<CheckId> parse_payment_reversal(std::string_view body);
[[nodiscard]] std::string write_payment(const CheckId& id, const eligibility::PaymentPosted& told,
                                        std::uint64_t receipt_key);

}  // namespace onshi::api
