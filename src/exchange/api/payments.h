#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/payments/model_certificates.h"
#include "domain/payments/rules_subsidies.h"

namespace onshi::api {

inline constexpr std::size_t estimate_body_max = 8 * 1024;

// A local subsidy that the patient uses for what the claim leaves. The facility's prefecture and what is left are the
// hub's to say.
struct EstimateSubsidy {
    payments::MunicipalityCode municipality;
    int law_code = 0;
    payments::SubsidyVisit visit;
};
struct EstimateRequest {
    payments::Claim claim;
    bool ratio_suspect = false;  // the ratio is none of the age, or contradicts the category's code
    std::optional<EstimateSubsidy> subsidy{};
};

// Errors: request.field with every wrong field; payments.… of the evaluation come later.
[[nodiscard]] Result<EstimateRequest> parse_estimate(std::string_view body);
// `table`: the limits of the claim's month; `subsidy`: what an ordinance made of what is left.
[[nodiscard]] std::string write_estimate(const payments::LimitTable& table, const payments::Claim& claim,
                                         const payments::ClaimResult& result, const payments::Steps& steps,
                                         const std::optional<payments::SubsidyResult>& subsidy);

}  // namespace onshi::api
