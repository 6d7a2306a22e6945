#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "bench/check_bench.h"
#include "platform/sql/stores.h"

// The rehearsal at the size of a nation: what it takes to fill the registry, and what a check costs on it.
namespace onshi::bench {

// Of how many people a nation's registry is laid in by the loader, in the order of its keys, and how many are taken
// over by the ordinary intake afterwards, each matched with the resident register: nine tenths and one tenth, and
// changes of a twentieth. (Nobody needs the loader but a rehearsal: it is 20 times as fast.)
struct NationShares {
    std::uint64_t loaded = 0;
    std::uint64_t additions = 0;
    std::uint64_t changes = 0;
    std::uint64_t residents = 0;  // in the resident register, from whom the additions are taken
};
[[nodiscard]] NationShares shares_of(std::uint64_t persons);

// The bytes that people take on disk. The embedded resident register (the table `resident`) stands in for another
// system's data and is told apart.
struct NationSize {
    std::uint64_t persons = 0;  // in the registry
    std::uint64_t registry_bytes = 0;
    std::uint64_t ledger_bytes = 0;
    std::uint64_t bytes_before_compacting = 0;  // of both stores, as the intake left them
    std::vector<sql::TableSize> tables;         // of both stores, the largest first, each with its indexes
    [[nodiscard]] double bytes_per_person() const;
    [[nodiscard]] double resident_register_bytes_per_person() const;
    [[nodiscard]] double bytes_per_person_before_compacting() const;  // the register's apart, too
};

struct NationIntake {
    std::uint64_t records = 0;
    double seconds = 0;
    double peak_mb = 0;
};

struct FilledNation {
    NationIntake intake;
    NationSize size;  // after the intake and compacting, before any check
};

// Takes the nation's additions and changes over and compacts the stores, once: a second call finds it done and tells
// what the first measured. `installation` is a demo installation of shares_of(persons).loaded people that no hub runs
// on. bench.invalid; errors of the intake.
[[nodiscard]] Result<FilledNation> take_nation_in(const std::filesystem::path& installation, const NationShares& shares,
                                                  const Clock& clock, Random& random, const BenchProgress& progress);

struct NationGround {
    const CheckBenchOptions& checks;  // of people laid in by the loader: they have cards
    const CardSource& cards;
    FilledNation filled;
};

struct NationBenchOptions {
    std::chrono::milliseconds cold_duration{60'000};
    std::size_t cold_in_flight = 16;
};

struct NationSide {
    NationSize size;
    NationIntake intake;
    CheckPhase warm;  // closed loop, the registry in the page cache as far as it fits
};

struct NationTargets {
    double ratio_warm = 0.8;
    double ratio_cold = 0.5;
    double pages_per_check_cold = 2.5;
    double bytes_per_person = 1000;
};

struct NationBenchReport {
    Machine machine;
    NationSide base;                      // usually a million people
    NationSide nation;                    // the same as `base` when that is the size asked for
    CheckPhase cold;                      // on `nation`: the hub started anew, files dropped from the page cache
    double cached_share_before_cold = 0;  // of the registry, after the drop
    std::size_t in_flight = 0;

    [[nodiscard]] double checks_per_second_per_core() const { return nation.warm.load.good_per_second(); }
    [[nodiscard]] double ratio_warm() const;
    [[nodiscard]] double ratio_cold() const;  // of the base's warm figure
    // Bytes that the hub made the disk deliver, in pages of the registry.
    [[nodiscard]] double pages_per_check_cold() const;
    [[nodiscard]] bool reaches(const NationTargets& targets) const;
};

// Full load on the base and on the nation, then the nation cold. `base` may be `nation`. A report is given only for
// phases that can be believed; otherwise bench.invalid, also when the files could not be dropped from the cache.
[[nodiscard]] Result<NationBenchReport> run_nation_bench(const NationGround& base, const NationGround& nation,
                                                         const NationBenchOptions& options, const Clock& clock,
                                                         const BenchProgress& progress);

// For people; and one JSON object on one line: persons, checks_per_second_per_core, ratio_warm, ratio_cold,
// pages_per_check_cold, bytes_per_person, intake_records_per_second, tables.
[[nodiscard]] std::string to_text(const NationBenchReport& report, const NationTargets& targets);
[[nodiscard]] std::string to_json_line(const NationBenchReport& report);

}  // namespace onshi::bench
