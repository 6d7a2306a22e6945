#pragma once

#include <optional>
#include <string_view>

#include <boost/container/static_vector.hpp>

#include "synth/nation.h"
#include "synth/person.h"

namespace onshi::synth {

// 医療費受給者証 of a synthetic person, as a connected municipality or prefecture registered it.
struct SyntheticSubsidy {
    PublicPayerNumber payer;
    std::uint32_t recipient = 0;  // seven digits with their check digit
    std::string_view name;        // starts with 架空
    std::uint32_t issuer = 0;     // 全国地方公共団体コード of municipality or prefecture
    DateRange valid;
    std::optional<std::uint32_t> monthly_cap;  // yen
    std::uint8_t income = 0;                   // 0 … 5: 生活保護 … 上位
    bool refund_only = false;
};
inline constexpr std::size_t subsidies_max = 4;
using SyntheticSubsidies = boost::container::static_vector<SyntheticSubsidy, subsidies_max>;

// What the person holds on the nation's day; a function of (seed, index). Nothing for the trio of undisclosed persons
// (design §9.10), so that its three stay alike, and nothing of municipalities that are not connected.
[[nodiscard]] SyntheticSubsidies subsidies_of(const Nation& nation, const SyntheticPerson& person);

// About every ninth municipality is connected (183 of 1,741 bodies, domain-rules §4.6); all prefectures are.
[[nodiscard]] bool is_connected(const Nation& nation, std::uint16_t municipality);
[[nodiscard]] std::uint32_t prefecture_code(int prefecture);
inline constexpr Date subsidies_connected_from = Date::of(2026, 4, 1);

// Law codes of the synthetic programmes.
inline constexpr int child_subsidy_law_code = 83;
inline constexpr int disability_subsidy_law_code = 80;
inline constexpr int incurable_disease_law_code = 54;
inline constexpr int outpatient_psychiatry_law_code = 21;

// Whether the person was given a 限度額適用認定証 for this year (one in twelve; not the trio).
[[nodiscard]] bool holds_limit_certificate(const Nation& nation, const SyntheticPerson& person);

}  // namespace onshi::synth
