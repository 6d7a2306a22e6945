#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/eligibility/service.h"
#include "domain/organisations/emergencies.h"

namespace onshi::api {

struct OutageOrder {
    organisations::Dependency dependency = organisations::Dependency::card_status;
    std::string operator_reference;
};
[[nodiscard]] Result<OutageOrder> parse_outage(std::string_view body);
// What parts of the hub are away, and the disaster that is open where the caller is.
[[nodiscard]] std::string write_modes(std::span<const organisations::Outage> outages,
                                      const std::optional<organisations::Disaster>& open, Instant now);

struct DisasterRequest {
    organisations::DisasterOrder order;
    std::string operator_reference;
};
[[nodiscard]] Result<DisasterRequest> parse_disaster(std::string_view body);
// Who confirms, or ends.
[[nodiscard]] Result<std::string> parse_disaster_decision(std::string_view body);
// `{disaster}` of a path. disaster.unknown.
[[nodiscard]] Result<std::int64_t> parse_disaster_id(std::string_view text);
[[nodiscard]] std::string write_disaster(const organisations::Disaster& disaster, Instant now);
[[nodiscard]] std::string write_disasters(std::span<const organisations::Disaster> disasters, Instant now);

// A look-up in a disaster with the bytes its views point to.
struct DisasterCheckMessage {
    std::string kana;
    std::string address;
    std::string operator_reference;
    std::optional<eligibility::DisasterCheck> check;
};
[[nodiscard]] Result<std::unique_ptr<const DisasterCheckMessage>> parse_disaster_check(std::string_view body,
                                                                                       Date today);

}  // namespace onshi::api
