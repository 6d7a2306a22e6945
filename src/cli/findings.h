#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "cli/console.h"
#include "cli/exit.h"

namespace onshi::cli {

// One thing that was looked at: what it is, what was seen, and why it is not as it should be.
struct Finding {
    std::string name;
    std::string seen;
    std::optional<Error> error;
};

// A list for people, or one JSON object `onshi.findings/1`. Exit: done when nothing is wrong, else that of the first
// error.
[[nodiscard]] Exit show_findings(Console& console, const std::vector<Finding>& findings);

}  // namespace onshi::cli
