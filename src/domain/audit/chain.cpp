#include "domain/audit/chain.h"

#include "base/bytes.h"
#include "domain/audit/rules.h"

namespace onshi::audit {

void attach_record(sql::WriteSet& set, Event event, const Actor& actor, Instant at, std::string_view payload,
                   Random& random) {
    sql::SequencedRecord record;
    ByteWriter header(record.header);
    header.i64(at.us);
    header.u32(static_cast<std::uint32_t>(event));
    header.i64(actor.organisation.value());
    header.i64(actor.terminal.value());
    header.text(actor.reference);
    std::array<std::uint8_t, salt_bytes> salt;
    random.fill(salt);
    record.payload.reserve(salt_bytes + payload.size());
    record.payload.append(as_text(salt)).append(payload);
    set.record(std::move(record));
}

Result<void> ChainSequencer::claim(sql::Transaction& transaction) {
    auto claimed = claim_lane(transaction, lane_, hub_);
    if (!claimed) return fail(std::move(claimed));
    head_ = *claimed;
    return {};
}

Result<void> ChainSequencer::open(sql::Transaction& transaction) {
    return claim_ == LaneClaim::for_life ? claim(transaction) : Result<void>();
}

// A lane that is claimed with every commit is read with every commit.
Result<void> ChainSequencer::find_again(sql::Transaction& transaction) {
    if (claim_ == LaneClaim::per_commit) return {};
    auto found = hold_lane(transaction, durable_);
    if (!found) return fail(std::move(found));
    head_ = durable_ = *found;
    return {};
}

Result<void> ChainSequencer::begin(sql::Transaction& transaction) {
    if (claim_ == LaneClaim::per_commit) {
        auto claimed = claim(transaction);
        if (!claimed) return claimed;
    }
    if (head_.sequence >= sequence_max) return fail(ErrorCode::store_full, "the lane's sequence is used up");
    return {};
}

sql::CommitPosition ChainSequencer::next() const {
    sql::CommitPosition position;
    position.lane = lane_;
    position.sequence = head_.sequence + 1;
    return position;
}

Result<sql::CommitPosition> ChainSequencer::accept(sql::Transaction& transaction, const sql::WriteSet& set) {
    if (!set.record()) return sql::CommitPosition{};
    ByteReader draft(as_bytes(set.record()->header));
    Header header;
    header.lane = lane_;
    header.sequence = head_.sequence + 1;
    header.previous = head_.hash;
    header.recorded_at = {draft.i64()};
    header.event = static_cast<Event>(draft.u32());
    header.organisation = OrganisationKey(draft.i64());
    header.terminal = TerminalKey(draft.i64());
    header.actor = draft.text();
    header.payload_digest = sha256(as_bytes(set.record()->payload));
    const Sha256 hash = hash_of(header);
    auto added = add_record(transaction, header, hash, set.record()->payload);
    if (!added) return fail(std::move(added));
    head_.sequence = header.sequence;
    head_.hash = hash;
    sql::CommitPosition position = {lane_, header.sequence, hash, header.recorded_at.us};
    return position;
}

Result<void> ChainSequencer::end(sql::Transaction& transaction) {
    return move_head(transaction, head_);
}

}  // namespace onshi::audit
