#pragma once

#include <optional>
#include <string_view>

#include "domain/identity/model_match.h"
#include "domain/identity/model_number.h"
#include "domain/identity/number_vault.h"
#include "domain/identity/store.h"
#include "platform/sql/database.h"

namespace onshi::identity {

// The intake's own tables: tags and sealed numbers. No answer, log or other slice's table holds any of it.

// The person an individual number belongs to.
[[nodiscard]] sql::Slot<PersonKey> load_by_tag(sql::ReadBatch& batch, const NumberTag& tag);
// Refused (a lost guard) when the tag belongs to somebody by now. Many are claimed in the order of their tags: that is
// how the index lies on the disk.
void claim_tag_of(sql::WriteSet& set, PersonKey person, const NumberTag& tag);
void add_sealed_number(sql::WriteSet& set, PersonKey person, std::int64_t key_id, std::string_view sealed);
// Both.
void add_number(sql::WriteSet& set, PersonKey person, const NumberTag& tag, std::int64_t key_id,
                std::string_view sealed);

// A new person; refused when the key is taken.
void add_person(sql::WriteSet& set, const Person& person);
// The register's news of a person: closes the version that counts and opens the next. `version`: that of the section
// that was read; refused when it is not the newest any more.
void change_person(sql::WriteSet& set, const Person& person, std::int64_t version);
// A section that was absent, or whose version was read. Refused when somebody else wrote it since.
void put_section_guarded(sql::WriteSet& set, PersonKey person, Section section, std::string_view bytes,
                         std::optional<std::int64_t> version);

// Gives out keys of persons and coverages in blocks, so that they grow with time and never meet (design §9.2). Keys
// begin at first_counted_key: loaders number below it. Not thread-safe; what a crash leaves of a block is never used.
class KeyBlocks {
  public:
    static constexpr std::int64_t first_counted_key = 1'000'000'000'000;
    static constexpr std::int64_t block_size = 65'536;
    explicit KeyBlocks(sql::Database& database) : database_(database) {}
    // Makes sure that `count` keys can be taken without the store. intake.busy when others take blocks all the time.
    [[nodiscard]] Task<Result<void>> reserve(std::int64_t count, Deadline deadline);
    // Of the reserved ones.
    [[nodiscard]] std::int64_t take();

  private:
    sql::Database& database_;
    std::int64_t next_ = 0;
    std::int64_t end_ = 0;
};

// For loaders.
extern const sql::Statement insert_number_tag;         // tag, person_key
extern const sql::Statement insert_individual_number;  // person_key, known_from, key_id, sealed
extern const sql::Statement insert_resident;           // tag, packed

}  // namespace onshi::identity
