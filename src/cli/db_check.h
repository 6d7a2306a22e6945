#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "platform/sql/database.h"

namespace onshi::cli {

// How many persons are recomputed together: three queries each, in one read batch.
inline constexpr std::size_t persons_per_check = 16;
inline constexpr std::size_t person_keys_per_read = 1024;

struct StoreCheckOptions {
    // Persons drawn by chance; nullopt: all of them.
    std::optional<std::uint64_t> sample;
    // Told now and then: persons recomputed, and how many there are to be.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

struct StoreCheckReport {
    std::uint64_t persons = 0;
    std::uint64_t coverages = 0;
    // What does not follow from the history, without personal data; nullopt: everything does.
    std::optional<std::string> finding;
};

// Recomputes what `person_now` holds of persons from the history tables and compares (design §9.4). Reads only; beside
// a working hub a person is read in one snapshot. `random` draws the sample. Errors: those of Database::read.
[[nodiscard]] Task<Result<StoreCheckReport>> check_person_now(sql::Database& database, const StoreCheckOptions& options,
                                                              Random& random);

}  // namespace onshi::cli
