#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/coverage/model_intake.h"
#include "domain/coverage/rules_intake.h"
#include "domain/identity/number_vault.h"
#include "domain/identity/resident_register.h"
#include "domain/identity/store_numbers.h"
#include "platform/sql/database.h"

namespace onshi::coverage {

// Says whether ratio and limit category of a record do not fit a person born on that day; empty: nobody judges them.
using RatioCheck = std::function<bool(const Coverage& record, Date birth, Date on)>;

// References outlive the intake.
struct IntakeParts {
    sql::Database& database;
    const Clock& clock;
    Random& random;
    const identity::NumberVault& vault;
    identity::ResidentRegister& residents;
    RatioCheck ratio_check = {};
    identity::MatchPolicy policy = {};
};

// A row with everything that can be known of it without the registry: its tag, and how it compares with the resident
// register. Making it is most of the work, and goes on while an earlier chunk is being committed.
struct PreparedRow {
    explicit PreparedRow(IntakeRow told) : row(std::move(told)) {}
    IntakeRow row;
    std::optional<identity::NumberTag> tag;
    std::optional<identity::Resident> resident;
    std::optional<identity::MatchReport> match;  // of additions and of changes with a name and a number
    std::uint64_t tag_hash = 0;                  // 0: no number
    std::uint64_t insured_hash = 0;              // of insurer, symbol and number in comparison form
};

// What one chunk of rows changes, and what is told of each row. Nothing is written before `set` is committed; it holds
// guards for everything it was decided on, so that a chunk decided on old knowledge is refused as a whole.
struct IntakePlan {
    explicit IntakePlan(sql::WriteSet changes) : set(std::move(changes)) {}
    sql::WriteSet set;
    std::vector<RowOutcome> outcomes;
};

// Turns rows of insurers into records (domain-rules §2): who the person is (by individual number, never by three data),
// whether the record may be seen (match with the resident register), and what changes. One intake per file; not
// thread-safe; several may work beside each other and a hub on one store.
class Intake {
  public:
    explicit Intake(const IntakeParts& parts) : parts_(parts), keys_(parts.database) {}

    // At most intake_chunk_rows_max + intake_chunk_overhang_max rows. Errors: those of the register.
    [[nodiscard]] Task<Result<std::vector<PreparedRow>>> prepare(std::vector<IntakeRow> rows, Deadline deadline);
    // Reads, decides and writes down the changes. The plan fails to commit (store.conflict) when others changed the
    // same persons since; then it is to be made again.
    [[nodiscard]] Task<Result<IntakePlan>> plan(std::span<const PreparedRow> rows, Deadline deadline);

  private:
    IntakeParts parts_;
    identity::KeyBlocks keys_;
};

}  // namespace onshi::coverage
