#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "base/date.h"
#include "base/identifiers.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::coverage {

// How long it took from the day of an acquisition until the record could be seen (domain-rules AC-2, AC-4): the law
// gives the employer five days and the insurer five.
inline constexpr int delay_alert_days = 8;
inline constexpr int delay_breach_days = 11;
// Longer ones are counted as this long.
inline constexpr std::int64_t delay_days_max = 400;
inline constexpr std::size_t delay_rows_max = 100'000;  // of one question

struct Delay {
    InsurerNumber insurer;
    std::int64_t days = 0;  // 0 … delay_days_max; an acquisition told ahead is 0
    std::int64_t records = 0;
};

// Counts what becomes visible in one commit. A value.
class DelayCounts {
  public:
    // A record that can be seen from today on.
    void add(InsurerNumber insurer, Date acquired_on, Date today);
    void write(sql::WriteSet& set) const;

  private:
    std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, std::int64_t> counts_;  // insurer, month, days
};

// Of records that became visible from `first` to `last`, by whole months, of everybody; by insurer and days.
[[nodiscard]] sql::Rows<Delay> load_delays(sql::ReadBatch& batch, Date first, Date last);

struct DelaySummary {
    InsurerNumber insurer;
    std::int64_t records = 0;
    std::int64_t p50 = 0;  // days
    std::int64_t p90 = 0;
    std::int64_t max = 0;
    std::int64_t alerts = 0;    // delay_alert_days and more
    std::int64_t breaches = 0;  // delay_breach_days and more
};
// Exact percentiles (nearest rank) of each insurer; `delays` in the order of load_delays, several months added up.
[[nodiscard]] std::vector<DelaySummary> summarise(std::span<const Delay> delays);

}  // namespace onshi::coverage
