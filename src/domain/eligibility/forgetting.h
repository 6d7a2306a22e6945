#pragma once

#include <chrono>
#include <cstddef>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/sql/database.h"

namespace onshi::eligibility {

// How long a guard is of use. A challenge cannot be used after its expiry; hubs whose clocks differ agree on that
// later. A look-up by number may be repeated under its check id for a day, and so may consents (they live that long).
// The count of visual checks is looked at on its care day, which for a deferred check lies up to 72 hours back.
inline constexpr std::chrono::minutes challenge_kept_after_expiry{60};
inline constexpr std::chrono::hours check_id_life{24};
inline constexpr std::chrono::hours given_consents_kept{24};
inline constexpr int visual_uses_kept_days = 7;
// A payment under a subsidy may be posted until the end of the month after the visit.
inline constexpr std::chrono::hours subsidy_choices_kept{24 * 75};

// A slice is one write set; it delays the checks beside it by about a millisecond. A round, called once a second, keeps
// up with 30,000 checks/s and ends a backlog in several rounds.
inline constexpr std::size_t rows_per_slice_max = 512;
inline constexpr std::size_t slices_per_round_max = 64;

// Removes what is of no use any more, in slices, with other work between them. Returns how many rows.
[[nodiscard]] Task<Result<std::size_t>> forget_old(sql::Database& database, Instant now, Deadline deadline);

}  // namespace onshi::eligibility
