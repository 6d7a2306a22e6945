#pragma once

#include "base/date.h"
#include "base/identifiers.h"

namespace onshi::hub {

// For the intake (coverage::RatioCheck): the record stays as it was sent, whatever the law says of it, and the insurer
// is told.
[[nodiscard]] bool is_unlawful_ratio(int percent, Date birth, InsurerNumber insurer, Date on);

}  // namespace onshi::hub
