#pragma once

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/organisations/model.h"
#include "platform/sql/database.h"

namespace onshi::organisations {

struct AccountOrder {
    Kind kind = Kind::facility;
    std::int64_t code = 0;  // as Organisation::code
    Account account;
};

// Lets people act in an organisation's name, and ends that; audited. Thread-safe; any loop.
class AccountService {
  public:
    AccountService(sql::Database& database, const Clock& clock, Random& random)
        : database_(database), clock_(clock), random_(random) {}
    // The account as it is from now on; the same again changes nothing. organisation.unknown; account.unknown for a
    // reference that is empty, too long, or holds an individual number.
    [[nodiscard]] Task<Result<void>> put(const AccountOrder& order, const audit::Actor& actor, Deadline deadline);

  private:
    sql::Database& database_;
    const Clock& clock_;
    Random& random_;
};

}  // namespace onshi::organisations
