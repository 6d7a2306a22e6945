#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "bench/check_bench.h"
#include "bench/intake_file.h"

namespace onshi::bench {

struct IntakeBenchOptions {
    std::filesystem::path installation;  // of a nation; only read
    std::filesystem::path folder;        // for copies of its stores and the file; emptied first
    std::uint64_t additions = 1'500'000;
    std::uint64_t changes = 500'000;
    // How checks are brought to a hub while the file is being taken over; its stores are those of beside_store(folder).
    // nullptr: not measured.
    const CheckBenchOptions* checks = nullptr;
    const CardSource* cards = nullptr;  // of `checks`
};
// Where that hub's copy of the stores lies while it is measured.
[[nodiscard]] std::filesystem::path beside_store(const std::filesystem::path& folder);

// Checks at half of what the hub can do, without and with an intake on the same stores and the same cores.
struct BesideIntake {
    double checks_per_second = 0;  // at full load, without an intake
    double p99_ms_idle = 0;
    double p99_ms_beside = 0;
    bool intake_lasted = false;  // to the end of the measured phase
    [[nodiscard]] double ratio() const { return p99_ms_idle > 0 ? p99_ms_beside / p99_ms_idle : 0; }
};

struct IntakeBenchReport {
    std::uint64_t persons = 0;
    std::uint64_t records = 0;
    std::uint64_t file_bytes = 0;
    std::uint64_t table_rows = 0;
    double intake_seconds = 0;
    double intake_cpu_seconds = 0;  // user and system, all threads
    double bare_seconds = 0;
    double peak_mb = 0;      // anonymous memory of the process during the intake
    double registry_mb = 0;  // grown by, after its log was written back
    Confusion confusion;
    std::optional<BesideIntake> beside;

    [[nodiscard]] double records_per_second() const { return static_cast<double>(records) / intake_seconds; }
    [[nodiscard]] double bare_records_per_second() const { return static_cast<double>(records) / bare_seconds; }
    [[nodiscard]] double ratio_to_bare_insert() const { return bare_seconds / intake_seconds; }
    [[nodiscard]] std::uint64_t planted_wrong_links() const { return confusion.total(Planted::wrong_link); }
    [[nodiscard]] std::uint64_t wrong_links_withheld() const { return confusion.withheld(Planted::wrong_link); }
    [[nodiscard]] double false_withhold_rate() const;
};

// One file of members into a nation, from its first byte to the last durable commit (reading it through first,
// validation, sealing of individual numbers, match with the resident register), and then the same rows by bare INSERT
// into another copy of the same store. bench.invalid when rows are refused or were not written. With `checks`, a third
// copy under a hub: the file is taken over by another process of low priority (nice 10) while checks come.
[[nodiscard]] Result<IntakeBenchReport> run_intake_bench(const IntakeBenchOptions& options, const Clock& clock,
                                                         Random& random,
                                                         const std::function<void(std::string_view)>& tell);

// For people; the figures as one JSON object on one line: records_per_second, ratio_to_bare_insert, peak_mb,
// planted_wrong_links, wrong_links_withheld, false_withhold_rate, and p99_ms_half_load, p99_ms_beside_intake,
// p99_ratio_beside_intake where an intake lasted long enough to measure them.
[[nodiscard]] std::string to_text(const IntakeBenchReport& report);
[[nodiscard]] std::string to_json_line(const IntakeBenchReport& report);

}  // namespace onshi::bench
