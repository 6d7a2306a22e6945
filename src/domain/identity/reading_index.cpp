#include "domain/identity/reading_index.h"

#include "domain/identity/store.h"
#include "platform/sql/read_batch.h"

namespace onshi::identity {

namespace {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement select_pass("identity.select_reading_pass", Store::registry, ShardKey::none,
                            "SELECT after_key, after_known, indexed, done FROM person_reading_pass WHERE pass_id = 1");
const Statement advance_pass("identity.advance_reading_pass", Store::registry, ShardKey::none,
                             "UPDATE person_reading_pass SET after_key = $3, after_known = $4, indexed = $5, done = $6 "
                             "WHERE pass_id = 1 AND after_key = $1 AND after_known = $2 AND done = 0");
// The whole table in the order of its keys; no person is asked for.
const Statement walk_versions("identity.walk_versions", Store::registry, ShardKey::person,
                              "SELECT person_key, known_from, packed FROM person "
                              "WHERE (person_key, known_from) > ($1, $2) ORDER BY person_key, known_from LIMIT $3");

struct Place {
    std::int64_t key = 0;
    std::int64_t known = 0;
    std::int64_t indexed = 0;
    bool done = false;
};

struct Version {
    std::int64_t key;
    std::int64_t known;
    std::string packed;
};

Place decode_place(const Row& row) {
    return {row.integer(0), row.integer(1), row.integer(2), row.integer(3) != 0};
}

Version decode_version(const Row& row) {
    return {row.integer(0), row.integer(1), std::string(row.blob(2))};
}

}  // namespace

Task<Result<ReadingPass>> index_older_persons(sql::Database& database, Deadline deadline) {
    sql::ReadBatch batch;
    const auto place = batch.one(select_pass, decode_place);
    auto read = co_await database.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    if (!place) co_return fail(ErrorCode::store_corrupt, "person_reading_pass has no row");
    ReadingPass pass{place->indexed, 0, place->done};
    if (pass.done) co_return pass;
    sql::ReadBatch more;
    const auto versions = more.many(walk_versions, readings_per_step_max, decode_version, place->key, place->known,
                                    readings_per_step_max);
    read = co_await database.read(more, deadline);
    if (!read) co_return fail(std::move(read));
    sql::WriteSet set(Store::registry);
    Place next = *place;
    for (const auto& version : versions) {
        const auto person = unpack(PersonKey(version.key), version.packed);
        // A name that cannot be compared leads nobody anywhere.
        const bool found_by = person && reading_number(person->kana.empty() ? person->name : person->kana);
        found_by ? ++next.indexed : ++pass.unreadable;
        if (found_by) index_reading(set, *person);
        next.key = version.key;
        next.known = version.known;
    }
    next.done = versions.size() < readings_per_step_max;
    set.guard(advance_pass, 1, place->key, place->known, next.key, next.known, next.indexed, next.done ? 1 : 0);
    auto committed = co_await database.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    pass.indexed = next.indexed;
    pass.done = next.done;
    co_return pass;
}

}  // namespace onshi::identity
