#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/audit/model.h"

namespace onshi::audit {

// The bytes a record's hash is taken over, fixed for ever.
[[nodiscard]] std::string encode(const Header& header);
[[nodiscard]] Sha256 hash_of(const Header& header);
// The bytes a seal signs.
[[nodiscard]] std::string seal_text(std::int64_t lane, std::int64_t sequence, const Sha256& hash);

// Why a chain does not verify.
enum class Flaw : std::uint8_t {
    missing,          // a sequence number is absent: removed
    order,            // a number appears twice or backwards
    changed,          // the record does not have its hash
    payload_changed,  // the payload does not have its digest
    seal_broken,      // a seal does not match its record or its signature is wrong
    tail_cut,         // the lane's head, a seal or a witness names a record that is not there
    head_differs,     // the lane's head has another hash than its last record
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
    // The finding if this record is the first bad one; then the walk is over.
    [[nodiscard]] std::optional<Finding> step(const Record& record);
    [[nodiscard]] std::int64_t sequence() const { return sequence_; }
    [[nodiscard]] const Sha256& hash() const { return hash_; }

  private:
    std::int64_t lane_;
    std::int64_t sequence_ = 0;
    Sha256 hash_{};
};

// A receipt (受付番号) is the record's place, written so that neighbours do not look alike: nine characters `7Q4M-2XKD-9`,
// the last one a check. A keyed permutation of 40 bits; it hides volumes from readers of paper slips and is no secret.
[[nodiscard]] std::string to_receipt(std::int64_t lane, std::int64_t sequence, std::uint64_t key);
// nullopt for another form or a wrong check character. Accepts lower case, no hyphens, O for 0, I and L for 1.
[[nodiscard]] std::optional<Place> parse_receipt(std::string_view text, std::uint64_t key);

}  // namespace onshi::audit
