#pragma once

#include <optional>

#include "base/identifiers.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/sql/database.h"

namespace onshi::cards {

// Certificates of one holder, renewed every few years.
inline constexpr std::size_t renewals_followed_max = 64;

// Whose certificate it is that no card of the registry has.
struct RenewedFrom {
    PersonKey person;
    bool suspended = false;  // by the holder, while one of the earlier certificates was in use
};

// Walks back from a renewed certificate to the first earlier one that a card has; only renewals that are in force at
// `at` count. nullopt: nobody is on file. Errors: certificate.renewal_cycle for a loop and for too long a chain, and
// those of the database.
[[nodiscard]] Task<Result<std::optional<RenewedFrom>>> find_renewed_from(sql::Database& database, CardKey renewed,
                                                                         Instant at, Deadline deadline);

}  // namespace onshi::cards
