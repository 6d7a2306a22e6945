#include "domain/eligibility/challenges.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/ensure.h"

namespace onshi::eligibility {

namespace {

constexpr std::size_t mac_bytes = 16;
constexpr std::size_t challenge_bytes = challenge_nonce_bytes + 8 + 4 + mac_bytes;

std::string authenticated(Bytes nonce, Instant expires_at, TerminalKey terminal, Purpose purpose) {
    std::string bytes = "onshi-challenge-v1\n";
    ByteWriter writer(bytes);
    writer.i64(terminal.value());
    writer.u8(static_cast<std::uint8_t>(purpose));
    writer.raw(nonce);
    writer.i64(expires_at.us);
    return bytes;
}

}  // namespace

IssuedChallenge Challenges::issue(TerminalKey terminal, Purpose purpose, Instant now, Random& random) const {
    ENSURE(!keys_.empty());
    std::array<std::uint8_t, challenge_nonce_bytes> nonce;
    random.fill(nonce);
    const std::chrono::microseconds life = purpose == Purpose::deferred
                                               ? std::chrono::microseconds(deferred_challenge_life)
                                               : std::chrono::microseconds(challenge_life);
    const Instant expires_at = now + life;
    const std::string text = authenticated(nonce, expires_at, terminal, purpose);
    const auto mac = keys_.front().key.mac(as_bytes(text));
    std::string bytes;
    bytes.reserve(challenge_bytes);
    ByteWriter writer(bytes);
    writer.raw(nonce);
    writer.i64(expires_at.us);
    writer.u32(keys_.front().id);
    writer.raw(Bytes(mac).first(mac_bytes));
    return {to_base64url(as_bytes(bytes)), expires_at};
}

Result<OpenedChallenge> Challenges::open(std::string_view text, TerminalKey terminal, Purpose purpose,
                                         Instant now) const {
    const auto bytes = from_base64url(text);
    if (!bytes || bytes->size() != challenge_bytes) return fail(ErrorCode::challenge_invalid, "not a challenge");
    ByteReader reader(as_bytes(*bytes));
    OpenedChallenge opened{};
    std::ranges::copy(reader.raw(challenge_nonce_bytes), opened.nonce.begin());
    opened.expires_at = {reader.i64()};
    const std::uint32_t key_id = reader.u32();
    const Bytes mac = reader.raw(mac_bytes);
    const auto key = std::ranges::find(keys_, key_id, &LiveKey::id);
    if (key == keys_.end()) return fail(ErrorCode::challenge_invalid, "no live key of this id");
    const std::string covered = authenticated(opened.nonce, opened.expires_at, terminal, purpose);
    if (!key->key.verify({as_bytes(covered)}, mac)) {
        return fail(ErrorCode::challenge_invalid, "not issued to this terminal for this purpose");
    }
    if (now >= opened.expires_at) return fail(ErrorCode::challenge_expired, "");
    return opened;
}

}  // namespace onshi::eligibility
