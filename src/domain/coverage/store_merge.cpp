#include "domain/coverage/store_merge.h"

#include "domain/identity/store.h"

namespace onshi::coverage {

namespace {

using sql::Position;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

constexpr int no_branch = -1;

const Statement end_versions("coverage.end_versions", Store::registry, ShardKey::person,
                             "UPDATE coverage SET known_to = $2 WHERE person_key = $1 AND known_to = $3");
const Statement delete_number("coverage.delete_number", Store::registry, ShardKey::insured_number,
                              "DELETE FROM coverage_number WHERE insurer_number = $1 AND number = $2 AND symbol = $3 "
                              "AND branch = $4 AND person_key = $5 AND coverage_key = $6");
const Statement delete_withheld("coverage.delete_withheld", Store::registry, ShardKey::person,
                                "DELETE FROM withheld_record WHERE person_key = $1");
const Statement move_papers("coverage.move_papers", Store::registry, ShardKey::person,
                            "UPDATE paper_document SET person_key = $2 WHERE person_key = $1");
const Statement move_order("coverage.move_order", Store::ledger, ShardKey::none,
                           "UPDATE paper_order SET person_key = $4, version = version + 1 "
                           "WHERE insurer_number = $1 AND coverage_key = $2 AND person_key = $3");

}  // namespace

void end_records(sql::WriteSet& set, PersonKey merged, PersonKey into, std::span<const Coverage> records) {
    set.change(end_versions, merged.value(), Position::sequence, identity::known_open);
    for (const Coverage& record : records) {
        const auto number = normalise_insured_text(record.number);
        const auto symbol = normalise_insured_text(record.symbol);
        if (!number || !symbol) continue;
        set.change(delete_number, record.insurer.to_key(), *number, *symbol,
                   record.branch ? record.branch->value() : no_branch, merged.value(), record.key.value());
    }
    set.change(delete_withheld, merged.value());
    set.change(move_papers, merged.value(), into.value());
}

void move_orders(sql::WriteSet& set, PersonKey merged, PersonKey into, std::span<const Coverage> records) {
    for (const Coverage& record : records) {
        set.change(move_order, record.insurer.to_key(), record.key.value(), merged.value(), into.value());
    }
}

}  // namespace onshi::coverage
