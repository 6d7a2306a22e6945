#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/eligibility/corrections.h"
#include "domain/eligibility/counter_cases.h"

namespace onshi::api {

// The `after` of a query: the id of the last correction that was read, 0 … 2^53-1. field.range.
[[nodiscard]] Result<std::int64_t> parse_after(std::string_view text);
// What stands at the head of an answer's receipt: the place it names; `0` is before all. check.receipt.
[[nodiscard]] Result<audit::Place> parse_after_receipt(std::string_view text, std::uint64_t receipt_key);
[[nodiscard]] std::string write_counter_cases(const std::vector<eligibility::CounterCase>& cases,
                                              std::uint64_t receipt_key);
[[nodiscard]] std::string write_corrections(const std::vector<eligibility::CorrectionEvent>& events,
                                            std::uint64_t receipt_key);

}  // namespace onshi::api
