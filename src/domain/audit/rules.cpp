#include "domain/audit/rules.h"

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/random.h"

namespace onshi::audit {

namespace {

constexpr std::string_view receipt_digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford's base 32
constexpr unsigned half_bits = 20;
constexpr std::uint64_t half_mask = (1U << half_bits) - 1;

// Four rounds of a Feistel network over two 20-bit halves.
constexpr unsigned rounds = 4;

std::uint64_t round_value(std::uint64_t half, std::uint64_t key, unsigned round) {
    return mix64(half ^ mix64(key + round)) & half_mask;
}

std::uint64_t scramble(std::uint64_t value, std::uint64_t key) {
    std::uint64_t left = value >> half_bits;
    std::uint64_t right = value & half_mask;
    for (unsigned round = 0; round < rounds; ++round) {
        const std::uint64_t mixed = left ^ round_value(right, key, round);
        left = right;
        right = mixed;
    }
    return (left << half_bits) | right;
}

std::uint64_t unscramble(std::uint64_t value, std::uint64_t key) {
    std::uint64_t left = value >> half_bits;
    std::uint64_t right = value & half_mask;
    for (unsigned round = rounds; round-- > 0;) {
        const std::uint64_t mixed = right ^ round_value(left, key, round);
        right = left;
        left = mixed;
    }
    return (left << half_bits) | right;
}

// Luhn's scheme in base 32: finds every wrong character and every swap of neighbours but one pair.
std::size_t check_value(std::string_view characters) {
    std::size_t sum = 0;
    std::size_t factor = 2;
    for (std::size_t i = characters.size(); i-- > 0;) {
        const std::size_t product = receipt_digits.find(characters[i]) * factor;
        sum += product / 32 + product % 32;
        factor = 3 - factor;
    }
    return (32 - sum % 32) % 32;
}

char canonical_digit(char c) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') return '0';
    if (c == 'I' || c == 'L') return '1';
    return c;
}

}  // namespace

std::string encode(const Header& header) {
    std::string bytes;
    bytes.reserve(160);
    ByteWriter writer(bytes);
    writer.u8(1);  // version of this layout
    writer.i64(header.lane);
    writer.i64(header.sequence);
    writer.raw(header.previous);
    writer.i64(header.recorded_at.us);
    writer.u32(static_cast<std::uint32_t>(header.event));
    writer.i64(header.organisation.value());
    writer.i64(header.terminal.value());
    writer.text(header.actor);
    writer.raw(header.payload_digest);
    return bytes;
}

Sha256 hash_of(const Header& header) {
    return sha256(as_bytes(encode(header)));
}

std::string seal_text(std::int64_t lane, const Seal& seal, const Sha256& previous) {
    std::string bytes = "onshi-seal-v2\n";
    ByteWriter writer(bytes);
    writer.i64(lane);
    writer.i64(seal.sequence);
    writer.raw(seal.hash);
    writer.i64(seal.sealed_at.us);
    writer.raw(previous);
    return bytes;
}

// The signature covers the rest.
Sha256 hash_of(const Seal& seal) {
    return sha256(as_bytes(seal.signature));
}

std::string_view to_string(Flaw flaw) {
    switch (flaw) {
        case Flaw::missing: return "missing";
        case Flaw::order: return "order";
        case Flaw::changed: return "changed";
        case Flaw::payload_changed: return "payload_changed";
        case Flaw::seal_broken: return "seal_broken";
        case Flaw::tail_cut: return "tail_cut";
        case Flaw::head_differs: return "head_differs";
        case Flaw::unsealed: return "unsealed";
    }
    return "changed";
}

std::optional<Finding> ChainWalk::step(const Record& record) {
    const std::int64_t expected = sequence_ + 1;
    if (record.header.sequence > expected) return Finding{lane_, expected, Flaw::missing};
    if (record.header.sequence < expected) return Finding{lane_, record.header.sequence, Flaw::order};
    Header header = record.header;
    header.lane = lane_;
    header.previous = hash_;
    if (hash_of(header) != record.hash) return Finding{lane_, expected, Flaw::changed};
    if (record.payload && sha256(as_bytes(*record.payload)) != header.payload_digest) {
        return Finding{lane_, expected, Flaw::payload_changed};
    }
    sequence_ = expected;
    hash_ = record.hash;
    return std::nullopt;
}

std::optional<Finding> SealGap::step(const Record& record) {
    const bool many = open_.size() >= static_cast<std::size_t>(seal_gap_records_max);
    if (many) {
        open_.pop_front();
        ++first_;
    }
    open_.push_back({record.header.recorded_at, record.hash});
    if (many) return Finding{lane_, sealed_ + 1, Flaw::unsealed};
    return std::nullopt;
}

std::optional<Finding> SealGap::overdue() const {
    if (open_.empty() || open_.back().recorded_at - open_.front().recorded_at <= seal_age_max + seal_slack) {
        return std::nullopt;
    }
    return Finding{lane_, sealed_ + 1, Flaw::unsealed};
}

bool SealGap::take(const Seal& seal) {
    const std::int64_t at = seal.sequence - first_;
    if (at < 0 || at >= static_cast<std::int64_t>(open_.size())) return false;
    if (open_[static_cast<std::size_t>(at)].hash != seal.hash) return false;
    open_.erase(open_.begin(), open_.begin() + at + 1);
    sealed_ = seal.sequence;
    first_ = seal.sequence + 1;
    previous_ = hash_of(seal);
    return true;
}

std::string to_receipt(std::int64_t lane, std::int64_t sequence, std::uint64_t key) {
    ENSURE(lane >= 0 && lane < lanes_max && sequence >= 0 && sequence <= sequence_max);
    std::uint64_t value =
        scramble((static_cast<std::uint64_t>(lane) << 34U) | static_cast<std::uint64_t>(sequence), key);
    std::string digits(8, '0');
    for (std::size_t i = 8; i-- > 0; value >>= 5U) digits[i] = receipt_digits[value & 31U];
    const char check = receipt_digits[check_value(digits)];
    std::string receipt;
    receipt.reserve(11);
    receipt.append(digits, 0, 4).push_back('-');
    receipt.append(digits, 4, 4).push_back('-');
    receipt.push_back(check);
    return receipt;
}

std::optional<Place> parse_receipt(std::string_view text, std::uint64_t key) {
    std::string digits;
    for (const char c : text) {
        if (c == '-') continue;
        const char digit = canonical_digit(c);
        if (receipt_digits.find(digit) == std::string_view::npos || digits.size() == 9) return std::nullopt;
        digits.push_back(digit);
    }
    if (digits.size() != 9) return std::nullopt;
    const std::string_view first_eight = std::string_view(digits).substr(0, 8);
    if (receipt_digits[check_value(first_eight)] != digits[8]) return std::nullopt;
    std::uint64_t value = 0;
    for (const char c : first_eight) value = (value << 5U) | receipt_digits.find(c);
    value = unscramble(value, key);
    return Place{static_cast<std::int64_t>(value >> 34U), static_cast<std::int64_t>(value & sequence_max)};
}

}  // namespace onshi::audit
