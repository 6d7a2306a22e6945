#pragma once

#include <optional>

#include "domain/cards/model.h"
#include "domain/cards/rules_use.h"
#include "domain/eligibility/model.h"
#include "domain/organisations/model.h"

namespace onshi::eligibility {

// Through which channel a terminal registers uses (domain-rules §8.1); nullopt: it may not.
[[nodiscard]] std::optional<cards::Channel> channel_of(const organisations::Terminal& terminal);

// What the card was asked to sign for; nullopt for a check.
[[nodiscard]] std::optional<cards::UseWish> wish_of(Purpose purpose);

}  // namespace onshi::eligibility
