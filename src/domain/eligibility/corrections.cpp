#include "domain/eligibility/corrections.h"

#include <algorithm>
#include <set>
#include <utility>

#include "domain/audit/store.h"
#include "domain/coverage/store_intake.h"
#include "domain/eligibility/counter_cases.h"
#include "domain/eligibility/webhooks.h"
#include "domain/identity/store.h"
#include "domain/identity/store_merge.h"

namespace onshi::eligibility {

namespace {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

constexpr std::int64_t no_coverage = 0;

const Statement select_upto("eligibility.select_told_upto", Store::ledger, ShardKey::lane,
                            "SELECT sequence FROM told_upto WHERE lane = $1");
const Statement claim_upto("eligibility.claim_told_upto", Store::ledger, ShardKey::lane,
                           "INSERT INTO told_upto (lane, sequence) VALUES ($1, $2) ON CONFLICT (lane) DO NOTHING");
const Statement raise_upto("eligibility.raise_told_upto", Store::ledger, ShardKey::lane,
                           "UPDATE told_upto SET sequence = $2 WHERE lane = $1 AND sequence = $3");
const Statement insert_told("eligibility.insert_told", Store::ledger, ShardKey::person,
                            "INSERT INTO told (person_key, lane, sequence, organisation_key, care_day, source, result, "
                            "coverage_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
                            "ON CONFLICT (person_key, lane, sequence) DO NOTHING");
const Statement select_told("eligibility.select_told", Store::ledger, ShardKey::person,
                            "SELECT lane, sequence, organisation_key, care_day, source, result, coverage_key, "
                            "person_key FROM told "
                            "WHERE person_key = $1 ORDER BY lane, sequence LIMIT $2");
const Statement update_told("eligibility.update_told", Store::ledger, ShardKey::person,
                            "UPDATE told SET result = $4, coverage_key = $5 "
                            "WHERE person_key = $1 AND lane = $2 AND sequence = $3");
const Statement select_feed("eligibility.select_correction_feed", Store::ledger, ShardKey::none,
                            "SELECT known_seq, person_key, next_id FROM correction_feed WHERE id = 1");
const Statement move_feed("eligibility.move_correction_feed", Store::ledger, ShardKey::none,
                          "UPDATE correction_feed SET known_seq = $1, person_key = $2, next_id = $3 "
                          "WHERE id = 1 AND known_seq = $4 AND person_key = $5 AND next_id = $6");
const Statement insert_correction(
    "eligibility.insert_correction", Store::ledger, ShardKey::organisation,
    "INSERT INTO correction (organisation_key, correction_id, lane, sequence, care_day, "
    "told_result, now_result, hint, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
const Statement select_corrections("eligibility.select_corrections", Store::ledger, ShardKey::organisation,
                                   "SELECT correction_id, lane, sequence, care_day, told_result, now_result, hint, "
                                   "made_at FROM correction WHERE organisation_key = $1 AND correction_id > $2 "
                                   "ORDER BY correction_id LIMIT $3");

struct Feed {
    std::int64_t known_seq = 0;
    std::int64_t person = 0;
    std::int64_t next_id = 1;
};

struct ToldRow {
    PersonKey person{0};  // as it was called then
    audit::Place place{};
    OrganisationKey organisation{0};
    Told told;
};

std::int64_t decode_integer(const Row& row) {
    return row.integer(0);
}
Feed decode_feed(const Row& row) {
    return {row.integer(0), row.integer(1), row.integer(2)};
}
Date date_of(const Row& row, int column) {
    const auto date = Date::from_days(row.integer(column));
    if (!date) row.reject();
    return date.value_or(Date::open_end);
}
ResultCode result_of(const Row& row, int column) {
    const std::int64_t value = row.integer(column);
    if (value < 1 || value > 5) row.reject();
    return static_cast<ResultCode>(value);
}
ToldRow decode_told(const Row& row) {
    ToldRow found;
    found.place = {row.integer(0), row.integer(1)};
    found.organisation = OrganisationKey(row.integer(2));
    found.told.care_day = date_of(row, 3);
    // In a disaster a person was looked for, as by their card, and not a record.
    found.told.source = row.integer(4) == static_cast<std::int64_t>(Source::number) ? Source::number : Source::card;
    found.told.result = result_of(row, 5);
    if (row.integer(6) != no_coverage) found.told.coverage = CoverageKey(row.integer(6));
    found.person = PersonKey(row.integer(7));
    return found;
}
CorrectionEvent decode_event(const Row& row) {
    CorrectionEvent event;
    event.id = row.integer(0);
    event.answer = {row.integer(1), row.integer(2)};
    event.care_day = date_of(row, 3);
    event.told = result_of(row, 4);
    event.now = result_of(row, 5);
    event.hint = static_cast<ClaimHint>(row.integer(6));
    event.made_at = {row.integer(7)};
    return event;
}

std::optional<Answer> answer_of(const audit::Record& record) {
    const bool is_answer = record.header.event == audit::Event::check_answered && record.payload &&
                           record.payload->size() >= audit::salt_bytes;
    if (!is_answer) return std::nullopt;
    return unpack(std::string_view(*record.payload).substr(audit::salt_bytes));
}

void note_told(sql::WriteSet& set, const audit::Record& record, const std::optional<Answer>& answer,
               CorrectionRun& run) {
    if (!answer || !is_correctable(*answer)) return;
    ++run.answers;
    set.change(insert_told, answer->person->key.value(), record.header.lane, record.header.sequence,
               record.header.organisation.value(), answer->care_day.days(), answer->source, answer->verdict.result,
               answer->verdict.coverage ? answer->verdict.coverage->key.value() : no_coverage);
}

}  // namespace

// A page of a lane's audit records, from where the last round ended.
Task<Result<bool>> Corrections::index_lane(std::int64_t lane, CorrectionRun& run, Deadline deadline) {
    sql::ReadBatch first;
    const auto upto = first.one(select_upto, decode_integer, lane);
    auto read = co_await database_.read(first, deadline);
    if (!read) co_return fail(std::move(read));
    const std::int64_t after = upto ? *upto : 0;
    sql::ReadBatch second;
    const auto records = audit::load_records(second, lane, after);
    read = co_await database_.read(second, deadline);
    if (!read) co_return fail(std::move(read));
    if (records.empty()) co_return false;
    sql::WriteSet set(Store::ledger);
    const std::int64_t last = records.get().back().header.sequence;
    if (upto) {
        set.guard(raise_upto, 1, lane, last, after);
    } else {
        set.guard(claim_upto, 1, lane, last);
    }
    CorrectionRun counted = run;
    std::vector<std::optional<Answer>> answers;
    for (const audit::Record& record : records) {
        answers.push_back(answer_of(record));
        note_told(set, record, answers.back(), counted);
    }
    read = co_await note_counter_cases(set, records, answers, counted, deadline);
    if (!read) co_return fail(std::move(read));
    auto committed = co_await database_.commit(std::move(set), deadline);
    // Another process was there first: it has done this page.
    const bool conflict = !committed && committed.error().code == ErrorCode::store_conflict;
    if (!committed && !conflict) co_return fail(std::move(committed));
    if (!conflict) run = counted;
    co_return conflict || records.size() == audit::records_per_read_max;
}

namespace {

// Two queries a person.
constexpr std::size_t persons_per_read = sql::batch_queries_max / 2;

// Of each person, as it is called now: who was merged into another has records under that one's key only.
Task<Result<std::vector<std::vector<coverage::Coverage>>>> load_records(sql::Database& database,
                                                                        std::vector<PersonKey> persons,
                                                                        Deadline deadline) {
    sql::ReadBatch batch;
    std::vector<sql::Slot<PersonKey>> aliases;
    std::vector<sql::Rows<identity::NowSection>> sections;
    for (const PersonKey person : persons) {
        aliases.push_back(identity::load_alias(batch, person));
        sections.push_back(identity::load_now(batch, person));
    }
    auto read = co_await database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    sql::ReadBatch present;
    bool merged = false;
    for (std::size_t i = 0; i < persons.size(); ++i) {
        if (!aliases[i]) continue;
        sections[i] = identity::load_now(present, *aliases[i]);
        merged = true;
    }
    if (merged) read = co_await database.read(present, deadline);
    if (!read) co_return fail(std::move(read));
    std::vector<std::vector<coverage::Coverage>> records;
    for (const auto& section : sections) {
        auto held = coverage::coverages_of(section);
        if (!held) co_return fail(ErrorCode::store_corrupt, "a person's coverage section");
        records.push_back(std::move(*held));
    }
    co_return records;
}

}  // namespace

// Who was known and had no coverage: the insurer of the newest record hears of it.
Task<Result<void>> Corrections::note_counter_cases(sql::WriteSet& set, const sql::Rows<audit::Record>& records,
                                                   const std::vector<std::optional<Answer>>& answers,
                                                   CorrectionRun& run, Deadline deadline) {
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i] && may_be_counter_case(*answers[i])) wanted.push_back(i);
    }
    for (std::size_t first = 0; first < wanted.size(); first += persons_per_read) {
        const std::size_t last = std::min(wanted.size(), first + persons_per_read);
        std::vector<PersonKey> persons;
        for (std::size_t i = first; i < last; ++i) persons.push_back(answers[wanted[i]]->person->key);
        auto held = co_await load_records(database_, std::move(persons), deadline);
        if (!held) co_return fail(std::move(held));
        for (std::size_t i = first; i < last; ++i) {
            const audit::Header& header = records.get()[wanted[i]].header;
            const audit::Place place{header.lane, header.sequence};
            const auto opened = counter_case_of(*answers[wanted[i]], place, header.organisation, (*held)[i - first]);
            if (!opened) continue;
            open_counter_case(set, *opened);
            ++run.cases;
        }
    }
    co_return Result<void>();
}

namespace {

// The person a change is about, as it stands now, and everything that was told of it under whatever key.
struct Standing {
    std::vector<coverage::Coverage> records;
    std::vector<ToldRow> told;
};

Task<Result<Standing>> load_standing(sql::Database& database, PersonKey changed, Deadline deadline) {
    sql::ReadBatch first;
    const auto alias = identity::load_alias(first, changed);
    auto read = co_await database.read(first, deadline);
    if (!read) co_return fail(std::move(read));
    const PersonKey current = alias ? *alias : changed;
    sql::ReadBatch second;
    const auto now = identity::load_now(second, current);
    const auto merged = identity::load_merged_into(second, current);
    const auto told =
        second.many(select_told, answers_per_person_max, decode_told, current.value(), answers_per_person_max);
    read = co_await database.read(second, deadline);
    if (!read) co_return fail(std::move(read));
    auto records = coverage::coverages_of(now);
    if (!records) co_return fail(ErrorCode::store_corrupt, "a person's coverage section");
    Standing standing{std::move(*records), told.get()};
    if (merged.empty()) co_return standing;
    sql::ReadBatch third;
    std::vector<sql::Rows<ToldRow>> before;
    for (const PersonKey key : merged) {
        before.push_back(
            third.many(select_told, answers_per_person_max, decode_told, key.value(), answers_per_person_max));
    }
    read = co_await database.read(third, deadline);
    if (!read) co_return fail(std::move(read));
    for (const auto& rows : before) standing.told.insert(standing.told.end(), rows.begin(), rows.end());
    co_return standing;
}

// Answers that found nothing and still would: their cases wait with the insurer whose record is the newest now.
Task<Result<void>> move_cases(sql::Database& database, sql::WriteSet& set, const Standing& standing,
                              std::vector<audit::Place> unfound, Deadline deadline) {
    const coverage::Coverage* newest = newest_record(standing.records);
    if (newest == nullptr) co_return Result<void>();
    for (std::size_t first = 0; first < unfound.size(); first += sql::batch_queries_max) {
        const std::size_t last = std::min(unfound.size(), first + sql::batch_queries_max);
        sql::ReadBatch batch;
        std::vector<sql::Rows<CounterCase>> cases;
        for (std::size_t i = first; i < last; ++i) cases.push_back(load_open_cases(batch, unfound[i]));
        auto read = co_await database.read(batch, deadline);
        if (!read) co_return read;
        for (const auto& open : cases) {
            for (const CounterCase& one : open) {
                const bool there = one.insurer == newest->insurer && one.record == newest->key;
                if (!there) move_counter_case(set, one, *newest);
            }
        }
    }
    co_return Result<void>();
}

}  // namespace

// A page of the registry's changes, compared with what was told about these persons.
Task<Result<bool>> Corrections::compare_page(Instant settled, CorrectionRun& run, Deadline deadline) {
    sql::ReadBatch first;
    const auto feed = first.one(select_feed, decode_feed);
    auto read = co_await database_.read(first, deadline);
    if (!read) co_return fail(std::move(read));
    if (!feed) co_return fail(ErrorCode::store_corrupt, "the feed of corrections is missing");
    sql::ReadBatch second;
    const auto changes = coverage::load_changes(second, feed->known_seq, PersonKey(feed->person));
    read = co_await database_.read(second, deadline);
    if (!read) co_return fail(std::move(read));
    sql::WriteSet set(Store::ledger, sql::SetVolume::bulk);
    Feed next = *feed;
    CorrectionRun counted = run;
    std::set<std::pair<std::int64_t, std::int64_t>> corrected;  // places: a lane, a sequence
    bool more = changes.size() == coverage::changes_page_max;
    for (const coverage::RecordChange& change : changes) {
        // Those behind it wait too, so that none is passed over.
        more = more && change.changed_at <= settled;
        if (change.changed_at > settled) break;
        auto standing = co_await load_standing(database_, change.person, deadline);
        if (!standing) co_return fail(std::move(standing));
        ++counted.changes;
        next.known_seq = change.known_seq;
        next.person = change.person.value();
        std::vector<audit::Place> unfound;
        for (const ToldRow& row : standing->told) {
            const auto correction = correct(row.told, standing->records);
            if (!correction && row.told.result == ResultCode::none) unfound.push_back(row.place);
            // Who changed twice stands here twice.
            if (!correction || !corrected.emplace(row.place.lane, row.place.sequence).second) continue;
            set.change(insert_correction, row.organisation.value(), next.next_id++, row.place.lane, row.place.sequence,
                       row.told.care_day.days(), row.told.result, correction->result, correction->hint,
                       clock_.now().us);
            set.change(update_told, row.person.value(), row.place.lane, row.place.sequence, correction->result,
                       correction->coverage ? correction->coverage->value() : no_coverage);
            wake_webhook(set, row.organisation, clock_.now());
            if (row.told.result == ResultCode::none) close_counter_case(set, row.place);
            ++counted.corrections;
        }
        read = co_await move_cases(database_, set, *standing, std::move(unfound), deadline);
        if (!read) co_return fail(std::move(read));
        // The page ends early where it would become too large; the next one begins behind this person.
        if (set.changes().size() < sql::write_set_steps_max / 4) continue;
        more = true;
        break;
    }
    const bool moved = next.known_seq != feed->known_seq || next.person != feed->person;
    if (!moved) co_return false;
    set.guard(move_feed, 1, next.known_seq, next.person, next.next_id, feed->known_seq, feed->person, feed->next_id);
    auto committed = co_await database_.commit(std::move(set), deadline);
    const bool conflict = !committed && committed.error().code == ErrorCode::store_conflict;
    if (!committed && !conflict) co_return fail(std::move(committed));
    if (!conflict) run = counted;
    co_return conflict || more;
}

Task<Result<CorrectionRun>> Corrections::run(std::chrono::seconds settle, Deadline deadline) {
    // Changes up to here are compared: their answers are all in the index when it has been brought up to the heads.
    const Instant settled = clock_.now() - std::chrono::microseconds(settle);
    CorrectionRun run;
    sql::ReadBatch batch;
    const auto lanes = audit::load_lanes(batch);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    std::size_t rounds = 0;
    for (const audit::LaneHead& lane : lanes) {
        for (bool more = true; more; ++rounds) {
            if (rounds == corrections_rounds_max) co_return run;
            auto indexed = co_await index_lane(lane.lane, run, deadline);
            if (!indexed) co_return fail(std::move(indexed));
            more = *indexed;
        }
    }
    for (bool more = true; more && rounds < corrections_rounds_max; ++rounds) {
        auto compared = co_await compare_page(settled, run, deadline);
        if (!compared) co_return fail(std::move(compared));
        more = *compared;
    }
    co_return run;
}

Task<Result<std::vector<CorrectionEvent>>> Corrections::list(OrganisationKey facility, std::int64_t after,
                                                             Deadline deadline) {
    sql::ReadBatch batch;
    const auto events = batch.many(select_corrections, corrections_page_max, decode_event, facility.value(), after,
                                   corrections_page_max);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    co_return events.get();
}

}  // namespace onshi::eligibility
