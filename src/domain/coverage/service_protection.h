#pragma once

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/coverage/members.h"
#include "domain/identity/model.h"
#include "platform/sql/database.h"

namespace onshi::coverage {

// Which of the two flags (domain-rules §2.8), and whether it is set or taken back. They are independent.
enum class ProtectionFlag : std::uint8_t { hide_history, block_self_information };
enum class ProtectionWish : std::uint8_t { set, clear };

[[nodiscard]] identity::Protection with_flag(identity::Protection before, ProtectionFlag flag, ProtectionWish wish);

// Sets or clears protection flags of a person whom an insurer names. Who did it is audited; what a provider sees stays
// ordinary. Thread-safe; any loop.
class ProtectionService {
  public:
    ProtectionService(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}
    // What counts from now on; the same again changes nothing. use.no_record; intake.busy when others change the person
    // all the time.
    [[nodiscard]] Task<Result<identity::Protection>> apply(const MemberName& member, ProtectionFlag flag,
                                                           ProtectionWish wish, const audit::Actor& actor,
                                                           Deadline deadline);

  private:
    [[nodiscard]] Task<Result<identity::Protection>> apply_once(const MemberName& member, ProtectionFlag flag,
                                                                ProtectionWish wish, const audit::Actor& actor,
                                                                Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
};

inline constexpr int protection_attempts_max = 3;

}  // namespace onshi::coverage
