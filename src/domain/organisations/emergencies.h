#pragma once

#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/organisations/rules_emergencies.h"
#include "platform/sql/database.h"
#include "platform/sql/read_batch.h"

namespace onshi::organisations {

inline constexpr std::size_t disasters_listed_max = 500;
// Of one municipality that are not over by their days; more are refused as disaster.state.
inline constexpr std::size_t disasters_at_once_max = 64;

// Where a facility is. Absent: unknown, so no disaster opens anything for it.
[[nodiscard]] sql::Slot<MunicipalityCode> load_place(sql::ReadBatch& batch, OrganisationKey organisation);
// Those of a municipality whose last day is not before `today`, whatever their state.
[[nodiscard]] sql::Rows<Disaster> load_disasters(sql::ReadBatch& batch, MunicipalityCode municipality, Date today);

struct DisasterOrder {
    MunicipalityCode municipality;
    DateRange days;
};

// Declares outages and disasters; everything is audited, and the ledger alone is written, since it is what counters
// rest on. `actor.reference` names who decides: account.unknown when it is empty, too long, or holds an individual
// number. Thread-safe; any loop.
class Emergencies {
  public:
    Emergencies(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}

    // false: it stood like that before, and nothing was recorded.
    [[nodiscard]] Task<Result<bool>> declare_outage(Dependency dependency, audit::Actor actor, Deadline deadline);
    [[nodiscard]] Task<Result<bool>> lift_outage(Dependency dependency, audit::Actor actor, Deadline deadline);
    [[nodiscard]] Task<Result<std::vector<Outage>>> outages(Deadline deadline);

    // It opens nothing until a second person has confirmed it. disaster.period, disaster.state.
    [[nodiscard]] Task<Result<Disaster>> declare(DisasterOrder order, audit::Actor actor, Deadline deadline);
    // disaster.unknown, disaster.second_person (whoever declared it), disaster.state (confirmed or over).
    [[nodiscard]] Task<Result<Disaster>> confirm(std::int64_t id, audit::Actor actor, Deadline deadline);
    // Closing takes one person, and takes effect with the next look-up. disaster.unknown, disaster.state (over).
    [[nodiscard]] Task<Result<Disaster>> end(std::int64_t id, audit::Actor actor, Deadline deadline);
    // The newest first, disasters_listed_max of them.
    [[nodiscard]] Task<Result<std::vector<Disaster>>> list(Deadline deadline);

  private:
    [[nodiscard]] Task<Result<bool>> set_outage(Dependency dependency, Instant since, audit::Actor actor,
                                                Deadline deadline);
    [[nodiscard]] Task<Result<Disaster>> find(std::int64_t id, Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
};

// For loaders.
extern const sql::Statement insert_place;  // organisation_key, municipality

}  // namespace onshi::organisations
