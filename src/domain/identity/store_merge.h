#pragma once

#include <optional>
#include <string>

#include "domain/identity/model_number.h"
#include "domain/identity/store.h"

namespace onshi::identity {

// Keys that were merged into one person; more are too many to be one human's.
inline constexpr std::size_t aliases_per_person_max = 64;
inline constexpr std::size_t numbers_per_person_max = 16;

// The keys that stand for this person now, without its own; in their order.
[[nodiscard]] sql::Rows<PersonKey> load_merged_into(sql::ReadBatch& batch, PersonKey current);

// Individual numbers that came with a person, sealed, the oldest first. Of the person as it was made: what came with a
// merged key stays under that key, to which it is bound (design §9.2).
struct SealedNumber {
    std::int64_t key_id = 0;
    std::string sealed;
};
[[nodiscard]] sql::Rows<SealedNumber> load_sealed_numbers(sql::ReadBatch& batch, PersonKey person);

// Ends `merged`: from this commit on it is another name of `into`, and so is everybody who was merged into it before
// (aliases are one step long). Refused when its sections are not those that were read, or when it was merged already.
// Its history stays; whoever changes it at the same time loses a guard.
struct EndedPerson {
    PersonKey key{0};
    std::int64_t identity_version = 0;
    std::optional<std::int64_t> coverage_version;  // nullopt: there was no such section
};
void end_person(sql::WriteSet& set, const EndedPerson& merged, PersonKey into);
// The number leads to another person from now on.
void move_number_tag(sql::WriteSet& set, const NumberTag& tag, PersonKey from, PersonKey into);
// Refused when the section is not at that version any more; changes nothing.
void expect_section(sql::WriteSet& set, PersonKey person, Section section, std::int64_t version);

}  // namespace onshi::identity
