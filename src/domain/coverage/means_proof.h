#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/coverage/rules_paper.h"
#include "domain/coverage/store_paper.h"
#include "platform/sql/database.h"

namespace onshi::coverage {

// Persons that one pass holds in memory (about 20 bytes each); a larger nation takes several passes, each with a walk
// over all cards.
inline constexpr std::size_t proof_persons_per_pass = 4'000'000;
inline constexpr std::size_t proof_page_rows = 2'000;
// Suspensions that are held at once; a nation has some ten thousand at a time.
inline constexpr std::size_t proof_suspensions_max = 5'000'000;

// What a run of the proof found. `without` are the violations of QC-1 (domain-rules §1.10): insured today, and neither
// a working card nor a certificate.
struct MeansReport {
    std::uint64_t insured = 0;
    std::uint64_t by_card = 0;
    std::uint64_t by_paper = 0;
    std::uint64_t without = 0;
    std::array<std::uint64_t, paper_reasons> owed{};  // by reason; with those whose card will stop working
    std::uint64_t orders_opened = 0;
    std::uint64_t orders_fallen = 0;  // not needed any more
    bool complete = true;             // false: it was stopped
};

struct ProofOptions {
    Date day;
    std::size_t persons_per_pass = proof_persons_per_pass;  // at least 1; tests take few
    std::function<void(std::uint64_t persons)> progress;
    std::function<bool()> stop;
};

// Walks over everybody who is insured on the day and proves that each has a usable means, or opens an order for a
// certificate with each insurer that covers them: the orders are the list of violations. An order whose reason has gone
// falls. Reads page by page, so that it stands in nobody's way, and gives the loop away at every page; memory is
// bounded by persons_per_pass. A second run beside it does no harm.
[[nodiscard]] Task<Result<MeansReport>> prove_means(sql::Database& database, const Clock& clock,
                                                    const ProofOptions& options);

}  // namespace onshi::coverage
