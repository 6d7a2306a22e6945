#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/coverage/service_paper.h"
#include "domain/coverage/service_protection.h"
#include "domain/eligibility/service.h"

namespace onshi::api {

[[nodiscard]] std::string write_use(const eligibility::UseChange& change, std::uint64_t receipt_key);

// A protection flag of one of the insurer's members (domain-rules §2.8): set, or void because it was never needed or is
// not any more.
struct ProtectionRequest {
    std::string operator_reference;
    InsuredSymbolNumber insured;
    std::optional<BranchNumber> branch;
    Date birth;
    coverage::ProtectionFlag flag = coverage::ProtectionFlag::hide_history;
    coverage::ProtectionWish wish = coverage::ProtectionWish::set;
};
[[nodiscard]] Result<ProtectionRequest> parse_protection(std::string_view body);
[[nodiscard]] std::string write_protection(const coverage::ProtectionStanding& standing);

// A cancellation on paper, as an insurer's operator types it in.
struct CancelRequest {
    std::string operator_reference;
    InsuredSymbolNumber insured;
    std::optional<BranchNumber> branch;
    Date birth;
    cards::UseWish wish = cards::UseWish::cancel;
};
[[nodiscard]] Result<CancelRequest> parse_cancel(std::string_view body);
[[nodiscard]] std::string write_cancelled(const coverage::UseCancelled& cancelled);

struct IssuedRequest {
    std::string operator_reference;
    Date valid_to;
};
[[nodiscard]] Result<IssuedRequest> parse_issued(std::string_view body);
[[nodiscard]] std::string write_issued(CoverageKey record, cards::UseState use);
[[nodiscard]] std::string write_orders(const coverage::PaperService::Page& page);

}  // namespace onshi::api
