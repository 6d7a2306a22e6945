#pragma once

#include <filesystem>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/identity/number_vault.h"
#include "exchange/insurer_files/member_import.h"

namespace onshi::bench {

// What one intake took.
struct IntakeRun {
    insurer_files::ImportReport report;
    double seconds = 0;
    double cpu_seconds = 0;  // user and system, all threads of this process
    double peak_mb = 0;      // anonymous memory of this process
};

// Takes a members' file over into the stores of a folder, from its first byte to the last durable commit, as
// `onshi member import` does. bench.invalid when the file does not end or rows are refused; errors of the intake.
[[nodiscard]] Result<IntakeRun> run_intake(const std::filesystem::path& store, const std::filesystem::path& file,
                                           const std::filesystem::path& result_file, const identity::NumberVault& vault,
                                           const Clock& clock, Random& random);

}  // namespace onshi::bench
