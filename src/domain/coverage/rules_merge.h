#pragma once

#include <span>
#include <vector>

#include "domain/coverage/model.h"
#include "domain/identity/model.h"
#include "domain/identity/rules_match.h"

namespace onshi::coverage {

// How much two persons differ who are said to be one (domain-rules §2.7): by their registered data, as in a match with
// the resident register. Two that each have an individual number are two people until somebody shows otherwise:
// another_person.
[[nodiscard]] identity::Severity merge_severity(const identity::Person& one, const identity::Person& other,
                                                bool both_have_numbers);

// The stricter of two: what protects one of them protects both.
[[nodiscard]] identity::Protection stricter(const identity::Protection& one, const identity::Protection& other);

enum class MergedFrom : std::uint8_t { survivor, other };

// A record of the person that both become.
struct MergedRecord {
    Coverage record;
    MergedFrom from = MergedFrom::survivor;
    bool changed = false;  // against what its person held
};

// The records of both, those of the survivor first and in their order. The same acquisition of the same insured number
// in both counts once: a record that is seen goes before one that waits, the survivor's before the other's; the one
// that stays takes over the other's end, which was news of the same coverage; the other becomes void. Nothing is lost:
// void records stay on file.
[[nodiscard]] std::vector<MergedRecord> merge_records(std::span<const Coverage> survivor,
                                                      std::span<const Coverage> other, Date today);

// Whether two records are the same coverage: insurer, symbol, number (N-1), branch and day of acquisition.
[[nodiscard]] bool same_coverage(const Coverage& a, const Coverage& b);

}  // namespace onshi::coverage
