#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/sql/database.h"

namespace onshi::identity {

// Versions of persons that one write set indexes.
inline constexpr std::size_t readings_per_step_max = 1'024;

struct ReadingPass {
    std::int64_t indexed = 0;     // versions of persons, of the whole pass
    std::int64_t unreadable = 0;  // of this step: of another form, or with a name that cannot be compared
    bool done = false;
};

// Registries that were filled before `person_reading` was there lead nobody from a birth date and a reading to the
// persons they held then. This pass walks over all versions of all persons, so that former names are found as well. A
// step is one write set that also says how far the pass is: it goes on where it was stopped, beside running hubs, and
// two that run at once do the work once. Persons who come meanwhile are indexed by whoever writes them.
//
// store.conflict when another pass was quicker with this step; errors of the database. A step of a pass that is done
// does nothing.
[[nodiscard]] Task<Result<ReadingPass>> index_older_persons(sql::Database& database, Deadline deadline);

}  // namespace onshi::identity
