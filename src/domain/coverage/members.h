#pragma once

#include <optional>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/coverage/store.h"
#include "platform/sql/database.h"

namespace onshi::coverage {

// A member as its insurer names it.
struct MemberName {
    InsurerNumber insurer;
    InsuredSymbolNumber insured;
    std::optional<BranchNumber> branch;
    Date birth;
};

struct FoundMember {
    PersonKey person{0};  // after a merge the current key
    CoverageKey record{0};
};

// The one person whom an insurer's own words mean; two of them are nobody. Void records are passed over. use.no_record.
[[nodiscard]] Task<Result<FoundMember>> find_member(sql::Database& database, const MemberName& member,
                                                    Deadline deadline);

}  // namespace onshi::coverage
