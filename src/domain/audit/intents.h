#pragma once

#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "platform/sql/database.h"

namespace onshi::audit {

inline constexpr std::chrono::seconds intent_age_swept{60};
inline constexpr std::size_t intents_per_sweep_max = 100;
// A bar must outlive every process that may still want to apply the change it forbids, a frozen one too.
inline constexpr std::chrono::hours intent_mark_kept{24 * 30};
inline constexpr std::size_t intent_marks_per_purge_max = 512;

// A change of the registry that must be audited, across two stores without a common commit (design §9.6): the ledger
// records the intent, the registry applies it once, the ledger records the outcome. Every step is durable before the
// next; what a crash leaves open, the sweep ends.
class AuditedChanges {
  public:
    AuditedChanges(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}

    // `change` is a write set of the registry; `payload` tells the record's reader what was changed. Gives the
    // registry's position. Errors: those of Database::commit; store.conflict when a guard of the change was lost
    // (recorded as not done).
    [[nodiscard]] Task<Result<sql::CommitPosition>> apply(Event event, const Actor& actor, std::string_view payload,
                                                          sql::WriteSet change, Deadline deadline);
    // Ends intents older than intent_age_swept; returns how many. Applied ones are recorded as done, the others are
    // barred for ever and recorded as not done.
    [[nodiscard]] Task<Result<std::size_t>> sweep(Deadline deadline);
    // Removes marks of the registry older than intent_mark_kept whose intents have ended, at most
    // intent_marks_per_purge_max in one write set; returns how many.
    [[nodiscard]] Task<Result<std::size_t>> forget_old(Deadline deadline);

  private:
    [[nodiscard]] Task<Result<void>> record_outcome(std::string intent_id, Event event, std::uint8_t done,
                                                    const Actor& actor, Deadline deadline);
    [[nodiscard]] Task<Result<std::uint8_t>> find_outcome(const std::string& intent_id, Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
};

}  // namespace onshi::audit
