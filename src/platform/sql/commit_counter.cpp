#include "platform/sql/commit_counter.h"

#include <array>

namespace onshi::sql {

namespace {

const Statement raise_counter("sql.raise_commit_counter", Store::registry, ShardKey::none,
                              "UPDATE commit_counter SET value = value + 1 WHERE id = 1");
const Statement select_counter("sql.select_commit_counter", Store::registry, ShardKey::none,
                               "SELECT value FROM commit_counter WHERE id = 1");

constexpr std::array<Migration, 1> steps{{{"commit_counter", Store::registry, 1, "registry_0001_commit_counter.sql",
                                           "-- from: 0\n"
                                           "CREATE TABLE commit_counter (\n"
                                           "    id BIGINT NOT NULL PRIMARY KEY,\n"
                                           "    value BIGINT NOT NULL\n"
                                           ");\n"
                                           "INSERT INTO commit_counter (id, value) VALUES (1, 0);\n"}}};

}  // namespace

std::span<const Migration> CommitCounter::migrations() {
    return steps;
}

Result<void> CommitCounter::open(Transaction&) {
    return {};
}

// The update comes first: it takes the row's lock, so that two hubs on one database never share a number.
Result<void> CommitCounter::begin(Transaction& transaction) {
    auto raised = transaction.execute(raise_counter, {});
    if (!raised) return fail(std::move(raised));
    Row row;
    auto found = transaction.read_one(select_counter, {}, row);
    if (!found) return fail(std::move(found));
    if (!*found || *raised != 1) return fail(ErrorCode::store_corrupt, "the commit counter is missing");
    current_ = row.integer(0);
    return {};
}

CommitPosition CommitCounter::next() const {
    CommitPosition position;
    position.sequence = current_;
    return position;
}

Result<CommitPosition> CommitCounter::accept(Transaction&, const WriteSet&) {
    return next();
}

Result<void> CommitCounter::end(Transaction&) {
    return {};
}

}  // namespace onshi::sql
