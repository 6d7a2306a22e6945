#pragma once

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/cards/model.h"
#include "platform/sql/database.h"

namespace onshi::cards {

enum class SuspensionWish : std::uint8_t { suspend, resume };

struct SuspensionResult {
    Suspension suspension;
    sql::CommitPosition position;  // sequence 0: nothing had to change
};

// A change that lost a race looks again this often.
inline constexpr int suspension_attempts_max = 3;

// Suspends or resumes a card (domain-rules §8.5), also a renewed one that was not seen yet; effective for the next
// check everywhere, with its audit record. Suspending what is suspended is a no-op. Errors: card.unknown, and those of
// the database. Thread-safe.
class SuspensionService {
  public:
    SuspensionService(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}
    [[nodiscard]] Task<Result<SuspensionResult>> apply(const CardKey& key, SuspensionWish wish,
                                                       const audit::Actor& actor, Deadline deadline);

  private:
    [[nodiscard]] Task<Result<SuspensionResult>> apply_once(const CardKey& key, SuspensionWish wish,
                                                            const audit::Actor& actor, Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
};

}  // namespace onshi::cards
