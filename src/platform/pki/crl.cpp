#include <algorithm>
#include <utility>

#include "platform/pki/der.h"
#include "platform/pki/limits.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/revocation.h"
#include "platform/pki/revocation_reading.h"
#include "platform/pki/trust_state.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki {

namespace {

auto malformed(const char* what) {
    return fail(ErrorCode::revocation_malformed, what);
}

// Only complete lists are read. A delta or a partial list says nothing about certificates that it leaves out, and
// "not listed" would be read as good.
bool has_foreign_extension(const X509_CRL* crl) {
    for (int i = 0; i < X509_CRL_get_ext_count(crl); ++i) {
        X509_EXTENSION* extension = X509_CRL_get_ext(crl, i);
        const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (nid == NID_delta_crl || nid == NID_issuing_distribution_point) return true;
        if (X509_EXTENSION_get_critical(extension) != 0) return true;
    }
    return false;
}

bool has_critical_extension(const X509_REVOKED* entry) {
    for (int i = 0; i < X509_REVOKED_get_ext_count(entry); ++i) {
        if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(entry, i)) != 0) return true;
    }
    return false;
}

std::optional<RevokedEntry> read_entry(const X509_REVOKED* entry) {
    const auto serial = serial_of(X509_REVOKED_get0_serialNumber(entry));
    const auto since = instant_of(X509_REVOKED_get0_revocationDate(entry));
    const auto coded =
        read_extension<ASN1_ENUMERATED, ASN1_ENUMERATED_free>(X509_REVOKED_get_ext_d2i, entry, NID_crl_reason);
    if (!serial || !since || coded.broken || has_critical_extension(entry)) return std::nullopt;
    const auto reason =
        coded.value ? reason_of(ASN1_ENUMERATED_get(coded.value.get())) : std::optional(RevocationReason::unspecified);
    if (!reason) return std::nullopt;
    return RevokedEntry{*serial, *reason, *since};
}

bool is_before(const RevokedEntry& entry, std::string_view serial) {
    return std::pair(entry.serial.size(), std::string_view(entry.serial)) < std::pair(serial.size(), serial);
}

Result<std::vector<RevokedEntry>> read_entries(X509_CRL* crl) {
    STACK_OF(X509_REVOKED)* stack = X509_CRL_get_REVOKED(crl);
    const int count = stack == nullptr ? 0 : sk_X509_REVOKED_num(stack);
    std::vector<RevokedEntry> entries;
    entries.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        auto entry = read_entry(sk_X509_REVOKED_value(stack, i));
        if (!entry) return malformed("entry");
        entries.push_back(*std::move(entry));
    }
    std::ranges::sort(entries, [](const RevokedEntry& a, const RevokedEntry& b) { return is_before(a, b.serial); });
    const auto repeated = std::ranges::adjacent_find(entries, {}, &RevokedEntry::serial);
    if (repeated != entries.end()) return malformed("a serial stands twice");
    return entries;
}

// Roots of one name are told apart by whose key made the signature.
const TrustRoot* find_signer(X509_CRL* crl, const TrustStore& store) {
    const X509_ALGOR* algorithm = nullptr;
    X509_CRL_get0_signature(crl, nullptr, &algorithm);
    if (!is_strong_signature(algorithm)) return nullptr;
    for (const auto& root : store.roots()) {
        const X509* x509 = store.state().find_x509(root.id);
        const bool may_sign = has(root.certificate.key_usage, KeyUsage::crl_sign);
        if (!may_sign || X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(x509)) != 0) continue;
        if (X509_CRL_verify(crl, X509_get0_pubkey(x509)) == 1) return &root;
    }
    return nullptr;
}

}  // namespace

std::optional<RevocationReason> reason_of(long number) {
    const bool known = (number >= 0 && number <= 6) || number == 9 || number == 10;
    if (!known) return std::nullopt;
    return static_cast<RevocationReason>(number);
}

bool is_strong_signature(const X509_ALGOR* algorithm) {
    int digest = NID_undef;
    int key = NID_undef;
    if (OBJ_find_sigid_algs(OBJ_obj2nid(algorithm->algorithm), &digest, &key) != 1) return false;
    // RFC 4055 §5, RFC 5758 §3.2: RSA with the parameters NULL, ECDSA without any.
    const int parameters = algorithm->parameter == nullptr ? V_ASN1_UNDEF : algorithm->parameter->type;
    if (parameters != (key == NID_rsaEncryption ? V_ASN1_NULL : V_ASN1_UNDEF)) return false;
    return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512;
}

CertificateStatus revoked_status(RevocationReason reason, Instant since, Instant as_of) {
    const bool held = reason == RevocationReason::certificate_hold;
    return {held ? RevocationState::suspended : RevocationState::revoked, reason, since, as_of};
}

std::string_view to_string(RevocationReason reason) noexcept {
    switch (reason) {
        case RevocationReason::unspecified: return "unspecified";
        case RevocationReason::key_compromise: return "key_compromise";
        case RevocationReason::ca_compromise: return "ca_compromise";
        case RevocationReason::affiliation_changed: return "affiliation_changed";
        case RevocationReason::superseded: return "superseded";
        case RevocationReason::cessation_of_operation: return "cessation_of_operation";
        case RevocationReason::certificate_hold: return "certificate_hold";
        case RevocationReason::privilege_withdrawn: return "privilege_withdrawn";
        case RevocationReason::aa_compromise: return "aa_compromise";
    }
    return "unspecified";
}

std::string_view to_string(RevocationState state) noexcept {
    switch (state) {
        case RevocationState::good: return "good";
        case RevocationState::suspended: return "suspended";
        case RevocationState::revoked: return "revoked";
        case RevocationState::unknown: return "unknown";
    }
    return "unknown";
}

Result<Crl> Crl::read(Bytes der, const TrustStore& store, const FreshnessRules& rules, Instant at) {
    const ErrorQueueGuard guard;
    if (der.size() > crl_bytes_max || !der::is_strict(der)) return malformed("not one strict DER list");
    const auto* position = der.data();
    const X509CrlHandle decoded(d2i_X509_CRL(nullptr, &position, static_cast<long>(der.size())));
    if (!decoded || position != der.data() + der.size()) return malformed("not one strict DER list");
    X509_CRL* const crl = decoded.get();
    const TrustRoot* signer = find_signer(crl, store);
    if (signer == nullptr) return fail(ErrorCode::revocation_untrusted, "no root of the store signed the list");

    if (X509_CRL_get_version(crl) != X509_CRL_VERSION_2) return malformed("version");
    if (has_foreign_extension(crl)) return malformed("a partial list or an unknown critical extension");
    const auto this_update = instant_of(X509_CRL_get0_lastUpdate(crl));
    const auto next_update = instant_of(X509_CRL_get0_nextUpdate(crl));
    if (!this_update || !next_update || *next_update < *this_update) return malformed("dates");
    const auto number = read_extension<ASN1_INTEGER, ASN1_INTEGER_free>(X509_CRL_get_ext_d2i, crl, NID_crl_number);
    if (number.broken) return malformed("number");
    auto entries = read_entries(crl);
    if (!entries) return fail(std::move(entries));
    if (*this_update > at + rules.clock_skew_max) return fail(ErrorCode::revocation_stale, "list of the future");
    if (at > *next_update + rules.overdue_max) return fail(ErrorCode::revocation_stale, "list is overdue");

    Crl out;
    out.ca_ = signer->id;
    out.this_update_ = *this_update;
    out.next_update_ = *next_update;
    if (number.value) out.number_ = as_text(bytes_of(number.value.get()));
    out.entries_ = *std::move(entries);
    return out;
}

CertificateStatus Crl::status(const CaId& ca, std::string_view serial) const {
    CertificateStatus status;
    status.as_of = this_update_;
    if (ca != ca_) return status;
    const auto found = std::ranges::lower_bound(
        entries_, serial,
        [](std::string_view a, std::string_view b) { return std::pair(a.size(), a) < std::pair(b.size(), b); },
        [](const RevokedEntry& entry) { return std::string_view(entry.serial); });
    if (found != entries_.end() && found->serial == serial)
        return revoked_status(found->reason, found->since, this_update_);
    status.state = RevocationState::good;
    return status;
}

}  // namespace onshi::pki
