#include "domain/identity/store_numbers.h"

#include "base/ensure.h"

namespace onshi::identity {

using sql::Blob;
using sql::Position;
using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_number_tag("identity.insert_number_tag", Store::registry, ShardKey::number_tag,
                                  "INSERT INTO number_tag (tag, person_key) VALUES ($1, $2)");
const Statement insert_individual_number("identity.insert_individual_number", Store::registry, ShardKey::person,
                                         "INSERT INTO individual_number (person_key, known_from, key_id, sealed) "
                                         "VALUES ($1, $2, $3, $4)");
const Statement insert_resident("identity.insert_resident", Store::registry, ShardKey::number_tag,
                                "INSERT INTO resident (tag, packed) VALUES ($1, $2)");

namespace {

constexpr int block_tries_max = 16;

const Statement select_by_tag("identity.select_by_tag", Store::registry, ShardKey::number_tag,
                              "SELECT person_key FROM number_tag WHERE tag = $1");
const Statement claim_tag("identity.claim_tag", Store::registry, ShardKey::number_tag,
                          "INSERT INTO number_tag (tag, person_key) VALUES ($1, $2) ON CONFLICT (tag) DO NOTHING");
const Statement claim_person("identity.claim_person", Store::registry, ShardKey::person,
                             "INSERT INTO person (person_key, known_from, known_to, packed) VALUES ($1, $2, $3, $4) "
                             "ON CONFLICT (person_key, known_from) DO NOTHING");
const Statement close_person("identity.close_person", Store::registry, ShardKey::person,
                             "UPDATE person SET known_to = $2 WHERE person_key = $1 AND known_to = $3");
const Statement claim_section("identity.claim_section", Store::registry, ShardKey::person,
                              "INSERT INTO person_now (person_key, section, version, bytes) VALUES ($1, $2, $3, $4) "
                              "ON CONFLICT (person_key, section) DO NOTHING");
const Statement update_section("identity.update_section", Store::registry, ShardKey::person,
                               "UPDATE person_now SET version = $3, bytes = $4 "
                               "WHERE person_key = $1 AND section = $2 AND version = $5");
const Statement select_next_key("identity.select_next_key", Store::registry, ShardKey::none,
                                "SELECT next_key FROM key_counter WHERE id = 1");
const Statement raise_next_key("identity.raise_next_key", Store::registry, ShardKey::none,
                               "UPDATE key_counter SET next_key = $2 WHERE id = 1 AND next_key = $1");

PersonKey decode_key(const Row& row) {
    return PersonKey(row.integer(0));
}
std::int64_t decode_integer(const Row& row) {
    return row.integer(0);
}

}  // namespace

sql::Slot<PersonKey> load_by_tag(sql::ReadBatch& batch, const NumberTag& tag) {
    return batch.one(select_by_tag, decode_key, Blob{as_text(tag)});
}

void claim_tag_of(sql::WriteSet& set, PersonKey person, const NumberTag& tag) {
    set.guard(claim_tag, 1, Blob{as_text(tag)}, person.value());
}

void add_sealed_number(sql::WriteSet& set, PersonKey person, std::int64_t key_id, std::string_view sealed) {
    set.change(insert_individual_number, person.value(), Position::sequence, key_id, Blob{sealed});
}

void add_number(sql::WriteSet& set, PersonKey person, const NumberTag& tag, std::int64_t key_id,
                std::string_view sealed) {
    claim_tag_of(set, person, tag);
    add_sealed_number(set, person, key_id, sealed);
}

void add_person(sql::WriteSet& set, const Person& person) {
    const std::string packed = pack(person);
    set.guard(claim_person, 1, person.key.value(), Position::sequence, known_open, Blob{packed});
    set.change(insert_now_section, person.key.value(), Section::identity, Position::sequence, Blob{packed});
    index_reading(set, person);
}

void change_person(sql::WriteSet& set, const Person& person, std::int64_t version) {
    const std::string packed = pack(person);
    put_section_guarded(set, person.key, Section::identity, packed, version);
    set.change(close_person, person.key.value(), Position::sequence, known_open);
    set.change(insert_person, person.key.value(), Position::sequence, known_open, Blob{packed});
    index_reading(set, person);
}

void put_section_guarded(sql::WriteSet& set, PersonKey person, Section section, std::string_view bytes,
                         std::optional<std::int64_t> version) {
    if (version) {
        set.guard(update_section, 1, person.value(), section, Position::sequence, Blob{bytes}, *version);
    } else {
        set.guard(claim_section, 1, person.value(), section, Position::sequence, Blob{bytes});
    }
}

Task<Result<void>> KeyBlocks::reserve(std::int64_t count, Deadline deadline) {
    for (int tries = 0; end_ - next_ < count; ++tries) {
        if (tries == block_tries_max) co_return fail(ErrorCode::intake_busy, "key blocks");
        sql::ReadBatch batch;
        const auto next = batch.one(select_next_key, decode_integer);
        auto read = co_await database_.read(batch, deadline);
        if (!read) co_return fail(std::move(read));
        if (!next) co_return fail(ErrorCode::store_corrupt, "the key counter is missing");
        const std::int64_t size = std::max(count, block_size);
        sql::WriteSet set(Store::registry);
        set.guard(raise_next_key, 1, *next, *next + size);
        auto raised = co_await database_.commit(std::move(set), deadline);
        if (!raised && raised.error().code != ErrorCode::store_conflict) co_return fail(std::move(raised));
        if (!raised) continue;
        next_ = *next;
        end_ = *next + size;
    }
    co_return Result<void>();
}

std::int64_t KeyBlocks::take() {
    ENSURE(next_ < end_);
    return next_++;
}

}  // namespace onshi::identity
