#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/coverage/model_intake.h"
#include "domain/identity/number_vault.h"
#include "platform/sql/database.h"

namespace onshi::coverage {

// An insurer's word that a withheld record is the right person's in spite of the difference (confirm-with-reason,
// MT-3).
struct Confirmation {
    InsurerNumber insurer;
    CoverageKey record{0};
    identity::ConfirmReason reason = identity::ConfirmReason::other;
    std::string evidence;  // what shows it: a document's number, at most evidence_bytes_max; no personal data
    std::string person;    // who says so
    audit::Actor actor{};  // from where; its reference is `person`
};
inline constexpr std::size_t evidence_bytes_max = 200;
inline constexpr std::size_t withheld_listed_max = 10'000;

// Where withheld records wait and are released. References outlive it; any loop.
class WithheldRecords {
  public:
    WithheldRecords(sql::Database& database, const Clock& clock, Random& random, const identity::NumberVault& vault)
        : database_(database), clock_(clock), random_(random), vault_(vault) {}

    // Open and waiting ones of an insurer, at most withheld_listed_max.
    [[nodiscard]] Task<Result<std::vector<WithheldCase>>> list(InsurerNumber insurer, Deadline deadline);
    // Severity 1 waits for a second person afterwards, the others can be seen at once. intake.not_held: no such open
    // record; intake.required: the individual number is missing or unknown, which no confirmation mends (AC-5), or the
    // evidence is empty or too long; intake.busy: somebody else decided at the same time.
    [[nodiscard]] Task<Result<WithheldCase>> confirm(Confirmation confirmation, Deadline deadline);
    // The second person's yes; `actor` names them. intake.not_held, intake.second_person, intake.busy.
    [[nodiscard]] Task<Result<WithheldCase>> approve(InsurerNumber insurer, CoverageKey record, audit::Actor actor,
                                                     Deadline deadline);

  private:
    [[nodiscard]] Task<Result<WithheldCase>> find(InsurerNumber insurer, CoverageKey record, WithheldState state,
                                                  Deadline deadline);
    [[nodiscard]] Task<Result<WithheldCase>> decide(WithheldCase decided, audit::Actor actor, Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
    const identity::NumberVault& vault_;
};

}  // namespace onshi::coverage
