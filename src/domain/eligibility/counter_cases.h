#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/coverage/model.h"
#include "domain/eligibility/model.h"
#include "platform/sql/database.h"

namespace onshi::eligibility {

// "No credential at the counter" (domain-rules §2.9): somebody who is known stood at a counter and no coverage was
// found. It is the work of the insurer whose record is missing, withheld or late.
struct CounterCase {
    InsurerNumber insurer;
    audit::Place answer{};
    CoverageKey record{0};  // the insurer's newest one of that person
    OrganisationKey facility{0};
    Date care_day;
    std::string cause;  // name of an outcome code
    Instant opened_at;
};
inline constexpr std::size_t counter_cases_page_max = 200;

// Whose case an answer is: the insurer of the newest record that was not taken back. nullopt: the answer found a
// coverage, disclosed nothing, or the person has no record at all.
[[nodiscard]] std::optional<CounterCase> counter_case_of(const Answer& answer, audit::Place place,
                                                         OrganisationKey facility,
                                                         std::span<const coverage::Coverage> records);
// The one whose insurer has to look: the newest that was not taken back. nullptr: there is none. Lives in `records`.
[[nodiscard]] const coverage::Coverage* newest_record(std::span<const coverage::Coverage> records);
// Whether the records of the answer's person have to be looked at.
[[nodiscard]] bool may_be_counter_case(const Answer& answer);

void open_counter_case(sql::WriteSet& set, const CounterCase& opened);
// The answer turned out otherwise: nobody has to look for it any more.
void close_counter_case(sql::WriteSet& set, audit::Place answer);

inline constexpr std::size_t cases_per_answer_max = 16;
[[nodiscard]] sql::Rows<CounterCase> load_open_cases(sql::ReadBatch& batch, audit::Place answer);
// The person's newest record is another one by now, perhaps another insurer's, as after a merge: the case goes there.
void move_counter_case(sql::WriteSet& set, CounterCase moved, const coverage::Coverage& to);

// Open ones of an insurer behind a place, in the order of the answers.
[[nodiscard]] Task<Result<std::vector<CounterCase>>> list_counter_cases(sql::Database& database, InsurerNumber insurer,
                                                                        audit::Place after, Deadline deadline);

}  // namespace onshi::eligibility
