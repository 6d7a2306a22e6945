#include "domain/cards/authorities.h"

#include <algorithm>

namespace onshi::cards {

std::int32_t ca_number(const pki::CaId& id) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number = (number << 8U) | id.bytes[i];
    return static_cast<std::int32_t>(number & 0x7FFFFFFFU);
}

Result<Authorities> Authorities::create(pki::TrustStore store, std::vector<pki::AcceptedPolicy> policies,
                                        std::int64_t trust_epoch) {
    Authorities authorities(std::move(store), std::move(policies), trust_epoch);
    for (const auto& root : authorities.store_.roots()) {
        const std::int32_t number = ca_number(root.id);
        const bool repeated =
            std::ranges::find(authorities.authorities_, number, &Authority::ca_id) != authorities.authorities_.end();
        if (repeated) return fail(ErrorCode::certificate_untrusted, "two CAs have one number");
        authorities.authorities_.push_back({number, root.certificate.subject_key_id});
    }
    return authorities;
}

std::optional<std::int32_t> Authorities::find(std::string_view authority_key_id) const {
    const auto found = std::ranges::find(authorities_, authority_key_id, &Authority::key_id);
    return found == authorities_.end() ? std::nullopt : std::optional(found->ca_id);
}

std::vector<std::int32_t> Authorities::ca_ids() const {
    std::vector<std::int32_t> ids;
    for (const auto& authority : authorities_) ids.push_back(authority.ca_id);
    return ids;
}

const pki::CaId* Authorities::key_of(std::int32_t ca_id) const {
    for (const auto& root : store_.roots()) {
        if (ca_number(root.id) == ca_id) return &root.id;
    }
    return nullptr;
}

Result<pki::VerifiedCardCertificate> Authorities::verify(Bytes der, const CardKey& claimed, Instant at) const {
    auto verified = pki::verify_card_certificate(der, store_, policies_, at);
    if (!verified) return verified;
    const bool same_serial = std::ranges::equal(as_bytes(verified->certificate.serial), claimed.serial.bytes());
    if (!same_serial || ca_number(verified->ca) != claimed.ca_id) {
        return fail(ErrorCode::certificate_mismatch, "the certificate is not the one the request names");
    }
    return verified;
}

Sha256 card_tag(const pki::HmacKey& row_key, const Card& card, std::int64_t trust_epoch) {
    std::string fixed;
    fixed.reserve(64);
    ByteWriter writer(fixed);
    writer.u32(static_cast<std::uint32_t>(card.key.ca_id));
    writer.i64(trust_epoch);
    writer.i64(card.not_after.us);
    writer.u8(static_cast<std::uint8_t>(card.grace));
    writer.i64(card.person.value());
    writer.text(as_text(card.key.serial.bytes()));
    return row_key.mac({as_bytes(fixed), as_bytes(card.public_key)});
}

bool has_trusted_key(const pki::HmacKey& row_key, const Card& card, std::int64_t trust_epoch) {
    if (card.public_key.empty() || card.tag.size() != sizeof(Sha256)) return false;
    return pki::constant_time_equal(card_tag(row_key, card, trust_epoch), as_bytes(card.tag));
}

}  // namespace onshi::cards
