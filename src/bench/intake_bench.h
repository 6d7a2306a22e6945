#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "bench/intake_file.h"

namespace onshi::bench {

struct IntakeBenchOptions {
    std::filesystem::path installation;  // of a nation; only read
    std::filesystem::path folder;        // for copies of its stores and the file; emptied first
    std::uint64_t additions = 1'500'000;
    std::uint64_t changes = 500'000;
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

    [[nodiscard]] double records_per_second() const { return static_cast<double>(records) / intake_seconds; }
    [[nodiscard]] double bare_records_per_second() const { return static_cast<double>(records) / bare_seconds; }
    [[nodiscard]] double ratio_to_bare_insert() const { return bare_seconds / intake_seconds; }
    [[nodiscard]] std::uint64_t planted_wrong_links() const { return confusion.total(Planted::wrong_link); }
    [[nodiscard]] std::uint64_t wrong_links_withheld() const { return confusion.withheld(Planted::wrong_link); }
    [[nodiscard]] double false_withhold_rate() const;
};

// One file of members into a nation, from its first byte to the last durable commit (reading it through first,
// validation, sealing of individual numbers, match with the resident register), and then the same rows by bare INSERT
// into another copy of the same store. bench.invalid when rows are refused or were not written.
[[nodiscard]] Result<IntakeBenchReport> run_intake_bench(const IntakeBenchOptions& options, const Clock& clock,
                                                         Random& random,
                                                         const std::function<void(std::string_view)>& tell);

// For people; the six figures as one JSON object on one line: records_per_second, ratio_to_bare_insert, peak_mb,
// planted_wrong_links, wrong_links_withheld, false_withhold_rate.
[[nodiscard]] std::string to_text(const IntakeBenchReport& report);
[[nodiscard]] std::string to_json_line(const IntakeBenchReport& report);

}  // namespace onshi::bench
