#include "domain/identity/store_merge.h"

#include "domain/identity/store_numbers.h"

namespace onshi::identity {

namespace {

using sql::Blob;
using sql::Position;
using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement select_merged_into("identity.select_merged_into", Store::registry, ShardKey::person,
                                   "SELECT person_key FROM person_alias WHERE current_key = $1 "
                                   "ORDER BY person_key LIMIT $2");
const Statement select_sealed("identity.select_sealed_numbers", Store::registry, ShardKey::person,
                              "SELECT key_id, sealed FROM individual_number WHERE person_key = $1 "
                              "ORDER BY known_from LIMIT $2");
const Statement claim_alias("identity.claim_alias", Store::registry, ShardKey::person,
                            "INSERT INTO person_alias (person_key, current_key) VALUES ($1, $2) "
                            "ON CONFLICT (person_key) DO NOTHING");
const Statement shorten_aliases("identity.shorten_aliases", Store::registry, ShardKey::none,
                                "UPDATE person_alias SET current_key = $2 WHERE current_key = $1");
const Statement keep_section(
    "identity.keep_section", Store::registry, ShardKey::person,
    "UPDATE person_now SET version = $3 WHERE person_key = $1 AND section = $2 AND version = $3");
const Statement delete_now("identity.delete_now", Store::registry, ShardKey::person,
                           "DELETE FROM person_now WHERE person_key = $1");
const Statement end_version("identity.end_version", Store::registry, ShardKey::person,
                            "UPDATE person SET known_to = $2 WHERE person_key = $1 AND known_to = $3");
const Statement update_tag("identity.update_tag", Store::registry, ShardKey::number_tag,
                           "UPDATE number_tag SET person_key = $3 WHERE tag = $1 AND person_key = $2");

}  // namespace

sql::Rows<PersonKey> load_merged_into(sql::ReadBatch& batch, PersonKey current) {
    return batch.many(
        select_merged_into, aliases_per_person_max, +[](const Row& row) { return PersonKey(row.integer(0)); },
        current.value(), aliases_per_person_max);
}

sql::Rows<SealedNumber> load_sealed_numbers(sql::ReadBatch& batch, PersonKey person) {
    return batch.many(
        select_sealed, numbers_per_person_max,
        +[](const Row& row) { return SealedNumber{row.integer(0), std::string(row.blob(1))}; }, person.value(),
        numbers_per_person_max);
}

void expect_section(sql::WriteSet& set, PersonKey person, Section section, std::int64_t version) {
    set.guard(keep_section, 1, person.value(), section, version);
}

void end_person(sql::WriteSet& set, const EndedPerson& merged, PersonKey into) {
    expect_section(set, merged.key, Section::identity, merged.identity_version);
    if (merged.coverage_version) {
        expect_section(set, merged.key, Section::coverage, *merged.coverage_version);
    } else {
        // Nobody gave it a first record meanwhile.
        put_section_guarded(set, merged.key, Section::coverage, {}, std::nullopt);
    }
    set.guard(claim_alias, 1, merged.key.value(), into.value());
    set.change(shorten_aliases, merged.key.value(), into.value());
    set.change(delete_now, merged.key.value());
    set.change(end_version, merged.key.value(), Position::sequence, known_open);
}

void move_number_tag(sql::WriteSet& set, const NumberTag& tag, PersonKey from, PersonKey into) {
    set.change(update_tag, Blob{as_text(tag)}, from.value(), into.value());
}

}  // namespace onshi::identity
