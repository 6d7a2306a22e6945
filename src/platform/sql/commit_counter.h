#pragma once

#include <span>

#include "platform/sql/migrations.h"
#include "platform/sql/sequencer.h"

namespace onshi::sql {

// The registry's sequencer: every commit takes the next number, so that knowledge is ordered by a number and not by a
// clock (design §9.3). Used on the committer's thread only.
class CommitCounter final : public Sequencer {
  public:
    [[nodiscard]] static std::span<const Migration> migrations();
    [[nodiscard]] Result<void> open(Transaction& transaction) override;
    [[nodiscard]] Result<void> find_again(Transaction&) override { return {}; }  // begin() reads it each time
    [[nodiscard]] Result<void> begin(Transaction& transaction) override;
    [[nodiscard]] CommitPosition next() const override;
    [[nodiscard]] Result<CommitPosition> accept(Transaction& transaction, const WriteSet& set) override;
    [[nodiscard]] Result<void> end(Transaction& transaction) override;
    void committed() override {}
    void rolled_back() override {}

  private:
    std::int64_t current_ = 0;
};

}  // namespace onshi::sql
