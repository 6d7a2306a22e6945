#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "domain/audit/model.h"
#include "domain/audit/store.h"
#include "platform/sql/sequencer.h"
#include "platform/sql/write_set.h"

namespace onshi::audit {

// Makes a write set of the ledger carry an audit record: both become durable together or not at all. The payload is the
// slice's own encoding; a fresh salt keeps its digest from being guessed once the payload is deleted.
void attach_record(sql::WriteSet& set, Event event, const Actor& actor, Instant at, std::string_view payload,
                   Random& random);

// How long a lane stays with whoever claimed it. A hub keeps it until another process claims it and so fences it.
// Programs that come and go share a lane: each claims it anew with every commit, and none fences another.
enum class LaneClaim : std::uint8_t { for_life, per_commit };

// The ledger's sequencer: gives write sets that carry a record their place in this hub's lane and writes the record.
// Sets without a record are written without a place. Used on the committer's thread only.
class ChainSequencer final : public sql::Sequencer {
  public:
    ChainSequencer(std::int64_t lane, std::string hub, LaneClaim claim = LaneClaim::for_life)
        : lane_(lane), hub_(std::move(hub)), claim_(claim) {}
    [[nodiscard]] Result<void> open(sql::Transaction& transaction) override;
    [[nodiscard]] Result<void> find_again(sql::Transaction& transaction) override;
    [[nodiscard]] Result<void> begin(sql::Transaction& transaction) override;
    [[nodiscard]] sql::CommitPosition next() const override;
    [[nodiscard]] Result<sql::CommitPosition> accept(sql::Transaction& transaction, const sql::WriteSet& set) override;
    [[nodiscard]] Result<void> end(sql::Transaction& transaction) override;
    void committed() override { durable_ = head_; }
    void rolled_back() override { head_ = durable_; }

  private:
    [[nodiscard]] Result<void> claim(sql::Transaction& transaction);
    std::int64_t lane_;
    std::string hub_;
    LaneClaim claim_;
    LaneHead head_{};
    LaneHead durable_{};
};

}  // namespace onshi::audit
