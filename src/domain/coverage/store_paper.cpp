#include "domain/coverage/store_paper.h"

namespace onshi::coverage {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

namespace {

#define ONSHI_PAPER_COLUMNS "person_key, coverage_key, issued_on, kind, valid_to, insurer_number"
#define ONSHI_ORDER_COLUMNS "insurer_number, coverage_key, person_key, reason, state, since, version"

const Statement select_papers("coverage.select_papers", Store::registry, ShardKey::person,
                              "SELECT " ONSHI_PAPER_COLUMNS
                              " FROM paper_document WHERE person_key = $1 "
                              "ORDER BY coverage_key, issued_on, kind LIMIT $2");
const Statement select_papers_between("coverage.select_papers_between", Store::registry, ShardKey::person,
                                      "SELECT " ONSHI_PAPER_COLUMNS
                                      " FROM paper_document WHERE person_key > $1 AND person_key <= $2 "
                                      "ORDER BY person_key, coverage_key, issued_on, kind LIMIT $3");
const Statement insert_paper("coverage.insert_paper", Store::registry, ShardKey::person,
                             "INSERT INTO paper_document (" ONSHI_PAPER_COLUMNS
                             ") VALUES ($1, $2, $3, $4, $5, $6) "
                             "ON CONFLICT (person_key, coverage_key, issued_on, kind) DO NOTHING");
const Statement upsert_order("coverage.open_paper_order", Store::ledger, ShardKey::none,
                             "INSERT INTO paper_order (" ONSHI_ORDER_COLUMNS
                             ") VALUES ($1, $2, $3, $4, 1, $5, 1) "
                             "ON CONFLICT (insurer_number, coverage_key) DO UPDATE SET "
                             "since = CASE WHEN paper_order.state = 1 THEN paper_order.since ELSE excluded.since END, "
                             "person_key = excluded.person_key, reason = excluded.reason, state = 1, "
                             "version = paper_order.version + 1 "
                             "WHERE paper_order.state <> 1 OR paper_order.reason <> excluded.reason");
const Statement update_order("coverage.close_paper_order", Store::ledger, ShardKey::none,
                             "UPDATE paper_order SET state = $3, version = version + 1 "
                             "WHERE insurer_number = $1 AND coverage_key = $2 AND state = 1");
const Statement select_order("coverage.select_paper_order", Store::ledger, ShardKey::none,
                             "SELECT " ONSHI_ORDER_COLUMNS
                             " FROM paper_order WHERE insurer_number = $1 AND coverage_key = $2");
const Statement select_orders("coverage.select_paper_orders", Store::ledger, ShardKey::none,
                              "SELECT " ONSHI_ORDER_COLUMNS
                              " FROM paper_order WHERE insurer_number = $1 AND coverage_key > $2 "
                              "ORDER BY coverage_key LIMIT $3");

const Statement select_members("coverage.select_member_places", Store::registry, ShardKey::insured_number,
                               "SELECT number, symbol, branch, person_key, coverage_key FROM coverage_number "
                               "WHERE insurer_number = $1 "
                               "AND (number, symbol, branch, person_key, coverage_key) > ($2, $3, $4, $5, $6) "
                               "ORDER BY number, symbol, branch, person_key, coverage_key LIMIT $7");

#undef ONSHI_PAPER_COLUMNS
#undef ONSHI_ORDER_COLUMNS

InsurerNumber insurer_of(const Row& row, int column) {
    const auto insurer = InsurerNumber::from_key(row.integer(column));
    if (!insurer) row.reject();
    return insurer.value_or(*InsurerNumber::from_key(600138057));
}

Date date_of(const Row& row, int column) {
    const auto date = Date::from_days(row.integer(column));
    if (!date) row.reject();
    return date.value_or(Date::open_end);
}

PaperDocument decode_paper(const Row& row) {
    const std::int64_t kind = row.integer(3);
    if (kind < 1 || kind > static_cast<std::int64_t>(PaperKind::notice)) row.reject();
    return {PersonKey(row.integer(0)), CoverageKey(row.integer(1)),
            insurer_of(row, 5),        static_cast<PaperKind>(kind),
            date_of(row, 2),           date_of(row, 4)};
}

PaperOrder decode_order(const Row& row) {
    const std::int64_t reason = row.integer(3);
    const std::int64_t state = row.integer(4);
    const bool known = reason >= 1 && reason <= static_cast<std::int64_t>(PaperReason::protected_) && state >= 1 &&
                       state <= static_cast<std::int64_t>(OrderState::fallen);
    if (!known) row.reject();
    return {insurer_of(row, 0),
            CoverageKey(row.integer(1)),
            PersonKey(row.integer(2)),
            static_cast<PaperReason>(reason),
            static_cast<OrderState>(state),
            {row.integer(5)},
            row.integer(6)};
}

}  // namespace

sql::Rows<PaperDocument> load_papers_between(sql::ReadBatch& batch, PersonKey after, PersonKey upto,
                                             std::size_t count_max) {
    return batch.many(select_papers_between, count_max, decode_paper, after.value(), upto.value(), count_max);
}

sql::Rows<PaperDocument> load_papers(sql::ReadBatch& batch, PersonKey person) {
    return batch.many(select_papers, papers_per_person_max, decode_paper, person.value(), papers_per_person_max);
}

void add_paper(sql::WriteSet& set, const PaperDocument& paper) {
    set.change(insert_paper, paper.person.value(), paper.coverage.value(), paper.issued_on.days(), paper.kind,
               paper.valid_to.days(), paper.insurer.to_key());
}

sql::Rows<MemberPlace> load_member_places(sql::ReadBatch& batch, InsurerNumber insurer, const MemberPlace& after) {
    return batch.many(
        select_members, members_page_max,
        +[](const Row& row) {
            return MemberPlace{std::string(row.text(0)), std::string(row.text(1)), row.integer(2),
                               PersonKey(row.integer(3)), CoverageKey(row.integer(4))};
        },
        insurer.to_key(), after.number, after.symbol, after.branch, after.person.value(), after.coverage.value(),
        members_page_max);
}

void open_order(sql::WriteSet& set, const PaperOrder& order) {
    set.change(upsert_order, order.insurer.to_key(), order.coverage.value(), order.person.value(), order.reason,
               order.since.us);
}

void close_order(sql::WriteSet& set, InsurerNumber insurer, CoverageKey coverage, OrderState state) {
    set.change(update_order, insurer.to_key(), coverage.value(), state);
}

sql::Slot<PaperOrder> load_order(sql::ReadBatch& batch, InsurerNumber insurer, CoverageKey coverage) {
    return batch.one(select_order, decode_order, insurer.to_key(), coverage.value());
}

sql::Rows<PaperOrder> load_orders(sql::ReadBatch& batch, InsurerNumber insurer, CoverageKey after) {
    return batch.many(select_orders, orders_page_max, decode_order, insurer.to_key(), after.value(), orders_page_max);
}

}  // namespace onshi::coverage
