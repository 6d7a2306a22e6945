#include "exchange/capsule/capsule.h"

#include <algorithm>

#include "platform/cose/base45.h"
#include "platform/cose/cbor.h"
#include "platform/cose/cose_sign1.h"

namespace onshi::capsule {

namespace {

using cose::CborReader;
using cose::CborWriter;

constexpr std::string_view mark = "ONSHI1:";
constexpr std::int64_t second = 1'000'000;
constexpr std::size_t text_max = 512;
constexpr std::size_t claims_max = 32;
constexpr int depth_max = 4;

// RFC 8392 §4, and ours from the range for private use.
enum Claim : std::int64_t {
    claim_issuer = 1,
    claim_expires = 4,
    claim_issued = 6,
    claim_id = 7,
    claim_insurer = -70'001,
    claim_symbol = -70'002,
    claim_number = -70'003,
    claim_branch = -70'004,
    claim_name = -70'005,
    claim_kana = -70'006,
    claim_birth = -70'007,
    claim_copay = -70'008,
    claim_limit = -70'009,
    claim_valid_to = -70'010,
    claim_card = -70'011,
    claim_card_name = -70'012,
    // of a list
    claim_keys = -70'101,
    claim_revoked = -70'102,
};

tl::unexpected<Error> malformed(const char* why) {
    return fail(ErrorCode::file_malformed, why);
}

std::string claims_of(const Capsule& capsule) {
    std::string claims;
    CborWriter writer(claims);
    std::size_t count = 10;
    const auto counts = [&count](bool there) { count += there ? 1 : 0; };
    for (const auto* text : {&capsule.symbol, &capsule.branch, &capsule.kana, &capsule.limit_category})
        counts(!text->empty());
    counts(capsule.copay_percent.has_value());
    counts(capsule.valid_to.has_value());
    const auto number = [&](Claim claim, std::int64_t value) {
        writer.integer(claim);
        writer.integer(value);
    };
    const auto text = [&](Claim claim, std::string_view value) {
        if (value.empty()) return;
        writer.integer(claim);
        writer.text(value);
    };
    const auto bytes = [&](Claim claim, std::string_view value) {
        writer.integer(claim);
        writer.bytes(as_bytes(value));
    };
    writer.map(count);
    writer.integer(claim_issuer);
    writer.text(capsule.issuer);
    number(claim_expires, capsule.expires_at.us / second);
    number(claim_issued, capsule.issued_at.us / second);
    bytes(claim_id, capsule.id);
    writer.integer(claim_insurer);
    writer.text(capsule.insurer_number);
    text(claim_symbol, capsule.symbol);
    writer.integer(claim_number);
    writer.text(capsule.number);
    text(claim_branch, capsule.branch);
    writer.integer(claim_name);
    writer.text(capsule.name);
    text(claim_kana, capsule.kana);
    writer.integer(claim_birth);
    writer.text(to_iso(capsule.birth));
    if (capsule.copay_percent) number(claim_copay, *capsule.copay_percent);
    text(claim_limit, capsule.limit_category);
    if (capsule.valid_to) {
        writer.integer(claim_valid_to);
        writer.text(to_iso(*capsule.valid_to));
    }
    bytes(claim_card, capsule.card);
    bytes(claim_card_name, capsule.card_name);
    return claims;
}

// Reads the claims of one map; what is not known is passed over, because capsules only grow.
class ClaimReader {
  public:
    explicit ClaimReader(std::string_view payload) : reader_(as_bytes(payload)), left_(reader_.map(claims_max)) {}
    [[nodiscard]] bool next() {
        if (!reader_.ok() || left_ == 0) return false;
        --left_;
        if (reader_.next_is_text()) {
            reader_.skip(depth_max);
            name_ = 0;
        } else {
            name_ = reader_.integer();
        }
        return reader_.ok();
    }
    [[nodiscard]] std::int64_t name() const { return name_; }
    [[nodiscard]] CborReader& value() { return reader_; }
    [[nodiscard]] std::string text() {
        const auto read = reader_.text();
        if (read.size() > text_max) out_of_bounds_ = true;
        return std::string(read.substr(0, text_max));
    }
    [[nodiscard]] Instant instant() {
        const std::int64_t seconds = reader_.integer();
        // Until the year 9999, so that nothing overflows.
        if (seconds < 0 || seconds > 253'402'300'799) out_of_bounds_ = true;
        return {out_of_bounds_ ? 0 : seconds * second};
    }
    [[nodiscard]] int percent() {
        const std::int64_t read = reader_.integer();
        if (read < 0 || read > 100) out_of_bounds_ = true;
        return out_of_bounds_ ? 0 : static_cast<int>(read);
    }
    [[nodiscard]] std::optional<Date> day() {
        const auto day = parse_iso_date(reader_.text());
        if (!day) out_of_bounds_ = true;
        return day ? std::optional(*day) : std::nullopt;
    }
    void pass_over() { reader_.skip(depth_max); }
    [[nodiscard]] bool good() const { return reader_.ok() && reader_.at_end() && !out_of_bounds_; }

  private:
    CborReader reader_;
    std::size_t left_;
    std::int64_t name_ = 0;
    bool out_of_bounds_ = false;
};

void read_claim(ClaimReader& claims, Capsule& capsule, std::optional<Date>& birth) {
    switch (claims.name()) {
        case claim_issuer: capsule.issuer = claims.text(); return;
        case claim_expires: capsule.expires_at = claims.instant(); return;
        case claim_issued: capsule.issued_at = claims.instant(); return;
        case claim_id: capsule.id = as_text(claims.value().bytes()); return;
        case claim_insurer: capsule.insurer_number = claims.text(); return;
        case claim_symbol: capsule.symbol = claims.text(); return;
        case claim_number: capsule.number = claims.text(); return;
        case claim_branch: capsule.branch = claims.text(); return;
        case claim_name: capsule.name = claims.text(); return;
        case claim_kana: capsule.kana = claims.text(); return;
        case claim_birth: birth = claims.day(); return;
        case claim_copay: capsule.copay_percent = claims.percent(); return;
        case claim_limit: capsule.limit_category = claims.text(); return;
        case claim_valid_to: capsule.valid_to = claims.day(); return;
        case claim_card: capsule.card = as_text(claims.value().bytes()); return;
        case claim_card_name: capsule.card_name = as_text(claims.value().bytes()); return;
        default: claims.pass_over();
    }
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = "\r\n\t";
    while (!text.empty() && blanks.find(text.front()) != std::string_view::npos) text.remove_prefix(1);
    while (!text.empty() && blanks.find(text.back()) != std::string_view::npos) text.remove_suffix(1);
    return text;
}

const std::string* find_key(const Trust& trust, std::string_view key_id) {
    const auto found = std::ranges::find_if(
        trust.keys, [&](const std::string& key) { return cose::key_id_of(as_bytes(key)) == key_id; });
    return found == trust.keys.end() ? nullptr : &*found;
}

}  // namespace

std::string write_capsule(const Capsule& capsule, const pki::EcPrivateKey& key) {
    return std::string(mark) + cose::to_base45(as_bytes(cose::sign1(key, claims_of(capsule))));
}

Result<Scanned> read_capsule(std::string_view text) {
    text = trimmed(text);
    if (text.size() > text_bytes_max || !text.starts_with(mark)) return malformed("no capsule");
    auto token = cose::from_base45(text.substr(mark.size()));
    if (!token) return malformed("no base45");
    Scanned scanned;
    scanned.token = std::move(*token);
    auto opened = cose::open_sign1(as_bytes(scanned.token));
    if (!opened) return fail(std::move(opened));
    scanned.key_id = opened->key_id;
    ClaimReader claims(opened->payload);
    std::optional<Date> birth;
    while (claims.next()) read_claim(claims, scanned.capsule, birth);
    const Capsule& capsule = scanned.capsule;
    const bool whole = claims.good() && birth && capsule.id.size() == id_bytes && capsule.card.size() == card_bytes &&
                       capsule.card_name.size() == card_name_bytes && !capsule.insurer_number.empty() &&
                       !capsule.number.empty() && !capsule.name.empty() && capsule.issued_at.us > 0 &&
                       capsule.expires_at > capsule.issued_at;
    if (!whole) return malformed("claims are missing");
    scanned.capsule.birth = *birth;
    return scanned;
}

std::string write_trust(const Trust& trust, const pki::EcPrivateKey& key) {
    std::string claims;
    CborWriter writer(claims);
    writer.map(4);
    writer.integer(claim_issuer);
    writer.text(trust.issuer);
    writer.integer(claim_issued);
    writer.integer(trust.issued_at.us / second);
    writer.integer(claim_keys);
    writer.array(trust.keys.size());
    for (const auto& point : trust.keys) writer.bytes(as_bytes(point));
    writer.integer(claim_revoked);
    writer.array(trust.revoked.size());
    for (const auto& name : trust.revoked) writer.bytes(as_bytes(name));
    return to_base64url(as_bytes(cose::sign1(key, claims)));
}

Result<Trust> read_trust(std::string_view text, const Trust* held) {
    const auto token = from_base64url(trimmed(text));
    if (!token) return malformed("no base64url");
    auto opened = cose::open_sign1(as_bytes(*token));
    if (!opened) return fail(std::move(opened));
    Trust trust;
    ClaimReader claims(opened->payload);
    while (claims.next()) {
        const auto list = [&](std::vector<std::string>& into, std::size_t count_max) {
            const std::size_t count = claims.value().array(count_max);
            for (std::size_t i = 0; i < count && claims.value().ok(); ++i)
                into.emplace_back(as_text(claims.value().bytes()));
        };
        switch (claims.name()) {
            case claim_issuer: trust.issuer = claims.text(); break;
            case claim_issued: trust.issued_at = claims.instant(); break;
            case claim_keys: list(trust.keys, trust_keys_max); break;
            case claim_revoked: list(trust.revoked, trust_revoked_max); break;
            default: claims.pass_over();
        }
    }
    const auto sized = [](std::size_t size) { return [size](const std::string& one) { return one.size() == size; }; };
    const bool whole =
        claims.good() && !trust.keys.empty() && std::ranges::all_of(trust.keys, sized(cose::point_bytes)) &&
        std::ranges::all_of(trust.revoked, sized(card_name_bytes)) && std::ranges::is_sorted(trust.revoked);
    if (!whole) return malformed("no list of keys");
    const std::string* key = find_key(held == nullptr ? trust : *held, opened->key_id);
    if (key == nullptr) return fail(ErrorCode::signature_invalid, "signed by no key that is believed");
    auto verified = cose::verify_sign1(*opened, as_bytes(*key));
    if (!verified) return fail(std::move(verified));
    if (held != nullptr && trust.issued_at < held->issued_at) return fail(ErrorCode::revocation_stale, "an older list");
    return trust;
}

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::genuine: return "genuine";
        case Verdict::expired: return "expired";
        case Verdict::not_yet: return "not_yet";
        case Verdict::revoked: return "revoked";
        case Verdict::unknown_key: return "unknown_key";
        case Verdict::forged: return "forged";
        case Verdict::other_card: return "other_card";
    }
    return "forged";
}

Verdict judge(const Scanned& scanned, const Trust& trust, std::string_view card, Instant now) {
    const std::string* key = find_key(trust, scanned.key_id);
    if (key == nullptr) return Verdict::unknown_key;
    const auto opened = cose::open_sign1(as_bytes(scanned.token));
    if (!opened || !cose::verify_sign1(*opened, as_bytes(*key))) return Verdict::forged;
    const Capsule& capsule = scanned.capsule;
    if (std::ranges::binary_search(trust.revoked, capsule.card_name)) return Verdict::revoked;
    if (capsule.issued_at > now + clock_tolerance) return Verdict::not_yet;
    if (now >= capsule.expires_at) return Verdict::expired;
    if (!card.empty() && card != capsule.card) return Verdict::other_card;
    return Verdict::genuine;
}

bool is_fresh(const Trust& trust, Instant now) {
    return now - trust.issued_at <= std::chrono::microseconds(trust_fresh_for);
}

}  // namespace onshi::capsule
