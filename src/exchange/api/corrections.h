#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/eligibility/corrections.h"

namespace onshi::api {

// The `after` of a query: the id of the last correction that was read, 0 … 2^53-1. field.range.
[[nodiscard]] Result<std::int64_t> parse_after(std::string_view text);
[[nodiscard]] std::string write_corrections(const std::vector<eligibility::CorrectionEvent>& events,
                                            std::uint64_t receipt_key);

}  // namespace onshi::api
