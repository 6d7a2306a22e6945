#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/console.h"
#include "cli/witness_file.h"
#include "domain/audit/service.h"
#include "platform/sql/database.h"

namespace onshi::cli {

// The newest record of each lane and, with a secrets folder, the public seal keys.
[[nodiscard]] Result<WitnessFile> read_heads(sql::Database& database, const std::string& secrets_folder);

// Walks the whole chain with progress.
[[nodiscard]] Result<audit::VerifyReport> verify_chain(sql::Database& database, audit::VerifyOptions options,
                                                       Console& console);

// audit.broken when the report has a finding.
[[nodiscard]] Result<void> without_finding(const audit::VerifyReport& report);

}  // namespace onshi::cli
