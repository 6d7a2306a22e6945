#pragma once

// Inside this folder only: what the commands of the noun `member` work on.
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/stores.h"
#include "domain/coverage/service_intake.h"
#include "domain/identity/number_vault.h"
#include "domain/identity/resident_register.h"
#include "platform/settings/settings.h"

namespace onshi::cli {

// The stores, the keys of individual numbers and the embedded resident register. Owns them; one thread.
class MemberParts {
  public:
    // Errors of Stores::open and hub::load_number_vault.
    [[nodiscard]] static Result<std::unique_ptr<MemberParts>> open(const settings::ResolvedSettings& settings,
                                                                   const Clock& clock, Random& random);
    [[nodiscard]] const coverage::IntakeParts& intake() const { return *intake_; }

  private:
    MemberParts(std::unique_ptr<Stores> stores, identity::NumberVault vault, const Clock& clock, Random& random,
                const identity::MatchPolicy& policy);
    std::unique_ptr<Stores> stores_;
    identity::NumberVault vault_;
    identity::EmbeddedRegister residents_;
    std::optional<coverage::IntakeParts> intake_;
};

}  // namespace onshi::cli
