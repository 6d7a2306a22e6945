#pragma once

#include <array>
#include <cstdint>

#include "base/result.h"
#include "platform/sql/parameters.h"
#include "platform/sql/row.h"
#include "platform/sql/statement.h"
#include "platform/sql/write_set.h"

namespace onshi::sql {

// The place of a committed write set in its store's order.
struct CommitPosition {
    std::int64_t lane = 0;
    std::int64_t sequence = 0;            // ledger: chain sequence; registry: known_seq
    std::array<std::uint8_t, 32> hash{};  // ledger: hash of the audit record
    std::int64_t recorded_at_us = 0;      // ledger: instant in the record's header
};

// The committer's open transaction, as a sequencer sees it.
class Transaction {
  public:
    virtual ~Transaction() = default;
    // Runs one write and gives the number of rows it touched.
    [[nodiscard]] virtual Result<std::int64_t> execute(const Statement& statement,
                                                       const ParameterBuffer& parameters) = 0;
    // Runs one write that must touch exactly one row; a row that is missing, or there already, fails with `otherwise`.
    // An engine may run it later, but before the commit, which then fails with that.
    [[nodiscard]] virtual Result<void> write_one(const Statement& statement, const ParameterBuffer& parameters,
                                                 ErrorCode otherwise) = 0;
    // Runs one read; at most one row is handed to `row`, whose views live until the next call.
    [[nodiscard]] virtual Result<bool> read_one(const Statement& statement, const ParameterBuffer& parameters,
                                                Row& row) = 0;
};

// Gives write sets their place and adds what belongs to it. One per store and committer, called on the committer's
// thread only, in the order open, then for each transaction: begin, (next, accept)*, end, and committed or rolled_back.
// After rolled_back the state is as after the last commit. When nobody can say whether a transaction was committed, it
// is rolled_back and, before the next begin, find_again.
class Sequencer {
  public:
    virtual ~Sequencer() = default;
    // Claims the lane; runs in a transaction of its own before the first write set.
    [[nodiscard]] virtual Result<void> open(Transaction& transaction) = 0;
    // Reads the place from the store anew, behind whatever is still under way there; in a transaction of its own, which
    // may run more than once. Fails with store.fenced when the place is another's by now.
    [[nodiscard]] virtual Result<void> find_again(Transaction& transaction) = 0;
    [[nodiscard]] virtual Result<void> begin(Transaction& transaction) = 0;
    // The position the next accepted set will have; pure.
    [[nodiscard]] virtual CommitPosition next() const = 0;
    // Takes the set at next(); writes its record, if any, and returns the final position.
    [[nodiscard]] virtual Result<CommitPosition> accept(Transaction& transaction, const WriteSet& set) = 0;
    [[nodiscard]] virtual Result<void> end(Transaction& transaction) = 0;
    virtual void committed() = 0;
    virtual void rolled_back() = 0;
};

}  // namespace onshi::sql
