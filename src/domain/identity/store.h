#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "domain/identity/model.h"
#include "platform/sql/migrations.h"
#include "platform/sql/parameters.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/statement.h"
#include "platform/sql/write_set.h"

namespace onshi::identity {

[[nodiscard]] std::span<const sql::Migration> migrations();

// The sections of `person_now`, one per slice.
enum class Section : std::uint8_t { identity = 1, coverage = 2, payments = 3 };
inline constexpr std::size_t sections_max = 8;
// `known_to` of what still counts. A version counts from `known_from` up to, and without, `known_to`.
inline constexpr std::int64_t known_open = std::numeric_limits<std::int64_t>::max();

struct NowSection {
    PersonKey person{0};
    Section section;
    std::int64_t version;  // the known_seq it was written at
    std::string bytes;
};

// Everything hot of one person, in one or two pages.
[[nodiscard]] sql::Rows<NowSection> load_now(sql::ReadBatch& batch, PersonKey person);
[[nodiscard]] const NowSection* find_section(const sql::Rows<NowSection>& now, Section section);
// Written by each slice in the write set that changes its history.
void put_section(sql::WriteSet& set, PersonKey person, Section section, std::string_view bytes);

// Whom a birth date and a reading lead to, also by names they had before; who is meant is for the person's own section
// to say. Sections that `put_section` writes are not indexed; add_person and change_person are.
inline constexpr std::size_t same_reading_max = 64;
// The number a reading is found by: of its form for comparison (domain-rules §2.5 MT-1). A name stands for a reading
// that is not registered. nullopt for a text that cannot be compared.
[[nodiscard]] std::optional<std::int64_t> reading_number(std::string_view kana_or_name);
// That form: hiragana as katakana, and folded. Empty for a text that cannot be compared.
[[nodiscard]] std::string folded_reading(std::string_view kana_or_name);
void index_reading(sql::WriteSet& set, const Person& person);
[[nodiscard]] sql::Rows<PersonKey> load_by_reading(sql::ReadBatch& batch, Date birth, std::int64_t reading);
extern const sql::Statement insert_reading;  // for loaders: birth, reading, person_key

// The person a merged key stands for now.
[[nodiscard]] sql::Slot<PersonKey> load_alias(sql::ReadBatch& batch, PersonKey person);
// The person's section of `person_now`; nullopt when there is none or its bytes are of another form.
[[nodiscard]] std::optional<Person> person_of(PersonKey key, const sql::Rows<NowSection>& now);

// For loaders: `known_from` and `version` are the sequence the load counts as.
extern const sql::Statement insert_person;       // person_key, known_from, known_to, packed
extern const sql::Statement insert_now_section;  // person_key, section, version, bytes

}  // namespace onshi::identity
