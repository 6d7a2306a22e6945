#pragma once

#include <optional>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/organisations/model.h"
#include "platform/sql/database.h"

namespace onshi::organisations {

struct FacilityPlace {
    Organisation facility;
    std::optional<MunicipalityCode> municipality;  // nullopt: unknown, so no disaster opens anything for it
};

// account.unknown where a record would not say who decides: no reference, a long one, or an individual number.
[[nodiscard]] Result<void> check_deciding_person(const audit::Actor& actor);

// Where facilities are, by municipality: what decides whose desks a disaster is open for (domain-rules §6.6). Changes
// are audited; hubs see them with the next look-up. Thread-safe; any loop.
class Places {
  public:
    Places(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}
    // organisation.unknown.
    [[nodiscard]] Task<Result<FacilityPlace>> find(FacilityCode facility, Deadline deadline);
    // The place as it is from now on. false: it stood like that before, and nothing was recorded. organisation.unknown;
    // account.unknown for an actor's reference that is empty, too long, or holds an individual number.
    [[nodiscard]] Task<Result<bool>> put(FacilityCode facility, MunicipalityCode municipality,
                                         const audit::Actor& actor, Deadline deadline);

  private:
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
};

}  // namespace onshi::organisations
