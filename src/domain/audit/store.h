#pragma once

#include <cstdint>
#include <span>

#include "domain/audit/model.h"
#include "platform/sql/migrations.h"
#include "platform/sql/read_batch.h"
#include "platform/sql/sequencer.h"
#include "platform/sql/write_set.h"

namespace onshi::audit {

inline constexpr std::size_t records_per_read_max = 1000;

struct LaneHead {
    std::int64_t lane;
    std::int64_t epoch;
    std::int64_t sequence;
    Sha256 hash;
};

[[nodiscard]] std::span<const sql::Migration> migrations();

[[nodiscard]] sql::Rows<LaneHead> load_lanes(sql::ReadBatch& batch);
// Records of a lane behind `after`, in order, at most records_per_read_max.
[[nodiscard]] sql::Rows<Record> load_records(sql::ReadBatch& batch, std::int64_t lane, std::int64_t after);
[[nodiscard]] sql::Slot<Record> load_record(sql::ReadBatch& batch, std::int64_t lane, std::int64_t sequence);
[[nodiscard]] sql::Rows<Seal> load_seals(sql::ReadBatch& batch, std::int64_t lane, std::int64_t after,
                                         std::int64_t until);
// The last one and the one before it, newest first.
[[nodiscard]] sql::Rows<Seal> load_last_seals(sql::ReadBatch& batch, std::int64_t lane);
// `after`: the sequence of the lane's last seal, which the new one names; 0: none. Refused when there is a later one.
void add_seal(sql::WriteSet& set, std::int64_t lane, const Seal& seal, std::int64_t after);

// The lane's own statements, run by the committer.
[[nodiscard]] Result<LaneHead> claim_lane(sql::Transaction& transaction, std::int64_t lane, std::string_view hub);
// The head of a lane that is still ours by its epoch, read behind every transaction that moves it. Fails with
// store.fenced when another process has claimed the lane since.
[[nodiscard]] Result<LaneHead> hold_lane(sql::Transaction& transaction, const LaneHead& ours);
// Fails with store.fenced when another process has claimed the lane since.
[[nodiscard]] Result<void> move_head(sql::Transaction& transaction, const LaneHead& head);
// Fails with store.fenced when the place is taken: it is ours alone, so another process writes this lane.
[[nodiscard]] Result<void> add_record(sql::Transaction& transaction, const Header& header, const Sha256& hash,
                                      std::string_view payload);

}  // namespace onshi::audit
