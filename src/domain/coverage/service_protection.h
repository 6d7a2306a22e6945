#pragma once

#include <chrono>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/coverage/members.h"
#include "domain/coverage/store_protection.h"
#include "domain/identity/model.h"
#include "platform/sql/database.h"

namespace onshi::coverage {

// Whether a flag is set or taken back.
enum class ProtectionWish : std::uint8_t { set, clear };

[[nodiscard]] identity::Protection with_flag(identity::Protection before, ProtectionFlag flag, ProtectionWish wish);

// What counts from now on, and which flags somebody asked to clear who waits for a second person.
struct ProtectionStanding {
    identity::Protection flags;
    identity::Protection waiting;
};

// A wish to clear a flag that nobody seconded for so long counts no more.
inline constexpr std::chrono::hours void_wish_life{24 * 14};

// Sets or clears protection flags of a person whom an insurer names. One person sets a flag, at once; clearing one that
// protects somebody takes two (ux MU-03): the first call leaves a wish, the same call by another person within
// void_wish_life clears it, and setting the flag again ends the wish. Each step is audited; what a provider sees stays
// ordinary. Thread-safe; any loop.
class ProtectionService {
  public:
    ProtectionService(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}
    // The same again changes nothing. use.no_record; intake.second_person: the wish is the same person's;
    // intake.required: a flag is to be cleared by nobody; intake.busy when others change the person all the time.
    [[nodiscard]] Task<Result<ProtectionStanding>> apply(const MemberName& member, ProtectionFlag flag,
                                                         ProtectionWish wish, const audit::Actor& actor,
                                                         Deadline deadline);

  private:
    [[nodiscard]] Task<Result<ProtectionStanding>> apply_once(const MemberName& member, ProtectionFlag flag,
                                                              ProtectionWish wish, const audit::Actor& actor,
                                                              Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
};

inline constexpr int protection_attempts_max = 3;

}  // namespace onshi::coverage
