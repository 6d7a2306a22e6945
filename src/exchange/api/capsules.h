#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/eligibility/service.h"

namespace onshi::api {

// A token as it was made for an answer.
struct IssuedCapsule {
    std::string text;    // what the QR code holds
    std::string key_id;  // raw bytes
    Instant expires_at;
};
// `schema` onshi.capsule/1; without a capsule where the answer is none that could be carried away.
[[nodiscard]] std::string write_capsule(const eligibility::GivenAnswer& given,
                                        const std::optional<IssuedCapsule>& capsule, std::uint64_t receipt_key);
// `schema` onshi.capsule_trust/1.
[[nodiscard]] std::string write_capsule_trust(std::string_view list);

}  // namespace onshi::api
