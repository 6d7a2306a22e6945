#include "domain/identity/store.h"

#include <algorithm>

namespace onshi::identity {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_person("identity.insert_person", Store::registry, ShardKey::person,
                              "INSERT INTO person (person_key, known_from, known_to, packed) VALUES ($1, $2, $3, $4)");
const Statement insert_now_section("identity.insert_now_section", Store::registry, ShardKey::person,
                                   "INSERT INTO person_now (person_key, section, version, bytes) "
                                   "VALUES ($1, $2, $3, $4)");

namespace {

const Statement select_now("identity.select_now", Store::registry, ShardKey::person,
                           "SELECT person_key, section, version, bytes FROM person_now WHERE person_key = $1 "
                           "ORDER BY section");
const Statement upsert_now("identity.upsert_now", Store::registry, ShardKey::person,
                           "INSERT INTO person_now (person_key, section, version, bytes) VALUES ($1, $2, $3, $4) "
                           "ON CONFLICT (person_key, section) DO UPDATE SET version = excluded.version, "
                           "bytes = excluded.bytes");
const Statement select_alias("identity.select_alias", Store::registry, ShardKey::person,
                             "SELECT current_key FROM person_alias WHERE person_key = $1");

NowSection decode_now(const Row& row) {
    return {PersonKey(row.integer(0)), static_cast<Section>(row.integer(1)), row.integer(2), std::string(row.blob(3))};
}

PersonKey decode_key(const Row& row) {
    return PersonKey(row.integer(0));
}

}  // namespace

sql::Rows<NowSection> load_now(sql::ReadBatch& batch, PersonKey person) {
    return batch.many(select_now, sections_max, decode_now, person.value());
}

const NowSection* find_section(const sql::Rows<NowSection>& now, Section section) {
    const auto found = std::ranges::find(now.get(), section, &NowSection::section);
    return found == now.get().end() ? nullptr : &*found;
}

void put_section(sql::WriteSet& set, PersonKey person, Section section, std::string_view bytes) {
    set.change(upsert_now, person.value(), section, sql::Position::sequence, sql::Blob{bytes});
}

sql::Slot<PersonKey> load_alias(sql::ReadBatch& batch, PersonKey person) {
    return batch.one(select_alias, decode_key, person.value());
}

std::optional<Person> person_of(PersonKey key, const sql::Rows<NowSection>& now) {
    const NowSection* section = find_section(now, Section::identity);
    return section == nullptr ? std::nullopt : unpack(key, section->bytes);
}

}  // namespace onshi::identity
