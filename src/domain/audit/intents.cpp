#include "domain/audit/intents.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/audit/chain.h"

namespace onshi::audit {

namespace {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_intent("audit.insert_intent", Store::ledger, ShardKey::none,
                              "INSERT INTO intent (intent_id, event, opened_at) VALUES ($1, $2, $3)");
const Statement delete_intent("audit.delete_intent", Store::ledger, ShardKey::none,
                              "DELETE FROM intent WHERE intent_id = $1");
const Statement select_open("audit.select_open_intents", Store::ledger, ShardKey::none,
                            "SELECT intent_id, event FROM intent WHERE opened_at <= $1 ORDER BY intent_id LIMIT $2");
const Statement mark_applied("audit.mark_intent_applied", Store::registry, ShardKey::none,
                             "INSERT INTO intent_applied (intent_id, applied, marked_at) VALUES ($1, $2, $3) "
                             "ON CONFLICT (intent_id) DO NOTHING");
const Statement select_applied("audit.select_intent_applied", Store::registry, ShardKey::none,
                               "SELECT applied FROM intent_applied WHERE intent_id = $1");
const Statement select_oldest("audit.select_oldest_intent", Store::ledger, ShardKey::none,
                              "SELECT opened_at FROM intent ORDER BY opened_at, intent_id LIMIT 1");
const Statement count_old_marks("audit.count_old_intent_marks", Store::registry, ShardKey::none,
                                "SELECT count(*) FROM (SELECT intent_id FROM intent_applied WHERE marked_at < $1 "
                                "LIMIT $2) AS old");
const Statement delete_old_marks("audit.delete_old_intent_marks", Store::registry, ShardKey::none,
                                 "DELETE FROM intent_applied WHERE intent_id IN (SELECT intent_id FROM intent_applied "
                                 "WHERE marked_at < $1 ORDER BY marked_at, intent_id LIMIT $2)");

struct OpenIntent {
    std::string id;
    Event event;
};

std::int64_t decode_integer(const Row& row) {
    return row.integer(0);
}

OpenIntent decode_intent(const Row& row) {
    return {std::string(row.blob(0)), static_cast<Event>(row.integer(1))};
}

constexpr std::uint8_t done = 1;
constexpr std::uint8_t not_done = 0;

std::string outcome_payload(std::string_view intent_id, Event event, std::uint8_t outcome) {
    std::string payload;
    ByteWriter writer(payload);
    writer.text(intent_id);
    writer.u32(static_cast<std::uint32_t>(event));
    writer.u8(outcome);
    return payload;
}

}  // namespace

Task<Result<sql::CommitPosition>> AuditedChanges::apply(Event event, const Actor& actor, std::string_view payload,
                                                        sql::WriteSet change, Deadline deadline) {
    std::string intent_id(16, '\0');
    random_.fill(std::span(reinterpret_cast<std::uint8_t*>(intent_id.data()), intent_id.size()));
    sql::WriteSet intent(Store::ledger);
    intent.change(insert_intent, sql::Blob{intent_id}, event, clock_.now().us);
    attach_record(intent, event, actor, clock_.now(), payload, random_);
    auto intended = co_await database_.commit(std::move(intent), deadline);
    if (!intended) co_return fail(std::move(intended));

    change.guard(mark_applied, 1, sql::Blob{intent_id}, done, clock_.now().us);
    auto applied = co_await database_.commit(std::move(change), deadline);
    const bool unknown = !applied && applied.error().code == ErrorCode::store_outcome_unknown;
    if (unknown) co_return fail(std::move(applied));  // the sweep finds out

    const std::uint8_t outcome = applied ? done : not_done;
    auto recorded = co_await record_outcome(intent_id, event, outcome, actor, deadline);
    // The change is durable and its intent is on record; a missing outcome is the sweep's to add.
    static_cast<void>(recorded);
    co_return applied;
}

Task<Result<void>> AuditedChanges::record_outcome(std::string intent_id, Event event, std::uint8_t outcome,
                                                  const Actor& actor, Deadline deadline) {
    sql::WriteSet set(Store::ledger);
    set.guard(delete_intent, 1, sql::Blob{intent_id});
    const std::string payload = outcome_payload(intent_id, event, outcome);
    attach_record(set, Event::intent_done, actor, clock_.now(), payload, random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return Result<void>();
}

Task<Result<std::size_t>> AuditedChanges::sweep(Deadline deadline) {
    sql::ReadBatch batch;
    const auto open =
        batch.many(select_open, intents_per_sweep_max, decode_intent,
                   (clock_.now() - std::chrono::microseconds(intent_age_swept)).us, intents_per_sweep_max);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    std::size_t ended = 0;
    for (const auto& intent : open) {
        sql::WriteSet bar(Store::registry);
        bar.guard(mark_applied, 1, sql::Blob{intent.id}, not_done, clock_.now().us);
        auto barred = co_await database_.commit(std::move(bar), deadline);
        const bool was_marked = !barred && barred.error().code == ErrorCode::store_conflict;
        if (!barred && !was_marked) co_return fail(std::move(barred));
        auto outcome = co_await find_outcome(intent.id, deadline);
        if (!outcome) co_return fail(std::move(outcome));
        const Actor nobody;
        auto recorded = co_await record_outcome(intent.id, intent.event, *outcome, nobody, deadline);
        if (!recorded) co_return fail(std::move(recorded));
        ++ended;
    }
    co_return ended;
}

// What the registry says of an intent that is marked there: a mark may be the change's own or an earlier sweep's bar.
Task<Result<std::uint8_t>> AuditedChanges::find_outcome(const std::string& intent_id, Deadline deadline) {
    sql::ReadBatch batch;
    const auto applied = batch.one(select_applied, decode_integer, sql::Blob{intent_id});
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!applied || (*applied != done && *applied != not_done)) {
        co_return fail(ErrorCode::store_corrupt, "the mark of an intent cannot be read");
    }
    co_return static_cast<std::uint8_t>(*applied);
}

Task<Result<std::size_t>> AuditedChanges::forget_old(Deadline deadline) {
    Instant before = clock_.now() - std::chrono::microseconds(intent_mark_kept);
    sql::ReadBatch first;
    const auto oldest = first.one(select_oldest, decode_integer);
    auto read = co_await database_.read(first, deadline);
    if (!read) co_return fail(std::move(read));
    // The mark of an intent that is still open decides what its sweep records.
    if (oldest) before = std::min(before, Instant{*oldest});
    sql::ReadBatch second;
    const auto old = second.one(count_old_marks, decode_integer, before.us, intent_marks_per_purge_max);
    read = co_await database_.read(second, deadline);
    if (!read) co_return fail(std::move(read));
    if (*old == 0) co_return std::size_t{0};
    sql::WriteSet set(Store::registry);
    set.change(delete_old_marks, before.us, intent_marks_per_purge_max);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return static_cast<std::size_t>(*old);
}

}  // namespace onshi::audit
