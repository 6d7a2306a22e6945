#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/model.h"
#include "domain/audit/rules.h"
#include "platform/pki/keys.h"
#include "platform/sql/database.h"

namespace onshi::audit {

// Where a lane stands after a look of its sealer.
struct SealState {
    bool sealed_now = false;
    std::int64_t unsealed_records = 0;
};

// Signs the newest record of a lane when more than seal_records_max records or seal_age_max have passed since the last
// seal. The key is not in the database. Any loop; one caller per lane.
class Sealer {
  public:
    Sealer(sql::Database& database, const Clock& clock, const pki::SigningKey& key, std::int64_t lane)
        : database_(database), clock_(clock), key_(key), lane_(lane) {}
    [[nodiscard]] Task<Result<SealState>> seal_if_due(Deadline deadline);
    // The same without waiting for records or time: before the hub begins and ends.
    [[nodiscard]] Task<Result<SealState>> seal_now(Deadline deadline);

  private:
    enum class When : std::uint8_t { due, now };
    [[nodiscard]] Task<Result<SealState>> seal(When when, Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    const pki::SigningKey& key_;
    std::int64_t lane_;
};

using SealKeys = std::vector<std::pair<std::string, pki::Ed25519PublicKey>>;  // by key id

struct VerifyOptions {
    std::vector<Witness> witnesses;
    // Public seal keys by key id; a seal of an unknown key is seal_broken. Empty: seals are not checked, and said so.
    SealKeys seal_keys;
    // Told after every batch: records verified so far.
    std::function<void(std::uint64_t)> progress;
};

struct VerifyReport {
    std::optional<Finding> finding;
    std::uint64_t records = 0;
    std::uint64_t seals = 0;
    std::uint64_t witnesses = 0;
    std::vector<Witness> heads;  // the newest record of each lane that has one, to be kept as witnesses elsewhere
};

// Walks every lane from its first record. Reads batches, each a snapshot of its own, so it runs beside a working hub.
[[nodiscard]] Task<Result<VerifyReport>> verify(sql::Database& database, const VerifyOptions& options);

// Walks one lane from its last seal to its head: what a hub does before it goes on with the lane, so that it never
// seals what somebody else has written. Bounded by the distance between seals.
[[nodiscard]] Task<Result<std::optional<Finding>>> verify_since_last_seal(sql::Database& database, std::int64_t lane,
                                                                          const SealKeys& keys);

// Names a seal key: the first 8 bytes of the SHA-256 of its public half, in hex.
[[nodiscard]] std::string seal_key_id(const pki::Ed25519PublicKey& key);

}  // namespace onshi::audit
