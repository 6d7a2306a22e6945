#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/identifiers.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/eligibility/model.h"
#include "platform/pki/keys.h"

namespace onshi::eligibility {

inline constexpr std::chrono::minutes challenge_life{15};
inline constexpr std::chrono::hours deferred_challenge_life{72};
inline constexpr std::size_t challenges_per_request_max = 256;
inline constexpr std::size_t challenge_nonce_bytes = 16;

struct IssuedChallenge {
    std::string text;  // base64url
    Instant expires_at;
};

struct OpenedChallenge {
    Instant expires_at;
    std::array<std::uint8_t, challenge_nonce_bytes> nonce;
};

// Challenges without state: random ‖ expiry ‖ key id ‖ MAC over (terminal, purpose, random, expiry). Every hub that
// shares the keys accepts them; single use is the ledger's guard. Owns the keys; thread-safe.
class Challenges {
  public:
    struct LiveKey {
        std::uint32_t id;
        pki::HmacKey key;
    };
    // One or two keys: the first issues, both are accepted.
    explicit Challenges(std::vector<LiveKey> keys) : keys_(std::move(keys)) {}
    [[nodiscard]] IssuedChallenge issue(TerminalKey terminal, Purpose purpose, Instant now, Random& random) const;
    // challenge.invalid: not ours, of another terminal or purpose. challenge.expired.
    [[nodiscard]] Result<OpenedChallenge> open(std::string_view text, TerminalKey terminal, Purpose purpose,
                                               Instant now) const;

  private:
    std::vector<LiveKey> keys_;
};

}  // namespace onshi::eligibility
