#include "domain/coverage/delays.h"

#include <algorithm>

namespace onshi::coverage {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

namespace {

const Statement upsert_delay("coverage.count_delay", Store::registry, ShardKey::none,
                             "INSERT INTO insurer_delay (insurer_number, month, days, records) VALUES ($1, $2, $3, $4) "
                             "ON CONFLICT (insurer_number, month, days) DO UPDATE SET "
                             "records = insurer_delay.records + excluded.records");
const Statement select_delays("coverage.select_delays", Store::registry, ShardKey::none,
                              "SELECT insurer_number, days, CAST(sum(records) AS BIGINT) FROM insurer_delay "
                              "WHERE month >= $1 AND month <= $2 GROUP BY insurer_number, days "
                              "ORDER BY insurer_number, days LIMIT $3");

std::int64_t month_of(Date day) {
    return static_cast<std::int64_t>(day.year()) * 100 + static_cast<std::int64_t>(day.month());
}

Delay decode_delay(const Row& row) {
    const auto insurer = InsurerNumber::from_key(row.integer(0));
    if (!insurer) row.reject();
    return {insurer.value_or(*InsurerNumber::from_key(600138057)), row.integer(1), row.integer(2)};
}

// The smallest number of days that so many of a hundred did not exceed.
std::int64_t percentile(std::span<const Delay> sorted, std::int64_t records, std::int64_t percent) {
    const std::int64_t rank = (records * percent + 99) / 100;
    std::int64_t seen = 0;
    for (const Delay& delay : sorted) {
        seen += delay.records;
        if (seen >= rank) return delay.days;
    }
    return 0;
}

DelaySummary summary_of(std::span<const Delay> sorted) {
    DelaySummary summary{.insurer = sorted.front().insurer};
    for (const Delay& delay : sorted) {
        summary.records += delay.records;
        summary.max = delay.days;
        if (delay.days >= delay_alert_days) summary.alerts += delay.records;
        if (delay.days >= delay_breach_days) summary.breaches += delay.records;
    }
    summary.p50 = percentile(sorted, summary.records, 50);
    summary.p90 = percentile(sorted, summary.records, 90);
    return summary;
}

}  // namespace

void DelayCounts::add(InsurerNumber insurer, Date acquired_on, Date today) {
    const auto days = static_cast<std::int64_t>(today.days()) - acquired_on.days();
    ++counts_[{insurer.to_key(), month_of(today), std::clamp<std::int64_t>(days, 0, delay_days_max)}];
}

void DelayCounts::write(sql::WriteSet& set) const {
    for (const auto& [key, records] : counts_) {
        const auto& [insurer, month, days] = key;
        set.change(upsert_delay, insurer, month, days, records);
    }
}

sql::Rows<Delay> load_delays(sql::ReadBatch& batch, Date first, Date last) {
    return batch.many(select_delays, delay_rows_max, decode_delay, month_of(first), month_of(last), delay_rows_max);
}

std::vector<DelaySummary> summarise(std::span<const Delay> delays) {
    std::vector<DelaySummary> summaries;
    for (std::size_t begin = 0; begin < delays.size();) {
        std::size_t end = begin;
        while (end < delays.size() && delays[end].insurer == delays[begin].insurer) ++end;
        summaries.push_back(summary_of(delays.subspan(begin, end - begin)));
        begin = end;
    }
    return summaries;
}

}  // namespace onshi::coverage
