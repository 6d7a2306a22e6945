#include "platform/smartcard/cv_certificate.h"

#include <algorithm>

#include "base/sha256.h"
#include "platform/smartcard/card_layout.h"
#include "platform/smartcard/tlv.h"

namespace onshi::smartcard {

namespace {

constexpr std::size_t terminal_tail_bytes = cv_terminal_body_bytes - cv_body_bytes;
constexpr std::size_t encoded_key_bytes = cv_body_bytes - 2 * std::tuple_size_v<CvKeyId>;

void append(ByteVector& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

CvKeyId take_id(Bytes bytes) {
    CvKeyId id{};
    std::copy_n(bytes.begin(), id.size(), id.begin());
    return id;
}

}  // namespace

ByteVector encode_card_rsa_key(const pki::CardPublicKey& key) {
    ByteVector out;
    append_tlv(out, tag::rsa_exponent, key.exponent());
    append_tlv(out, tag::rsa_modulus, key.modulus());
    return out;
}

Result<pki::CardPublicKey> parse_card_rsa_key(Bytes bytes) {
    auto parts = read_tlv_list(bytes);
    if (!parts) return fail(std::move(parts));
    auto exponent = tlv_value(*parts, tag::rsa_exponent);
    if (!exponent) return fail(std::move(exponent));
    auto modulus = tlv_value(*parts, tag::rsa_modulus);
    if (!modulus) return fail(std::move(modulus));
    auto key = pki::CardPublicKey::rsa(*modulus, *exponent);
    if (!key) return fail(ErrorCode::card_unreadable, "RSA key of a size or exponent that is not accepted");
    return key;
}

Result<CvCertificate> CvCertificate::parse(Bytes bytes) {
    auto outer = read_tlv(bytes);
    if (!outer) return fail(std::move(outer));
    if (outer->tag != tag::cv_certificate) return fail(ErrorCode::card_unreadable, "not a card-verifiable certificate");
    auto parts = read_tlv_list(outer->value);
    if (!parts) return fail(std::move(parts));
    auto body = tlv_value(*parts, tag::cv_body);
    if (!body) return fail(std::move(body));
    auto signature = tlv_value(*parts, tag::cv_signature);
    if (!signature) return fail(std::move(signature));
    if (body->size() != cv_body_bytes && body->size() != cv_terminal_body_bytes) {
        return fail(ErrorCode::card_unreadable, "card-verifiable certificate: body size");
    }
    auto key = parse_card_rsa_key(body->subspan(32, encoded_key_bytes));
    if (!key) return fail(std::move(key));
    return CvCertificate{take_id(*body), take_id(body->subspan(16)), std::move(*key),
                         ByteVector(body->begin(), body->end()), ByteVector(signature->begin(), signature->end())};
}

std::string to_text(std::span<const CvRoot> roots) {
    std::string text;
    for (const CvRoot& root : roots) {
        text.append(to_hex(root.key_id)).append(" ").append(to_base64url(root.key.stored())).append("\n");
    }
    return text;
}

Result<std::vector<CvRoot>> parse_cv_roots(std::string_view text) {
    const auto malformed = [] { return fail(ErrorCode::key_malformed, "roots of card-verifiable certificates"); };
    std::vector<CvRoot> roots;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.empty()) continue;
        const auto blank = line.find(' ');
        if (blank == std::string_view::npos || roots.size() == cv_roots_max) return malformed();
        const auto id = from_hex(line.substr(0, blank));
        const auto stored = from_base64url(line.substr(blank + 1));
        if (!id || id->size() != CvKeyId().size() || !stored) return malformed();
        auto key = pki::CardPublicKey::parse(as_bytes(*stored));
        if (!key) return fail(std::move(key));
        roots.push_back({take_id(as_bytes(*id)), std::move(*key)});
    }
    return roots;
}

Result<void> CvCertificate::verify(std::span<const CvRoot> roots) const {
    const auto root = std::ranges::find(roots, issuer, &CvRoot::key_id);
    if (root == roots.end()) return fail(ErrorCode::card_not_authentic, "issuer of the card's signer is not trusted");
    const auto held = pki::verify_message(root->key, pki::SignatureAlgorithm::rsa_pkcs1_sha256, body, signature);
    if (!held) return fail(ErrorCode::card_not_authentic, "certificate of the card's signer does not hold");
    return {};
}

Result<ByteVector> issue_cv_certificate(const CvKeyId& issuer, const pki::RsaPrivateKey& issuer_key,
                                        const CvKeyId& subject, const pki::CardPublicKey& subject_key,
                                        CvPurpose purpose) {
    ByteVector body;
    append(body, issuer);
    append(body, subject);
    if (subject_key.kind() == pki::KeyKind::rsa) append(body, encode_card_rsa_key(subject_key));
    if (body.size() != cv_body_bytes)
        return fail(ErrorCode::key_malformed, "subject key is not RSA-2048 with e = 65537");
    if (purpose == CvPurpose::terminal) body.resize(body.size() + terminal_tail_bytes);
    auto signature = issuer_key.sign_pkcs1(sha256(body));
    if (!signature) return fail(std::move(signature));
    ByteVector inner = make_tlv(tag::cv_body, body);
    append_tlv(inner, tag::cv_signature, *signature);
    return make_tlv(tag::cv_certificate, inner);
}

}  // namespace onshi::smartcard
