#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "bench/check_bench.h"
#include "bench/hub_process.h"

namespace onshi::bench {

using Loop = std::variant<ClosedLoop, ArrivalPlan>;

// One hub on one core and checks that come from another, phase by phase: sign, load, look at what it cost. Borrows
// options, cards and clock; owns the hub's process while it runs. Not thread-safe.
class HubUnderLoad {
  public:
    HubUnderLoad(const CheckBenchOptions& options, const CardSource& cards, const Clock& clock,
                 const BenchProgress& progress)
        : options_(options), cards_(cards), clock_(clock), progress_(progress) {}

    // bench.server. A hub that runs already is ended before.
    [[nodiscard]] Result<void> start();
    void stop() { hub_.reset(); }

    // Signs so many checks of distinct, uniformly drawn persons, bounded by prepared_requests_max. The hub has to run;
    // what was signed stays good when it is started anew, for 15 minutes.
    [[nodiscard]] Result<void> prepare(double count, std::string_view what);
    // Offers what was prepared. bench.invalid when the phase cannot be believed (find_fault); bench.server.
    [[nodiscard]] Result<CheckPhase> load(const Loop& loop, std::size_t connections, std::string_view what,
                                          double refused_share = refused_share_max);
    // prepare and load of a closed loop at a rate that is not known yet: a short one first, which also warms up.
    [[nodiscard]] Result<CheckPhase> full_load();
    // An open loop of that rate: signing, and offering what was signed.
    [[nodiscard]] Result<void> prepare_steady(double per_second, std::string_view what);
    [[nodiscard]] Result<CheckPhase> load_steady(double per_second, std::string_view what);
    [[nodiscard]] Result<CheckPhase> steady_load(double per_second, std::string_view what);

  private:
    [[nodiscard]] Result<LoadGenerator> connect(std::size_t connections) const;

    const CheckBenchOptions& options_;
    const CardSource& cards_;
    const Clock& clock_;
    const BenchProgress& progress_;
    std::optional<HubProcess> hub_;
    Prepared prepared_;
    std::uint64_t draws_ = 0;
};

// More than this are refused only while a hub is cold: its pages are not in memory yet.
inline constexpr double refused_share_max_cold = 0.05;

}  // namespace onshi::bench
