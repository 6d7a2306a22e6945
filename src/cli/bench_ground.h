#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/result.h"
#include "bench/bench_installation.h"
#include "bench/check_bench.h"
#include "cli/session.h"
#include "installation/demo_installation.h"

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

// The same in the folder that the options name; their desks are those of every benchmark. The hub's logs go to `work`.
[[nodiscard]] Result<BenchGround> open_bench_ground(installation::DemoOptions options,
                                                    const std::filesystem::path& work, Session& session);

}  // namespace onshi::cli
