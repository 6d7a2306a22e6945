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
const Statement upsert_notice_delay(
    "coverage.count_notice_delay", Store::registry, ShardKey::none,
    "INSERT INTO insurer_notice_delay (insurer_number, month, days, records) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (insurer_number, month, days) DO UPDATE SET records = insurer_notice_delay.records + "
    "excluded.records");
const Statement select_notice_delays(
    "coverage.select_notice_delays", Store::registry, ShardKey::none,
    "SELECT insurer_number, days, CAST(sum(records) AS BIGINT) FROM insurer_notice_delay "
    "WHERE month >= $1 AND month <= $2 GROUP BY insurer_number, days ORDER BY insurer_number, days LIMIT $3");
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

DelaySummary summary_of(std::span<const Delay> sorted, DelayFrom from) {
    const int alert = from == DelayFrom::notice ? notice_alert_days : delay_alert_days;
    const int breach = from == DelayFrom::notice ? notice_breach_days : delay_breach_days;
    DelaySummary summary{.insurer = sorted.front().insurer};
    for (const Delay& delay : sorted) {
        summary.records += delay.records;
        summary.max = delay.days;
        if (delay.days >= alert) summary.alerts += delay.records;
        if (delay.days >= breach) summary.breaches += delay.records;
    }
    summary.p50 = percentile(sorted, summary.records, 50);
    summary.p90 = percentile(sorted, summary.records, 90);
    return summary;
}

}  // namespace

void DelayCounts::add(InsurerNumber insurer, Date from, Date today, DelayFrom what) {
    const auto days = static_cast<std::int64_t>(today.days()) - from.days();
    Counts& counts = what == DelayFrom::notice ? notices_ : acquisitions_;
    ++counts[{insurer.to_key(), month_of(today), std::clamp<std::int64_t>(days, 0, delay_days_max)}];
}

void DelayCounts::write(sql::WriteSet& set) const {
    for (const auto& [statement, counts] :
         {std::pair{&upsert_delay, &acquisitions_}, std::pair{&upsert_notice_delay, &notices_}}) {
        for (const auto& [key, records] : *counts) {
            const auto& [insurer, month, days] = key;
            set.change(*statement, insurer, month, days, records);
        }
    }
}

sql::Rows<Delay> load_delays(sql::ReadBatch& batch, Date first, Date last, DelayFrom from) {
    const Statement& select = from == DelayFrom::notice ? select_notice_delays : select_delays;
    return batch.many(select, delay_rows_max, decode_delay, month_of(first), month_of(last), delay_rows_max);
}

std::vector<DelaySummary> summarise(std::span<const Delay> delays, DelayFrom from) {
    std::vector<DelaySummary> summaries;
    for (std::size_t begin = 0; begin < delays.size();) {
        std::size_t end = begin;
        while (end < delays.size() && delays[end].insurer == delays[begin].insurer) ++end;
        summaries.push_back(summary_of(delays.subspan(begin, end - begin), from));
        begin = end;
    }
    return summaries;
}

}  // namespace onshi::coverage
