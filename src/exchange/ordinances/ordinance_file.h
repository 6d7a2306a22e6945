// The file of municipalities and their ordinances (setting `ordinances_file`), in TOML:
//
//     [[municipalities]]
//     code = "131016"                    # 全国地方公共団体コード
//     name = "東京都千代田区"             # as addresses of its people begin
//     connected_from = 2026-04-01        # without it: not connected
//     connected_to = 2027-03-31          # optional
//     [[municipalities.ordinances]]
//     law_code = 83                      # 80…99
//     name = "こども医療費助成"
//     first = 2026-04-01                 # days of care; `last` optional
//     age_to = 18                        # completed years; age_from 0, age_to 200 without
//     age_to_march = 18                  # in its place: until the 31 March on or after the 18th birthday's eve
//     settings = ["inpatient", "outpatient"]
//     fee_per_visit = 500                # without it: nothing is collected
//     monthly_cap = 1000
//     payments_per_month = 2
//     income_below = 6000000
//     prefecture = 13                    # facilities of this prefecture only
//     payment = "in_kind"                # or "refund"
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/payments/rules_municipalities.h"

namespace onshi::ordinances {

inline constexpr std::size_t file_bytes_max = std::size_t{4} << 20U;

// Errors, each with line or place in its detail: file.malformed (no TOML, too large), payments.municipality,
// payments.ordinance (an unknown, missing or wrong field, and what MunicipalTable::make refuses).
[[nodiscard]] Result<payments::MunicipalTable> parse(std::string_view text);
// An empty path is a table of nobody. Errors: file.unreadable, and those above.
[[nodiscard]] Result<payments::MunicipalTable> load(const std::string& path);
// The table as a file that `parse` reads as the same.
[[nodiscard]] std::string write(const payments::MunicipalTable& table);

}  // namespace onshi::ordinances
