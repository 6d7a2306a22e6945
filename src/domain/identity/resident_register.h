#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/identity/model_match.h"
#include "domain/identity/model_number.h"
#include "domain/identity/number_vault.h"
#include "platform/sql/database.h"

namespace onshi::identity {

inline constexpr std::size_t register_numbers_max = 65'536;

// The resident register (住基・J-LIS照会, domain-rules §2.5): asked by individual number only, never by name. A
// connector to a real one implements this; thread-safety is that of the event loop it is called on.
class ResidentRegister {
  public:
    virtual ~ResidentRegister() = default;
    // One answer per number and in their order; nullopt: the register does not know it. At most register_numbers_max
    // numbers. Errors: those of the connection (then nobody is matched, and the intake waits).
    [[nodiscard]] virtual Task<Result<std::vector<std::optional<Resident>>>> look_up(
        std::span<const IndividualNumber> numbers, Deadline deadline) = 0;
};

// A register that lies in the registry's own store, filled by `synth`: for the demo, tests and rehearsals.
class EmbeddedRegister final : public ResidentRegister {
  public:
    EmbeddedRegister(sql::Database& database, const NumberVault& vault) : database_(database), vault_(vault) {}
    [[nodiscard]] Task<Result<std::vector<std::optional<Resident>>>> look_up(std::span<const IndividualNumber> numbers,
                                                                             Deadline deadline) override;

  private:
    sql::Database& database_;
    const NumberVault& vault_;
};

}  // namespace onshi::identity
