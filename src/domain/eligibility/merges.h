#pragma once

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/coverage/members.h"
#include "domain/coverage/service_merge.h"
#include "domain/identity/number_vault.h"
#include "platform/sql/database.h"

namespace onshi::eligibility {

// Two members, each named by an insurer's own words, who are said to be one human.
struct MergeOrder {
    coverage::MemberName one;
    coverage::MemberName other;
    coverage::MergeEvidence evidence;
};

struct MergeOutcome {
    bool merged = false;      // false: they were one already, and what an earlier try left open was ended
    std::size_t settled = 0;  // old keys whose use, consents or orders went to the present one
    coverage::PersonsMerged registry;
};

// Merges duplicates in both stores: first the registry, in one commit, then what the ledger holds of the old key — use
// as insurance card (the newer decision), consents (the stricter), orders of certificates. A run that died between the
// two is ended by the same call again. Cards need nothing: their holder's key leads to the present one. Thread-safe.
class Merges {
  public:
    Merges(sql::Database& database, const Clock& clock, Random& random, const identity::NumberVault& vault)
        : database_(database), clock_(clock), random_(random), vault_(vault) {}
    // person.unknown: one of the two is nobody; person.same: one and the same, and nothing was open; those of
    // coverage::MergeService; intake.busy when others change them all the time.
    [[nodiscard]] Task<Result<MergeOutcome>> merge(const MergeOrder& order, const audit::Actor& actor,
                                                   Deadline deadline);

  private:
    [[nodiscard]] Task<Result<MergeOutcome>> merge_once(const MergeOrder& order, const audit::Actor& actor,
                                                        Deadline deadline);
    [[nodiscard]] Task<Result<std::size_t>> settle(PersonKey survivor, const audit::Actor& actor, Deadline deadline);
    [[nodiscard]] Task<Result<bool>> settle_one(PersonKey survivor, PersonKey old, const audit::Actor& actor,
                                                Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
    const identity::NumberVault& vault_;
};

inline constexpr int merge_attempts_max = 3;

}  // namespace onshi::eligibility
