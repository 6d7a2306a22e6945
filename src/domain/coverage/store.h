#pragma once

#include <span>
#include <vector>

#include "domain/coverage/model.h"
#include "domain/identity/store.h"
#include "platform/sql/migrations.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/write_set.h"

namespace onshi::coverage {

// Records of one insurer, symbol and number: a household over all time. More is no insurer's real data, and then nobody
// is answered rather than somebody overlooked.
inline constexpr std::size_t same_number_max = 64;

[[nodiscard]] std::span<const sql::Migration> migrations();

// The person's records as known now; nullopt when the section's bytes are of another form, empty when there is none.
[[nodiscard]] std::optional<std::vector<Coverage>> coverages_of(const sql::Rows<identity::NowSection>& now);

struct NumberMatch {
    PersonKey person{0};
    CoverageKey coverage{0};
    std::optional<BranchNumber> branch;
};
// Every record with this insurer, symbol and number (comparison form N-1). Number and symbol together: some insurers
// count from 1 in every workplace. The read fails with store.corrupt for more than same_number_max.
[[nodiscard]] sql::Rows<NumberMatch> load_by_number(sql::ReadBatch& batch, InsurerNumber insurer,
                                                    const InsuredSymbolNumber& insured);

// The person's records as they were known at a registry commit, void ones included.
[[nodiscard]] sql::Rows<Coverage> load_known_at(sql::ReadBatch& batch, PersonKey person, std::int64_t known_seq);

// For loaders.
extern const sql::Statement insert_coverage;  // person_key, coverage_key, known_from, known_to, packed
extern const sql::Statement
    insert_coverage_number;  // insurer_number, number, symbol, branch (-1: none), person, coverage

}  // namespace onshi::coverage
