#pragma once

// Inside this folder only: the persons a chunk of rows touches, as they are while its rows are decided one by one.
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/coverage/delays.h"
#include "domain/coverage/model_intake.h"
#include "domain/coverage/store_intake.h"
#include "domain/identity/model.h"
#include "domain/identity/number_vault.h"
#include "domain/identity/store.h"

namespace onshi::coverage {

enum class RecordMark : std::uint8_t { kept, changed, fresh };

// One person: what the store holds, with what earlier rows of the chunk did to it.
struct PersonWork {
    identity::Person person;
    bool is_new = false;
    bool identity_changed = false;
    std::int64_t identity_version = 0;             // of the section that was read
    std::optional<std::int64_t> coverage_version;  // nullopt: no section yet
    std::vector<Coverage> records;
    // Beside `records`.
    std::vector<RecordMark> marks;
    std::vector<bool> was_open;                               // counted among the insurer's members before
    std::vector<bool> was_seen;                               // active before
    std::vector<std::optional<InsuredSymbolNumber>> insured;  // of fresh ones
    std::vector<std::optional<Date>> notified;                // when the insurer heard of it, where that is known
    std::vector<WithheldCase> withheld;
    std::vector<bool> withheld_changed;
    // A number that is to be sealed with the person; its tag is claimed by whoever made the person.
    std::optional<identity::IndividualNumber> new_number;
    bool touched = false;

    [[nodiscard]] bool records_changed() const;
    void put(const Coverage& record, std::optional<std::size_t> index, const InsuredSymbolNumber& told);
    [[nodiscard]] const WithheldCase* find_withheld(CoverageKey coverage) const;
    void put_withheld(WithheldCase withheld);
};

// Reads the sections of a person and its withheld records. nullopt sections are corrupt: store.corrupt.
struct PersonRead {
    sql::Rows<identity::NowSection> now;
    sql::Rows<WithheldCase> withheld;
};
[[nodiscard]] PersonRead read_person(sql::ReadBatch& batch, PersonKey person);
[[nodiscard]] Result<PersonWork> person_work(PersonKey key, const PersonRead& read);

// How members per insurer change by a commit. A value.
class MemberCounts {
  public:
    void add(InsurerNumber insurer, std::int64_t by) { changes_[insurer] += by; }
    void write(sql::WriteSet& set) const;

  private:
    std::unordered_map<InsurerNumber, std::int64_t> changes_;
};

struct WriteParts {
    const identity::NumberVault& vault;
    const Clock& clock;
    Random& random;
};
// The changes of one person as steps of the set; what becomes visible is counted.
[[nodiscard]] Result<void> write_person(sql::WriteSet& set, const PersonWork& work, const WriteParts& parts,
                                        MemberCounts& members, DelayCounts& delays);

}  // namespace onshi::coverage
