#include "domain/eligibility/counter_cases.h"

namespace onshi::eligibility {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

namespace {

const Statement insert_case("eligibility.open_counter_case", Store::ledger, ShardKey::none,
                            "INSERT INTO counter_case (insurer_number, lane, sequence, coverage_key, organisation_key, "
                            "care_day, cause, state, opened_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8) "
                            "ON CONFLICT (insurer_number, lane, sequence) DO NOTHING");
const Statement update_case("eligibility.close_counter_case", Store::ledger, ShardKey::lane,
                            "UPDATE counter_case SET state = 2 WHERE lane = $1 AND sequence = $2");
const Statement upsert_case("eligibility.move_counter_case", Store::ledger, ShardKey::none,
                            "INSERT INTO counter_case (insurer_number, lane, sequence, coverage_key, organisation_key, "
                            "care_day, cause, state, opened_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8) "
                            "ON CONFLICT (insurer_number, lane, sequence) DO UPDATE SET "
                            "coverage_key = excluded.coverage_key, state = excluded.state");
const Statement select_open("eligibility.select_open_cases", Store::ledger, ShardKey::lane,
                            "SELECT insurer_number, lane, sequence, coverage_key, organisation_key, care_day, cause, "
                            "opened_at FROM counter_case WHERE lane = $1 AND sequence = $2 AND state = 1 "
                            "ORDER BY insurer_number LIMIT $3");
const Statement select_cases("eligibility.select_counter_cases", Store::ledger, ShardKey::none,
                             "SELECT insurer_number, lane, sequence, coverage_key, organisation_key, care_day, cause, "
                             "opened_at FROM counter_case WHERE insurer_number = $1 AND (lane, sequence) > ($2, $3) "
                             "AND state = 1 ORDER BY lane, sequence LIMIT $4");

CounterCase decode_case(const Row& row) {
    const auto insurer = InsurerNumber::from_key(row.integer(0));
    const auto day = Date::from_days(row.integer(5));
    if (!insurer || !day) row.reject();
    return {insurer.value_or(*InsurerNumber::from_key(600138057)),
            {row.integer(1), row.integer(2)},
            CoverageKey(row.integer(3)),
            OrganisationKey(row.integer(4)),
            day.value_or(Date::open_end),
            std::string(row.text(6)),
            {row.integer(7)}};
}

}  // namespace

bool may_be_counter_case(const Answer& answer) {
    return answer.person.has_value() && answer.verdict.result == ResultCode::none;
}

const coverage::Coverage* newest_record(std::span<const coverage::Coverage> records) {
    const coverage::Coverage* newest = nullptr;
    for (const coverage::Coverage& record : records) {
        if (record.state == coverage::State::void_) continue;
        const bool newer = newest == nullptr || newest->acquired_on < record.acquired_on ||
                           (newest->acquired_on == record.acquired_on && newest->key < record.key);
        if (newer) newest = &record;
    }
    return newest;
}

std::optional<CounterCase> counter_case_of(const Answer& answer, audit::Place place, OrganisationKey facility,
                                           std::span<const coverage::Coverage> records) {
    if (!may_be_counter_case(answer)) return std::nullopt;
    const coverage::Coverage* newest = newest_record(records);
    if (newest == nullptr) return std::nullopt;
    return CounterCase{
        newest->insurer,   place,
        newest->key,       facility,
        answer.care_day,   answer.verdict.cause ? std::string(to_string(*answer.verdict.cause)) : std::string(),
        answer.answered_at};
}

namespace {

void write_case(sql::WriteSet& set, const Statement& statement, const CounterCase& opened) {
    set.change(statement, opened.insurer.to_key(), opened.answer.lane, opened.answer.sequence, opened.record.value(),
               opened.facility.value(), opened.care_day.days(), opened.cause, opened.opened_at.us);
}

}  // namespace

void open_counter_case(sql::WriteSet& set, const CounterCase& opened) {
    write_case(set, insert_case, opened);
}

void move_counter_case(sql::WriteSet& set, CounterCase moved, const coverage::Coverage& to) {
    close_counter_case(set, moved.answer);
    moved.insurer = to.insurer;
    moved.record = to.key;
    write_case(set, upsert_case, moved);
}

void close_counter_case(sql::WriteSet& set, audit::Place answer) {
    set.change(update_case, answer.lane, answer.sequence);
}

sql::Rows<CounterCase> load_open_cases(sql::ReadBatch& batch, audit::Place answer) {
    return batch.many(select_open, cases_per_answer_max, decode_case, answer.lane, answer.sequence,
                      cases_per_answer_max);
}

Task<Result<std::vector<CounterCase>>> list_counter_cases(sql::Database& database, InsurerNumber insurer,
                                                          audit::Place after, Deadline deadline) {
    sql::ReadBatch batch;
    const auto cases = batch.many(select_cases, counter_cases_page_max, decode_case, insurer.to_key(), after.lane,
                                  after.sequence, counter_cases_page_max);
    auto read = co_await database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    co_return cases.get();
}

}  // namespace onshi::eligibility
