#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/eligibility/rules_corrections.h"
#include "platform/sql/database.h"

namespace onshi::eligibility {

// A facility was told one thing about a care day, and another is known now (domain-rules EL-3). Names the answer by its
// receipt and holds no personal data: the facility finds the visit in its own records.
struct CorrectionEvent {
    std::int64_t id = 0;  // grows; the next page begins behind the last one
    audit::Place answer{};
    Date care_day;
    ResultCode told = ResultCode::none;
    ResultCode now = ResultCode::none;
    ClaimHint hint = ClaimHint::ask_again;
    Instant made_at;
};
inline constexpr std::size_t corrections_page_max = 200;

// A change is compared once every check that may have been decided before it has left its record: longer than any
// check's deadline.
inline constexpr std::chrono::seconds correction_settle{60};
inline constexpr std::size_t answers_per_person_max = 5'000;
inline constexpr std::size_t corrections_rounds_max = 10'000;  // of one run; the next one goes on

struct CorrectionRun {
    std::uint64_t answers = 0;      // taken into the index by person
    std::uint64_t changes = 0;      // persons whose records became others
    std::uint64_t corrections = 0;  // events made
    std::uint64_t cases = 0;        // opened for insurers (counter_cases.h)
};

// Makes correction events behind the checks: nothing of it is on their path. Answers are indexed by person from the
// audit records; the registry's feed of changes is then compared with what was told. Each round is one write set of the
// ledger guarded by where it began, so that several processes do no harm. Delivery is pull, at least once.
class Corrections {
  public:
    Corrections(sql::Database& database, const Clock& clock) : database_(database), clock_(clock) {}
    [[nodiscard]] Task<Result<CorrectionRun>> run(std::chrono::seconds settle, Deadline deadline);
    // Of one facility, behind the given id, in order; at most corrections_page_max.
    [[nodiscard]] Task<Result<std::vector<CorrectionEvent>>> list(OrganisationKey facility, std::int64_t after,
                                                                  Deadline deadline);

  private:
    [[nodiscard]] Task<Result<void>> note_counter_cases(sql::WriteSet& set, const sql::Rows<audit::Record>& records,
                                                        const std::vector<std::optional<Answer>>& answers,
                                                        CorrectionRun& run, Deadline deadline);
    // Both give whether there is more.
    [[nodiscard]] Task<Result<bool>> index_lane(std::int64_t lane, CorrectionRun& run, Deadline deadline);
    [[nodiscard]] Task<Result<bool>> compare_page(Instant settled, CorrectionRun& run, Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
};

}  // namespace onshi::eligibility
