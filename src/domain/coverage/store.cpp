#include "domain/coverage/store.h"

namespace onshi::coverage {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement insert_coverage("coverage.insert_coverage", Store::registry, ShardKey::person,
                                "INSERT INTO coverage (person_key, coverage_key, known_from, known_to, packed) "
                                "VALUES ($1, $2, $3, $4, $5)");
const Statement insert_coverage_number("coverage.insert_coverage_number", Store::registry, ShardKey::insured_number,
                                       "INSERT INTO coverage_number (insurer_number, number, symbol, branch, "
                                       "person_key, coverage_key) VALUES ($1, $2, $3, $4, $5, $6)");

namespace {

const Statement select_by_number("coverage.select_by_number", Store::registry, ShardKey::insured_number,
                                 "SELECT person_key, coverage_key, branch FROM coverage_number "
                                 "WHERE insurer_number = $1 AND number = $2 AND symbol = $3 "
                                 "ORDER BY branch, person_key, coverage_key LIMIT $4");
const Statement select_known_at("coverage.select_known_at", Store::registry, ShardKey::person,
                                "SELECT packed, known_from FROM coverage WHERE person_key = $1 AND known_from <= $2 "
                                "AND known_to > $2 ORDER BY coverage_key LIMIT $3");

NumberMatch decode_match(const Row& row) {
    NumberMatch match;
    match.person = PersonKey(row.integer(0));
    match.coverage = CoverageKey(row.integer(1));
    match.branch = BranchNumber::from_value(row.integer(2));
    return match;
}

Coverage decode_coverage(const Row& row) {
    auto coverage = unpack(row.blob(0));
    if (coverage) {
        if (coverage->known_from == known_from_commit) coverage->known_from = row.integer(1);
        return std::move(*coverage);
    }
    row.reject();
    return {.key = CoverageKey(0),
            .insurer = *InsurerNumber::from_key(600138057),
            .symbol = {},
            .number = {},
            .branch = {},
            .acquired_on = {},
            .copay_percent = {},
            .limit_category = {},
            .file_day = {}};
}

}  // namespace

std::optional<std::vector<Coverage>> coverages_of(const sql::Rows<identity::NowSection>& now) {
    const auto* section = identity::find_section(now, identity::Section::coverage);
    if (section == nullptr) return std::vector<Coverage>();
    auto coverages = unpack_all(section->bytes);
    if (!coverages) return coverages;
    for (Coverage& coverage : *coverages) {
        if (coverage.known_from == known_from_commit) coverage.known_from = section->version;
    }
    return coverages;
}

sql::Rows<NumberMatch> load_by_number(sql::ReadBatch& batch, InsurerNumber insurer,
                                      const InsuredSymbolNumber& insured) {
    return batch.many(select_by_number, same_number_max, decode_match, insurer.to_key(), insured.number.comparison(),
                      insured.symbol.comparison(), same_number_max + 1);
}

sql::Rows<Coverage> load_known_at(sql::ReadBatch& batch, PersonKey person, std::int64_t known_seq) {
    return batch.many(select_known_at, coverages_per_person_max, decode_coverage, person.value(), known_seq,
                      coverages_per_person_max);
}

}  // namespace onshi::coverage
