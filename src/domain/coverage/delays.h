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

// How long it took until a record could be seen, from the day of the acquisition and from the day on which the insurer
// was notified of it (domain-rules AC-2, AC-4): the law gives the employer five days and the insurer five.
enum class DelayFrom : std::uint8_t { acquisition, notice };
inline constexpr int delay_alert_days = 8;
inline constexpr int delay_breach_days = 11;
inline constexpr int notice_alert_days = 4;
inline constexpr int notice_breach_days = 6;
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
    // A record that can be seen from today on, counted from a day.
    void add(InsurerNumber insurer, Date from, Date today, DelayFrom what = DelayFrom::acquisition);
    void write(sql::WriteSet& set) const;

  private:
    using Counts =
        std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, std::int64_t>;  // insurer, month, days
    Counts acquisitions_;
    Counts notices_;
};

// Of records that became visible from `first` to `last`, by whole months, of everybody; by insurer and days.
[[nodiscard]] sql::Rows<Delay> load_delays(sql::ReadBatch& batch, Date first, Date last,
                                           DelayFrom from = DelayFrom::acquisition);

struct DelaySummary {
    InsurerNumber insurer;
    std::int64_t records = 0;
    std::int64_t p50 = 0;  // days
    std::int64_t p90 = 0;
    std::int64_t max = 0;
    std::int64_t alerts = 0;    // delay_alert_days or notice_alert_days and more
    std::int64_t breaches = 0;  // delay_breach_days or notice_breach_days and more
};
// Exact percentiles (nearest rank) of each insurer; `delays` in the order of load_delays, several months added up.
[[nodiscard]] std::vector<DelaySummary> summarise(std::span<const Delay> delays,
                                                  DelayFrom from = DelayFrom::acquisition);

}  // namespace onshi::coverage
