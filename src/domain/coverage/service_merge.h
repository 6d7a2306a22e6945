#pragma once

#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/coverage/rules_merge.h"
#include "domain/identity/number_vault.h"
#include "platform/sql/database.h"

namespace onshi::coverage {

struct MergeEvidence {
    std::string evidence;     // what shows that both are one: a document's number, at most evidence_bytes_max
    std::string approved_by;  // a second person, needed where the two differ much; empty: none
};

struct PersonsMerged {
    PersonKey survivor{0};
    PersonKey other{0};
    identity::Severity severity = identity::Severity::none;
    std::size_t records_moved = 0;
    std::size_t records_void = 0;  // that were told twice
};

// The registry's half of a merge (domain-rules §2.7, design §9.2): one person ends and is another name of the other.
// The one with an individual number survives, of two alike the older. Thread-safe; any loop.
class MergeService {
  public:
    MergeService(sql::Database& database, const Clock& clock, Random& random, const identity::NumberVault& vault)
        : database_(database), clock_(clock), random_(random), vault_(vault) {}
    // person.same: they are one already; person.conflict: they differ much and nobody approved, or whoever approved is
    // who asked (`actor`); intake.required: no evidence, or too much; intake.too_many_records: of both together;
    // store.conflict: somebody changed one of them at the same time.
    [[nodiscard]] Task<Result<PersonsMerged>> merge(PersonKey one, PersonKey other, const MergeEvidence& evidence,
                                                    const audit::Actor& actor, Deadline deadline);

  private:
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
    const identity::NumberVault& vault_;
};

}  // namespace onshi::coverage
