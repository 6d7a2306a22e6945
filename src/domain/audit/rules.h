#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "domain/audit/model.h"

namespace onshi::audit {

// The bytes a record's hash is taken over, fixed for ever.
[[nodiscard]] std::string encode(const Header& header);
[[nodiscard]] Sha256 hash_of(const Header& header);
// The bytes a seal signs: its record, its time, and the seal before it in the lane (zeros for the first), so that none
// can be taken out from between.
[[nodiscard]] std::string seal_text(std::int64_t lane, const Seal& seal, const Sha256& previous);
// What the next seal names.
[[nodiscard]] Sha256 hash_of(const Seal& seal);

// Why a chain does not verify.
enum class Flaw : std::uint8_t {
    missing,          // a sequence number is absent: removed
    order,            // a number appears twice or backwards
    changed,          // the record does not have its hash
    payload_changed,  // the payload does not have its digest
    seal_broken,      // a seal does not match its record or its signature is wrong
    tail_cut,         // the lane's head, a seal or a witness names a record that is not there
    head_differs,     // the lane's head has another hash than its last record
    unsealed,         // a seal that was due behind this record is not there: removed, perhaps to rewrite what it sealed
};
[[nodiscard]] std::string_view to_string(Flaw flaw);

struct Finding {
    std::int64_t lane;
    std::int64_t sequence;  // the first bad record
    Flaw flaw;
};

// Walks one lane's records in the order they are given. Pure; not thread-safe.
class ChainWalk {
  public:
    explicit ChainWalk(std::int64_t lane) : lane_(lane) {}
    // Begins behind a record that is known to be good.
    ChainWalk(std::int64_t lane, std::int64_t sequence, const Sha256& hash)
        : lane_(lane), sequence_(sequence), hash_(hash) {}
    // The finding if this record is the first bad one; then the walk is over.
    [[nodiscard]] std::optional<Finding> step(const Record& record);
    [[nodiscard]] std::int64_t sequence() const { return sequence_; }
    [[nodiscard]] const Sha256& hash() const { return hash_; }

  private:
    std::int64_t lane_;
    std::int64_t sequence_ = 0;
    Sha256 hash_{};
};

// Keeps what lies behind a lane's last seal, the newest seal_gap_records_max records. Pure; not thread-safe.
class SealGap {
  public:
    explicit SealGap(std::int64_t lane) : lane_(lane) {}
    SealGap(std::int64_t lane, const Seal& last)
        : lane_(lane), sealed_(last.sequence), first_(last.sequence + 1), previous_(hash_of(last)) {}
    // Takes the next record of the walk. The finding when too many lie behind the last seal to be told one by one.
    [[nodiscard]] std::optional<Finding> step(const Record& record);
    // At the end of the walk: the finding when what no seal covers spans a time in which one was due. A seal that came
    // late covers what is before it all the same: a store that was away kept it waiting.
    [[nodiscard]] std::optional<Finding> overdue() const;
    // Whether the seal stands on a record that was walked; then that record and those before it are sealed.
    [[nodiscard]] bool take(const Seal& seal);
    // The last seal's place, and what its successor names.
    [[nodiscard]] std::int64_t sealed() const { return sealed_; }
    [[nodiscard]] const Sha256& previous() const { return previous_; }

  private:
    struct Open {
        Instant recorded_at;
        Sha256 hash;
    };
    std::int64_t lane_;
    std::int64_t sealed_ = 0;
    std::int64_t first_ = 1;  // of the open ones
    Sha256 previous_{};
    std::deque<Open> open_;
};

// A receipt (受付番号) is the record's place, written so that neighbours do not look alike: nine characters
// `7Q4M-2XKD-9`, the last one a check. A keyed permutation of 40 bits; it hides volumes from readers of paper slips and
// is no secret.
[[nodiscard]] std::string to_receipt(std::int64_t lane, std::int64_t sequence, std::uint64_t key);
// nullopt for another form or a wrong check character. Accepts lower case, no hyphens, O for 0, I and L for 1.
[[nodiscard]] std::optional<Place> parse_receipt(std::string_view text, std::uint64_t key);

}  // namespace onshi::audit
