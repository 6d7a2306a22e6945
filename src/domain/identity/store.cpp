#include "domain/identity/store.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/japanese_text.h"
#include "base/sha256.h"

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

const Statement insert_reading("identity.insert_reading", Store::registry, ShardKey::none,
                               "INSERT INTO person_reading (birth, reading, person_key) VALUES ($1, $2, $3)");

namespace {

const Statement add_reading("identity.add_reading", Store::registry, ShardKey::none,
                            "INSERT INTO person_reading (birth, reading, person_key) VALUES ($1, $2, $3) "
                            "ON CONFLICT (birth, reading, person_key) DO NOTHING");
const Statement select_by_reading("identity.select_by_reading", Store::registry, ShardKey::none,
                                  "SELECT person_key FROM person_reading WHERE birth = $1 AND reading = $2 "
                                  "ORDER BY person_key LIMIT $3");
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

std::string folded_reading(std::string_view kana_or_name) {
    const auto katakana = to_full_width_katakana(kana_or_name);
    if (!katakana) return {};
    auto folded = fold_for_comparison(*katakana);
    return folded ? std::move(folded->text) : std::string();
}

std::optional<std::int64_t> reading_number(std::string_view kana_or_name) {
    const std::string folded = folded_reading(kana_or_name);
    if (folded.empty()) return std::nullopt;
    const Sha256 digest = sha256(as_bytes(folded));
    ByteReader reader{Bytes(digest)};
    return reader.i64();
}

void index_reading(sql::WriteSet& set, const Person& person) {
    const auto reading = reading_number(person.kana.empty() ? person.name : person.kana);
    if (reading) set.change(add_reading, person.birth.days(), *reading, person.key.value());
}

sql::Rows<PersonKey> load_by_reading(sql::ReadBatch& batch, Date birth, std::int64_t reading) {
    return batch.many(select_by_reading, same_reading_max, decode_key, birth.days(), reading, same_reading_max);
}

sql::Slot<PersonKey> load_alias(sql::ReadBatch& batch, PersonKey person) {
    return batch.one(select_alias, decode_key, person.value());
}

std::optional<Person> person_of(PersonKey key, const sql::Rows<NowSection>& now) {
    const NowSection* section = find_section(now, Section::identity);
    return section == nullptr ? std::nullopt : unpack(key, section->bytes);
}

}  // namespace onshi::identity
