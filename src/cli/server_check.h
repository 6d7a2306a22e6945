#pragma once

#include <vector>

#include "base/time.h"
#include "cli/findings.h"
#include "hub/settings.h"

namespace onshi::cli {

// Looks at everything a hub needs to start, each thing by itself, and changes nothing but the epoch of the command
// line's audit lane. A hub may run meanwhile; then the ports are in use and it says so.
[[nodiscard]] std::vector<Finding> check_server(const hub::Settings& settings, Instant now);

}  // namespace onshi::cli
