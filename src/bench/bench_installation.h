#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/time.h"
#include "bench/check_bench.h"
#include "bench/check_requests.h"
#include "hub/settings.h"

namespace onshi::bench {

// A demo installation (installation/demo_installation.h) with the keys of all its cards: the ground of a check bench.
// Owns nation, CAs and keys; thread-safe.
class BenchInstallation final : public CardSource {
  public:
    // Errors of read_demo_installation and of the files it names. `now` decides whose card is usable.
    [[nodiscard]] static Result<std::unique_ptr<BenchInstallation>> open(const std::filesystem::path& folder,
                                                                         Instant now);
    ~BenchInstallation() override;

    // Cards that are registered for use and neither expired, suspended nor revoked.
    [[nodiscard]] std::optional<BenchCard> card(std::uint64_t person) const override;

    // Everything that run_check_bench needs but durations: all desks as terminals, the hub's own identity for nginx,
    // and the command `program server run …` on free ports without a limit of rate. `settings` are those of hub.toml.
    // Errors: certificates and keys that cannot be read.
    [[nodiscard]] Result<CheckBenchOptions> options(const hub::Settings& settings, const std::filesystem::path& program,
                                                    const std::filesystem::path& work_folder) const;

  private:
    struct Parts;
    explicit BenchInstallation(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace onshi::bench
