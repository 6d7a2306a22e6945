#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace onshi::bench {

// PostgreSQL's own load tool on the statements of a check. Everybody's certificates have the serial numbers that
// `onshi synth` gives them.
struct PgbenchOrder {
    std::string address;
    std::filesystem::path folder;  // for the scripts
    std::string tools;             // folder of pgbench
    std::uint64_t persons = 0;
    int clients = 32;
    std::chrono::seconds duration{10};
};

enum class PgbenchScript : std::uint8_t { read, insert, check };

// Makes empty copies of the tables that a check writes, and removes them when it goes.
class PgbenchReference {
  public:
    // bench.reference when psql or pgbench is missing or fails.
    [[nodiscard]] static Result<PgbenchReference> prepare(PgbenchOrder order);
    PgbenchReference(PgbenchReference&& other) noexcept;
    PgbenchReference& operator=(PgbenchReference&&) = delete;
    ~PgbenchReference();
    // Transactions a second.
    [[nodiscard]] Result<double> run(PgbenchScript script) const;

  private:
    explicit PgbenchReference(PgbenchOrder order) : order_(std::move(order)) {}
    PgbenchOrder order_;
    std::string authority_;  // the CA of most certificates
    bool prepared_ = false;
};

// A named statement of the hub as pgbench takes it: `$n` becomes the n-th of `values`. nullopt: no such statement.
[[nodiscard]] std::string with_values(std::string_view statement, std::initializer_list<std::string_view> values);

// The rate that pgbench printed; negative when it printed none.
[[nodiscard]] double parse_pgbench_rate(std::string_view output);

}  // namespace onshi::bench
