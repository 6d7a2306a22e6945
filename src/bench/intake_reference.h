#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "base/result.h"
#include "base/time.h"
#include "domain/identity/number_vault.h"

namespace onshi::bench {

struct BareInsert {
    std::uint64_t rows = 0;  // of tables
    std::chrono::nanoseconds time{0};
};

// What tells the intake's rows from those that were there.
struct Before {
    std::int64_t known_seq = 0;  // the registry's last commit before it
    Instant withheld_since;      // records that were withheld by then
};

// What an intake wrote, once more: takes every row that `after` has and `before` had not, in the order in which the
// intake wrote them, and puts it into `before` by prepared INSERTs (an UPDATE where a version was closed) on the same
// tables and indexes: no parsing, no reading, no decisions, no keys. One writer with 256 MB of page cache, commits
// every half million rows without waiting for the disk: the floor of what these rows cost. Only statements and commits
// are timed.
[[nodiscard]] Result<BareInsert> insert_bare(const std::filesystem::path& after, const std::filesystem::path& before,
                                             const Before& known, const identity::NumberVault& vault);

}  // namespace onshi::bench
