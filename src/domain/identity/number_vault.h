#pragma once

#include <cstdint>
#include <string>

#include "base/identifiers.h"
#include "base/random.h"
#include "base/result.h"
#include "domain/identity/model_number.h"
#include "platform/pki/keys.h"

namespace onshi::identity {

// Seals individual numbers and finds them again (design §9.2, domain-rules MN-1). Owns two keys, neither of which is in
// the database: who reads the store learns no number and cannot test a guess. Movable; thread-safe.
class NumberVault {
  public:
    NumberVault(pki::HmacKey tag_key, pki::SealingKey seal_key, std::int64_t seal_key_id)
        : tag_key_(std::move(tag_key)), seal_key_(std::move(seal_key)), seal_key_id_(seal_key_id) {}

    [[nodiscard]] NumberTag tag(IndividualNumber number) const;
    // AES-256-GCM, random nonce, bound to the person and the key's id.
    [[nodiscard]] Result<std::string> seal(PersonKey person, IndividualNumber number, Random& random) const;
    // secret.not_authentic: of another person, another key, or changed.
    [[nodiscard]] Result<IndividualNumber> open(PersonKey person, std::string_view sealed) const;
    [[nodiscard]] std::int64_t seal_key_id() const { return seal_key_id_; }

  private:
    pki::HmacKey tag_key_;
    pki::SealingKey seal_key_;
    std::int64_t seal_key_id_;
};

}  // namespace onshi::identity
