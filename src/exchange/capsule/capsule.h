#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/date.h"
#include "base/result.h"
#include "base/time.h"
#include "platform/pki/private_key.h"

namespace onshi::capsule {

// domain-rules §6.8: accepted this long while nobody can be asked.
inline constexpr std::chrono::hours life{24 * 30};
inline constexpr std::size_t id_bytes = 16;
inline constexpr std::size_t card_bytes = 32;
inline constexpr std::size_t card_name_bytes = 16;
// Of a text as it is scanned; a QR code of version 40 holds 4,296 such characters.
inline constexpr std::size_t text_bytes_max = 4'296;

// What a capsule says. No address; nothing about health. A value.
struct Capsule {
    std::string id;      // 16 bytes, of this issue
    std::string issuer;  // the installation's hub id
    Instant issued_at;
    Instant expires_at;
    std::string insurer_number;  // eight digits as files have them
    std::string symbol;
    std::string number;
    std::string branch;
    std::string name;
    std::string kana;
    Date birth;
    std::optional<int> copay_percent;
    std::string limit_category;
    std::optional<Date> valid_to;  // of the coverage, where its end is known
    std::string card;              // SHA-256 of the card's SubjectPublicKeyInfo: whose signature goes with it
    std::string card_name;         // what a revocation names; says nothing to anybody else
};

// `ONSHI1:` and base45 of a CWT (RFC 8392) in COSE_Sign1, for a QR code in its alphanumeric mode.
[[nodiscard]] std::string write_capsule(const Capsule& capsule, const pki::EcPrivateKey& key);

// A capsule that was read and not yet believed.
struct Scanned {
    Capsule capsule;
    std::string key_id;
    std::string token;  // its bytes
};
// file.malformed. Blanks around the text are allowed: people copy it.
[[nodiscard]] Result<Scanned> read_capsule(std::string_view text);

// What capsules are verified with, as a terminal keeps it: the keys of the issuer and whose capsules count no longer.
struct Trust {
    std::string issuer;
    Instant issued_at;
    std::vector<std::string> keys;     // points of 64 bytes, newest first
    std::vector<std::string> revoked;  // card names, sorted
};
inline constexpr std::size_t trust_keys_max = 16;
inline constexpr std::size_t trust_revoked_max = 100'000;
// COSE_Sign1 by one of its keys, base64url.
[[nodiscard]] std::string write_trust(const Trust& trust, const pki::EcPrivateKey& key);
// `held`: what is believed already; a list must be signed by one of its keys, and must not be older than it. Without
// one the list vouches for itself: it came from a hub that was known by other means. file.malformed, signature.invalid,
// revocation.stale for one that goes back.
[[nodiscard]] Result<Trust> read_trust(std::string_view text, const Trust* held);

// What to make of a capsule at a counter.
enum class Verdict : std::uint8_t {
    genuine,      // and in time
    expired,      // it was genuine
    not_yet,      // issued in the future: one of the two clocks is wrong
    revoked,      // the card was stopped since
    unknown_key,  // no key of the list made it
    forged,       // the key that it names did not
    other_card,   // the card on the reader is not the one that it belongs to
};
[[nodiscard]] std::string_view to_string(Verdict verdict);

// Beyond this age a list says so: revocations since are not known.
inline constexpr std::chrono::hours trust_fresh_for{24};
inline constexpr std::chrono::minutes clock_tolerance{5};

// `card`: SHA-256 of the present card's SubjectPublicKeyInfo; empty: no card is here, and staff look at a photo.
[[nodiscard]] Verdict judge(const Scanned& scanned, const Trust& trust, std::string_view card, Instant now);
[[nodiscard]] bool is_fresh(const Trust& trust, Instant now);

}  // namespace onshi::capsule
