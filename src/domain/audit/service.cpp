#include "domain/audit/service.h"

#include <algorithm>

#include "base/bytes.h"
#include "domain/audit/store.h"

namespace onshi::audit {

namespace {

constexpr std::chrono::milliseconds verify_read_deadline{30'000};

Deadline read_deadline() { return Deadline::in(verify_read_deadline); }

bool seal_holds(const Seal& seal, std::int64_t lane, const VerifyOptions& options) {
    const auto key = std::ranges::find(options.seal_keys, seal.key_id, [](const auto& k) { return k.first; });
    if (key == options.seal_keys.end()) return false;
    const std::string text = seal_text(lane, seal.sequence, seal.hash);
    return pki::verify_ed25519(key->second, as_bytes(text), as_bytes(seal.signature)).has_value();
}

// What is known of one lane from elsewhere than its records: a witness or a seal names (sequence, hash).
std::optional<Finding> check_against(const Record& record, std::int64_t lane, const VerifyOptions& options) {
    for (const auto& witness : options.witnesses) {
        if (witness.lane == lane && witness.sequence == record.header.sequence && witness.hash != record.hash) {
            return Finding{lane, witness.sequence, Flaw::changed};
        }
    }
    return std::nullopt;
}

std::optional<Finding> check_seals(const std::vector<Seal>& seals, const std::vector<Record>& records, std::int64_t lane,
                                   const VerifyOptions& options) {
    for (const auto& seal : seals) {
        // Read in one snapshot with the records, so a seal behind the last of them names what is no longer there.
        const std::int64_t last = records.back().header.sequence;
        if (seal.sequence > last) return Finding{lane, last + 1, Flaw::tail_cut};
        const auto record = std::ranges::lower_bound(records, seal.sequence, {},
                                                     [](const Record& r) { return r.header.sequence; });
        const bool matches =
            record != records.end() && record->header.sequence == seal.sequence && record->hash == seal.hash;
        if (!matches || (!options.seal_keys.empty() && !seal_holds(seal, lane, options))) {
            return Finding{lane, seal.sequence, Flaw::seal_broken};
        }
    }
    return std::nullopt;
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

Task<Result<std::optional<Finding>>> verify_lane(sql::Database& database, const LaneHead& head,
                                                 const VerifyOptions& options, VerifyReport& report) {
    ChainWalk walk(head.lane);
    while (true) {
        sql::ReadBatch batch;
        const auto records = load_records(batch, head.lane, walk.sequence());
        const auto until = walk.sequence() + static_cast<std::int64_t>(records_per_read_max);
        const auto seals = load_seals(batch, head.lane, walk.sequence(), until);
        auto read = co_await database.read(batch, read_deadline());
        if (!read) co_return fail(std::move(read));
        if (records.empty()) break;
        for (const auto& record : records) {
            auto finding = walk.step(record);
            if (!finding) finding = check_against(record, head.lane, options);
            if (finding) co_return finding;
        }
        // A hub that goes on may have sealed behind this batch's last record; that seal belongs to the next batch.
        std::vector<Seal> inside;
        for (const auto& seal : seals) {
            if (seal.sequence <= walk.sequence() || records.size() < records_per_read_max) inside.push_back(seal);
        }
        auto broken = check_seals(inside, records.get(), head.lane, options);
        if (broken) co_return broken;
        report.records += records.size();
        report.seals += inside.size();
        if (options.progress) options.progress(report.records);
    }
    sql::ReadBatch batch;
    const auto last_seal = load_last_seal(batch, head.lane);
    const auto lanes = load_lanes(batch);
    auto read = co_await database.read(batch, read_deadline());
    if (!read) co_return fail(std::move(read));
    // A head moves in one commit with its records and before its seals, so one that is read now is behind neither.
    const auto fresh = std::ranges::find(lanes, head.lane, &LaneHead::lane);
    const std::int64_t reached = fresh == lanes.end() ? 0 : fresh->sequence;
    if (reached < walk.sequence()) co_return Finding{head.lane, reached + 1, Flaw::head_differs};
    if (last_seal && last_seal->sequence > reached) co_return Finding{head.lane, walk.sequence() + 1, Flaw::tail_cut};
    if (walk.sequence() > 0) report.heads.push_back({head.lane, walk.sequence(), walk.hash()});
    co_return check_tail(walk, head, options);
}

}  // namespace

std::string seal_key_id(const pki::Ed25519PublicKey& key) {
    return to_hex(Bytes(sha256(Bytes(key))).first(8));
}

Task<Result<bool>> Sealer::seal_if_due(Deadline deadline) { return seal(When::due, deadline); }

Task<Result<bool>> Sealer::seal_now(Deadline deadline) { return seal(When::now, deadline); }

Task<Result<bool>> Sealer::seal(When when, Deadline deadline) {
    sql::ReadBatch batch;
    const auto lanes = load_lanes(batch);
    const auto last = load_last_seal(batch, lane_);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    const auto head = std::ranges::find(lanes, lane_, &LaneHead::lane);
    const std::int64_t sealed = last ? last->sequence : 0;
    if (head == lanes.end() || head->sequence <= sealed) co_return false;
    const Instant now = clock_.now();
    const bool many = head->sequence - sealed >= seal_records_max;
    const bool old = !last || now - last->sealed_at >= seal_age_max;
    if (when == When::due && !many && !old) co_return false;
    const std::string text = seal_text(lane_, head->sequence, head->hash);
    const auto signature = key_.sign(as_bytes(text));
    const Seal seal{head->sequence, head->hash, now, seal_key_id(key_.public_key()), std::string(as_text(signature))};
    sql::WriteSet set(sql::Store::ledger);
    add_seal(set, lane_, seal);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return true;
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
        auto finding = co_await verify_lane(database, head, options, report);
        if (!finding) co_return fail(std::move(finding));
        report.finding = *finding;
    }
    co_return report;
}

}  // namespace onshi::audit
