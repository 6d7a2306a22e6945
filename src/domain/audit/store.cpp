#include "domain/audit/store.h"

#include <algorithm>

namespace onshi::audit {

namespace {

using sql::Row;
using sql::ShardKey;
using sql::Statement;
using sql::Store;

const Statement create_lane("audit.create_lane", Store::ledger, ShardKey::lane,
                            "INSERT INTO chain_lane (lane, hub, epoch, head_sequence, head_hash) "
                            "VALUES ($1, $2, 0, 0, $3) ON CONFLICT (lane) DO NOTHING");
const Statement raise_epoch("audit.raise_epoch", Store::ledger, ShardKey::lane,
                            "UPDATE chain_lane SET epoch = epoch + 1, hub = $2 WHERE lane = $1");
// Changes nothing: it waits for whoever holds the row.
const Statement hold_row("audit.hold_lane", Store::ledger, ShardKey::lane,
                         "UPDATE chain_lane SET epoch = epoch WHERE lane = $1 AND epoch = $2");
const Statement select_lane("audit.select_lane", Store::ledger, ShardKey::lane,
                            "SELECT lane, epoch, head_sequence, head_hash FROM chain_lane WHERE lane = $1");
const Statement select_lanes("audit.select_lanes", Store::ledger, ShardKey::none,
                             "SELECT lane, epoch, head_sequence, head_hash FROM chain_lane ORDER BY lane");
const Statement update_head("audit.update_head", Store::ledger, ShardKey::lane,
                            "UPDATE chain_lane SET head_sequence = $3, head_hash = $4 WHERE lane = $1 AND epoch = $2");
const Statement insert_record("audit.insert_record", Store::ledger, ShardKey::lane,
                              "INSERT INTO audit_record (lane, sequence, recorded_at, event, organisation_key, "
                              "terminal_key, actor, payload_digest, hash, payload) "
                              "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
const Statement select_records("audit.select_records", Store::ledger, ShardKey::lane,
                               "SELECT lane, sequence, recorded_at, event, organisation_key, terminal_key, actor, "
                               "payload_digest, hash, payload FROM audit_record "
                               "WHERE lane = $1 AND sequence > $2 ORDER BY sequence LIMIT $3");
const Statement select_record("audit.select_record", Store::ledger, ShardKey::lane,
                              "SELECT lane, sequence, recorded_at, event, organisation_key, terminal_key, actor, "
                              "payload_digest, hash, payload FROM audit_record WHERE lane = $1 AND sequence = $2");
const Statement select_seals("audit.select_seals", Store::ledger, ShardKey::lane,
                             "SELECT sequence, hash, sealed_at, key_id, signature FROM audit_seal "
                             "WHERE lane = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence LIMIT $4");
const Statement select_last_seals("audit.select_last_seals", Store::ledger, ShardKey::lane,
                                  "SELECT sequence, hash, sealed_at, key_id, signature FROM audit_seal "
                                  "WHERE lane = $1 ORDER BY sequence DESC LIMIT 2");
const Statement guard_last_seal(
    "audit.guard_last_seal", Store::ledger, ShardKey::lane,
    "UPDATE audit_seal SET key_id = key_id WHERE lane = $1 AND sequence = $2 AND NOT EXISTS "
    "(SELECT 1 FROM audit_seal AS later WHERE later.lane = $1 AND later.sequence > $2)");
const Statement insert_seal("audit.insert_seal", Store::ledger, ShardKey::lane,
                            "INSERT INTO audit_seal (lane, sequence, hash, sealed_at, key_id, signature) "
                            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (lane, sequence) DO NOTHING");

Sha256 digest_of(const Row& row, int column) {
    Sha256 digest{};
    const std::string_view bytes = row.blob(column);
    if (bytes.size() != digest.size()) {
        row.reject();
        return digest;
    }
    std::ranges::copy(as_bytes(bytes), digest.begin());
    return digest;
}

LaneHead decode_lane(const Row& row) {
    return {row.integer(0), row.integer(1), row.integer(2), digest_of(row, 3)};
}

Record decode_record(const Row& row) {
    Record record;
    record.header.lane = row.integer(0);
    record.header.sequence = row.integer(1);
    record.header.recorded_at = {row.integer(2)};
    record.header.event = static_cast<Event>(row.integer(3));
    record.header.organisation = OrganisationKey(row.integer(4));
    record.header.terminal = TerminalKey(row.integer(5));
    record.header.actor = row.text(6);
    record.header.payload_digest = digest_of(row, 7);
    record.hash = digest_of(row, 8);
    if (!row.is_null(9)) record.payload = row.blob(9);
    return record;
}

Seal decode_seal(const Row& row) {
    return {row.integer(0), digest_of(row, 1), {row.integer(2)}, std::string(row.text(3)), std::string(row.blob(4))};
}

template <class... P>
sql::ParameterBuffer parameters(const P&... values) {
    sql::ParameterBuffer buffer;
    (buffer.add(values), ...);
    return buffer;
}

Result<LaneHead> read_lane(sql::Transaction& transaction, std::int64_t lane) {
    Row row;
    auto found = transaction.read_one(select_lane, parameters(lane), row);
    if (!found) return fail(std::move(found));
    const LaneHead head = *found ? decode_lane(row) : LaneHead{};
    if (!*found || row.corrupt()) return fail(ErrorCode::store_corrupt, "the lane cannot be read");
    return head;
}

}  // namespace

sql::Rows<LaneHead> load_lanes(sql::ReadBatch& batch) {
    return batch.many(select_lanes, lanes_max, decode_lane);
}

sql::Rows<Record> load_records(sql::ReadBatch& batch, std::int64_t lane, std::int64_t after) {
    return batch.many(select_records, records_per_read_max, decode_record, lane, after, records_per_read_max);
}

sql::Slot<Record> load_record(sql::ReadBatch& batch, std::int64_t lane, std::int64_t sequence) {
    return batch.one(select_record, decode_record, lane, sequence);
}

sql::Rows<Seal> load_seals(sql::ReadBatch& batch, std::int64_t lane, std::int64_t after, std::int64_t until) {
    return batch.many(select_seals, records_per_read_max, decode_seal, lane, after, until, records_per_read_max);
}

sql::Rows<Seal> load_last_seals(sql::ReadBatch& batch, std::int64_t lane) {
    return batch.many(select_last_seals, 2, decode_seal, lane);
}

void add_seal(sql::WriteSet& set, std::int64_t lane, const Seal& seal, std::int64_t after) {
    if (after != 0) set.guard(guard_last_seal, 1, lane, after);
    set.change(insert_seal, lane, seal.sequence, sql::Blob{as_text(seal.hash)}, seal.sealed_at.us, seal.key_id,
               sql::Blob{seal.signature});
}

Result<LaneHead> claim_lane(sql::Transaction& transaction, std::int64_t lane, std::string_view hub) {
    auto created = transaction.execute(create_lane, parameters(lane, hub, sql::Blob{as_text(Sha256{})}));
    if (!created) return fail(std::move(created));
    auto raised = transaction.execute(raise_epoch, parameters(lane, hub));
    if (!raised) return fail(std::move(raised));
    return read_lane(transaction, lane);
}

Result<LaneHead> hold_lane(sql::Transaction& transaction, const LaneHead& ours) {
    auto held = transaction.execute(hold_row, parameters(ours.lane, ours.epoch));
    if (!held) return fail(std::move(held));
    if (*held != 1) return fail(ErrorCode::store_fenced, "another process has claimed the lane");
    return read_lane(transaction, ours.lane);
}

Result<void> move_head(sql::Transaction& transaction, const LaneHead& head) {
    return transaction.write_one(update_head,
                                 parameters(head.lane, head.epoch, head.sequence, sql::Blob{as_text(head.hash)}),
                                 ErrorCode::store_fenced);
}

Result<void> add_record(sql::Transaction& transaction, const Header& header, const Sha256& hash,
                        std::string_view payload) {
    return transaction.write_one(
        insert_record,
        parameters(header.lane, header.sequence, header.recorded_at.us, header.event, header.organisation.value(),
                   header.terminal.value(), header.actor, sql::Blob{as_text(header.payload_digest)},
                   sql::Blob{as_text(hash)}, sql::Blob{payload}),
        ErrorCode::store_fenced);
}

}  // namespace onshi::audit
