#include "domain/audit/service.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/audit/store.h"

namespace onshi::audit {

namespace {

constexpr std::chrono::milliseconds verify_read_deadline{30'000};

Deadline read_deadline() {
    return Deadline::in(verify_read_deadline);
}

bool seal_holds(const Seal& seal, std::int64_t lane, const Sha256& previous, const SealKeys& keys) {
    const auto key = std::ranges::find(keys, seal.key_id, [](const auto& k) { return k.first; });
    if (key == keys.end()) return false;
    const std::string text = seal_text(lane, seal, previous);
    return pki::verify_ed25519(key->second, as_bytes(text), as_bytes(seal.signature)).has_value();
}

// One lane on its way.
struct LaneWalk {
    ChainWalk chain;
    SealGap gap;
};

// What is known of one lane from elsewhere than its records: a witness or a seal names (sequence, hash).
std::optional<Finding> check_against(const Record& record, std::int64_t lane, const VerifyOptions& options) {
    for (const auto& witness : options.witnesses) {
        if (witness.lane == lane && witness.sequence == record.header.sequence && witness.hash != record.hash) {
            return Finding{lane, witness.sequence, Flaw::changed};
        }
    }
    return std::nullopt;
}

// A hub that goes on may seal a record after that was read, so `seals` are all those behind the last one that was
// taken.
std::optional<Finding> check_seals(const std::vector<Seal>& seals, LaneWalk& walk, std::int64_t lane,
                                   const VerifyOptions& options) {
    for (const auto& seal : seals) {
        // Read in one snapshot with the records, so a seal behind the last of them names what is no longer there.
        if (seal.sequence > walk.chain.sequence()) return Finding{lane, walk.chain.sequence() + 1, Flaw::tail_cut};
        const bool signed_well =
            options.seal_keys.empty() || seal_holds(seal, lane, walk.gap.previous(), options.seal_keys);
        if (!signed_well || !walk.gap.take(seal)) return Finding{lane, seal.sequence, Flaw::seal_broken};
    }
    return std::nullopt;
}

// The seals among the records first, because a record may be behind its seal by what the gap allows.
std::optional<Finding> check_records(const std::vector<Record>& records, const std::vector<Seal>& seals, LaneWalk& walk,
                                     std::int64_t lane, const VerifyOptions& options) {
    auto seal = seals.begin();
    for (const auto& record : records) {
        for (; seal != seals.end() && seal->sequence < record.header.sequence; ++seal) {
            auto broken = check_seals({*seal}, walk, lane, options);
            if (broken) return broken;
        }
        auto finding = walk.chain.step(record);
        if (!finding) finding = check_against(record, lane, options);
        const auto unsealed = walk.gap.step(record);
        // Without keys anybody could have made the seals, so that none is missed.
        if (!finding && !options.seal_keys.empty()) finding = unsealed;
        if (finding) return finding;
    }
    return check_seals({seal, seals.end()}, walk, lane, options);
}

// After the last record: whatever says that there was more.
std::optional<Finding> check_tail(const ChainWalk& walk, const LaneHead& head, const VerifyOptions& options) {
    const std::int64_t cut_at = walk.sequence() + 1;
    for (const auto& witness : options.witnesses) {
        if (witness.lane == head.lane && witness.sequence > walk.sequence()) {
            return Finding{head.lane, cut_at, Flaw::tail_cut};
        }
    }
    if (head.sequence > walk.sequence()) return Finding{head.lane, cut_at, Flaw::tail_cut};
    if (head.sequence == walk.sequence() && head.hash != walk.hash()) {
        return Finding{head.lane, head.sequence, Flaw::head_differs};
    }
    return std::nullopt;
}

Task<Result<std::optional<Finding>>> verify_lane(sql::Database& database, const LaneHead& head, LaneWalk walk,
                                                 const VerifyOptions& options, VerifyReport& report) {
    while (true) {
        sql::ReadBatch batch;
        const std::int64_t from = walk.chain.sequence();
        const auto records = load_records(batch, head.lane, from);
        const auto until = from + static_cast<std::int64_t>(records_per_read_max);
        const auto seals = load_seals(batch, head.lane, walk.gap.sealed(), until);
        auto read = co_await database.read(batch, read_deadline());
        if (!read) co_return fail(std::move(read));
        if (records.empty()) break;
        auto finding = check_records(records.get(), seals.get(), walk, head.lane, options);
        if (finding) co_return finding;
        report.records += records.size();
        report.seals += seals.size();
        if (options.progress) options.progress(report.records);
    }
    const auto overdue = walk.gap.overdue();
    if (overdue && !options.seal_keys.empty()) co_return overdue;
    sql::ReadBatch batch;
    const auto last_seals = load_last_seals(batch, head.lane);
    const auto lanes = load_lanes(batch);
    auto read = co_await database.read(batch, read_deadline());
    if (!read) co_return fail(std::move(read));
    // A head moves in one commit with its records and before its seals, so one that is read now is behind neither.
    const auto fresh = std::ranges::find(lanes, head.lane, &LaneHead::lane);
    const std::int64_t reached = fresh == lanes.end() ? 0 : fresh->sequence;
    const std::int64_t walked = walk.chain.sequence();
    if (reached < walked) co_return Finding{head.lane, reached + 1, Flaw::head_differs};
    if (!last_seals.empty() && last_seals[0].sequence > reached)
        co_return Finding{head.lane, walked + 1, Flaw::tail_cut};
    if (walked > 0) report.heads.push_back({head.lane, walked, walk.chain.hash()});
    co_return check_tail(walk.chain, head, options);
}

}  // namespace

std::string seal_key_id(const pki::Ed25519PublicKey& key) {
    return to_hex(Bytes(sha256(Bytes(key))).first(8));
}

Task<Result<SealState>> Sealer::seal_if_due(Deadline deadline) {
    return seal(When::due, deadline);
}

Task<Result<SealState>> Sealer::seal_now(Deadline deadline) {
    return seal(When::now, deadline);
}

Task<Result<SealState>> Sealer::seal(When when, Deadline deadline) {
    sql::ReadBatch batch;
    const auto lanes = load_lanes(batch);
    const auto last = load_last_seals(batch, lane_);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    const auto head = std::ranges::find(lanes, lane_, &LaneHead::lane);
    const std::int64_t sealed = last.empty() ? 0 : last[0].sequence;
    if (head == lanes.end() || head->sequence <= sealed) co_return SealState{};
    const Instant now = clock_.now();
    const bool many = head->sequence - sealed >= seal_records_max;
    const bool old = last.empty() || now - last[0].sealed_at >= seal_age_max;
    if (when == When::due && !many && !old) co_return SealState{false, head->sequence - sealed};
    Seal seal{head->sequence, head->hash, now, seal_key_id(key_.public_key()), {}};
    const std::string text = seal_text(lane_, seal, last.empty() ? Sha256{} : hash_of(last[0]));
    const auto signature = key_.sign(as_bytes(text));
    seal.signature = as_text(signature);
    sql::WriteSet set(sql::Store::ledger);
    add_seal(set, lane_, seal, sealed);
    auto committed = co_await database_.commit(std::move(set), deadline);
    // Another program of a lane that several share has sealed meanwhile.
    if (!committed && committed.error().code == ErrorCode::store_conflict) co_return SealState{};
    if (!committed) co_return fail(std::move(committed));
    co_return SealState{true, 0};
}

Task<Result<std::optional<Finding>>> verify_since_last_seal(sql::Database& database, std::int64_t lane,
                                                            const SealKeys& keys) {
    sql::ReadBatch batch;
    const auto lanes = load_lanes(batch);
    const auto seals = load_last_seals(batch, lane);
    auto read = co_await database.read(batch, read_deadline());
    if (!read) co_return fail(std::move(read));
    const auto known = std::ranges::find(lanes, lane, &LaneHead::lane);
    const LaneHead head = known == lanes.end() ? LaneHead{lane, 0, 0, {}} : *known;
    LaneWalk walk{ChainWalk(lane), SealGap(lane)};
    if (!seals.empty()) {
        const Seal& last = seals[0];
        const Sha256 previous = seals.size() > 1 ? hash_of(seals[1]) : Sha256{};
        if (!seal_holds(last, lane, previous, keys)) co_return Finding{lane, last.sequence, Flaw::seal_broken};
        sql::ReadBatch sealed;
        const auto record = load_record(sealed, lane, last.sequence);
        read = co_await database.read(sealed, read_deadline());
        if (!read) co_return fail(std::move(read));
        if (!record) co_return Finding{lane, last.sequence, Flaw::tail_cut};
        if (record->hash != last.hash) co_return Finding{lane, last.sequence, Flaw::changed};
        walk = {ChainWalk(lane, last.sequence, last.hash), SealGap(lane, last)};
    }
    VerifyOptions options;
    options.seal_keys = keys;
    VerifyReport report;
    auto finding = co_await verify_lane(database, head, walk, options, report);
    co_return finding;
}

Task<Result<VerifyReport>> verify(sql::Database& database, const VerifyOptions& options) {
    VerifyReport report;
    sql::ReadBatch batch;
    const auto listed = load_lanes(batch);
    auto read = co_await database.read(batch, read_deadline());
    if (!read) co_return fail(std::move(read));
    std::vector<LaneHead> lanes(listed.begin(), listed.end());
    // Who removes a lane's head must not hide its records and seals with it.
    for (std::int64_t lane = 0; lane < lanes_max; ++lane) {
        if (std::ranges::find(lanes, lane, &LaneHead::lane) == lanes.end()) lanes.push_back({lane, 0, 0, {}});
    }
    report.witnesses = options.witnesses.size();
    for (const auto& head : lanes) {
        if (report.finding) break;
        const LaneWalk walk{ChainWalk(head.lane), SealGap(head.lane)};
        auto finding = co_await verify_lane(database, head, walk, options, report);
        if (!finding) co_return fail(std::move(finding));
        report.finding = *finding;
    }
    co_return report;
}

}  // namespace onshi::audit
