#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/result.h"
#include "bench/bench_installation.h"
#include "bench/check_bench.h"
#include "cli/session.h"

namespace onshi::cli {

// The nation that benchmarks of checks run on, and how its hub is started.
struct BenchGround {
    std::unique_ptr<bench::BenchInstallation> installation;
    bench::CheckBenchOptions options;
};

// In `folder`/nation-PERSONS, made when it is missing; with a `store` (as the setting) in
// `folder`/nation-PERSONS-postgres and that database. Whatever the user's settings say: a benchmark is the same for
// everybody.
[[nodiscard]] Result<BenchGround> open_bench_ground(const std::filesystem::path& folder, std::uint64_t persons,
                                                    Session& session, const std::string& store = "");

}  // namespace onshi::cli
