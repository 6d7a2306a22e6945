#include "platform/pki/trust_store.h"

#include <algorithm>
#include <utility>

#include "base/date.h"
#include "platform/pki/limits.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/trust_state.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki {

namespace {

constexpr std::string_view client_auth_oid = "1.3.6.1.5.5.7.3.2";
constexpr int security_bits_min = 112;  // RSA-2048, SHA-256: nothing weaker anywhere in a chain
constexpr int auth_level = 2;           // OpenSSL's name for those 112 bits

bool contains(std::span<const std::string> texts, std::string_view text) {
    return std::ranges::find(texts, text) != texts.end();
}

Result<X509Handle> check_root(const Certificate& root) {
    X509Handle x509 = decode_certificate(as_bytes(root.der));
    if (!x509) return fail(ErrorCode::certificate_malformed, "root");
    if (!root.is_ca || !has(root.key_usage, KeyUsage::key_cert_sign))
        return fail(ErrorCode::certificate_kind, "root is no CA");
    const EVP_PKEY* key = X509_get0_pubkey(x509.get());
    if (key == nullptr || EVP_PKEY_get_security_bits(key) < security_bits_min)
        return fail(ErrorCode::certificate_key, "root");
    if (X509_self_signed(x509.get(), 1) != 1) return fail(ErrorCode::certificate_untrusted, "root is not self-signed");
    if (root.subject_key_id.empty()) return fail(ErrorCode::certificate_untrusted, "root without subjectKeyIdentifier");
    return x509;
}

struct ChainRules {
    int purpose;
    const AcceptedPolicy* policy;  // nullptr: any
};

void apply(const ChainRules& rules, Instant at, X509_VERIFY_PARAM* parameters) {
    ENSURE(X509_VERIFY_PARAM_set_purpose(parameters, rules.purpose) == 1);
    X509_VERIFY_PARAM_set_time(parameters, seconds_of(at));
    X509_VERIFY_PARAM_set_auth_level(parameters, auth_level);
    X509_VERIFY_PARAM_set_depth(parameters, 0);  // roots issue directly; there are no intermediates (jpki-card §6.1)
    if (rules.policy == nullptr) return;
    ASN1_OBJECT* object = OBJ_txt2obj(rules.policy->oid.c_str(), 1);
    ENSURE(object != nullptr && X509_VERIFY_PARAM_add0_policy(parameters, object) == 1);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_EXPLICIT_POLICY);
}

// Which root of the store signed the certificate, judged at a moment.
Result<CaId> verify_chain(X509* x509, const TrustStore& store, const ChainRules& rules, Instant at) {
    const X509StoreContextHandle context(X509_STORE_CTX_new());
    ENSURE(context && X509_STORE_CTX_init(context.get(), store.state().store.get(), x509, nullptr) == 1);
    apply(rules, at, X509_STORE_CTX_get0_param(context.get()));
    if (X509_verify_cert(context.get()) != 1) {
        const int error = X509_STORE_CTX_get_error(context.get());
        return fail(ErrorCode::certificate_untrusted, std::string("step 4: ") + X509_verify_cert_error_string(error));
    }
    const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context.get());
    const auto id =
        CaId::of_public_key_info(as_bytes(public_key_info_of(sk_X509_value(chain, sk_X509_num(chain) - 1))));
    ENSURE(store.find(id) != nullptr);
    return id;
}

// Roots of one name are told apart by the key identifier only; see the pitfall in jpki-card §7.
bool names_a_root(const Certificate& certificate, const TrustStore& store) {
    return std::ranges::any_of(store.roots(), [&](const TrustRoot& root) {
        return !certificate.authority_key_id.empty() && certificate.authority_key_id == root.certificate.subject_key_id;
    });
}

bool is_end_entity_for_signing(const Certificate& certificate) {
    return !certificate.is_ca && has(certificate.key_usage, KeyUsage::digital_signature) &&
           !has(certificate.key_usage, KeyUsage::key_cert_sign);
}

// What is found here is also an OID that OpenSSL reads, since it was printed from one.
const AcceptedPolicy* accepted_policy(const Certificate& certificate, std::span<const AcceptedPolicy> policies) {
    const auto found = std::ranges::find_if(policies, [&](const AcceptedPolicy& policy) {
        return !policy.oid.empty() && contains(certificate.policies, policy.oid);
    });
    return found == policies.end() ? nullptr : &*found;
}

// The first moment after the last second that notAfter allows.
Instant end_of(Instant not_after) {
    return not_after + one_second;
}

// A moment at which the certificate itself is valid: the chain is judged then, so that dates never hide a foreign
// issuer. One second before the end, since OpenSSL counts the last second as over.
Instant moment_for_chain(const Certificate& certificate, Instant at) {
    return std::max(certificate.not_before, std::min(at, certificate.not_after - one_second));
}

}  // namespace

TrustStore::TrustStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
TrustStore::TrustStore(TrustStore&&) noexcept = default;
TrustStore& TrustStore::operator=(TrustStore&&) noexcept = default;
TrustStore::~TrustStore() = default;

Result<TrustStore> TrustStore::create(TrustPurpose purpose, std::span<const Certificate> roots) {
    const ErrorQueueGuard guard;
    if (roots.empty() || roots.size() > trust_roots_max)
        return fail(ErrorCode::certificate_untrusted, "number of roots");
    auto state = std::make_unique<State>();
    state->purpose = purpose;
    state->store.reset(X509_STORE_new());
    ENSURE(state->store);
    for (const auto& root : roots) {
        auto x509 = check_root(root);
        if (!x509) return fail(std::move(x509));
        const bool repeated = std::ranges::any_of(state->roots, [&](const TrustRoot& known) {
            return known.certificate.subject_key_id == root.subject_key_id;
        });
        if (repeated) return fail(ErrorCode::certificate_untrusted, "two roots with one subjectKeyIdentifier");
        const auto id = CaId::of_public_key_info(as_bytes(root.subject_public_key_info));
        state->roots.push_back({id, root});
        ENSURE(X509_STORE_add_cert(state->store.get(), x509->get()) == 1);
        state->certificates.push_back(*std::move(x509));
    }
    return TrustStore(std::move(state));
}

Result<TrustStore> TrustStore::from_pem(TrustPurpose purpose, std::string_view pem) {
    auto roots = parse_certificates_pem(pem);
    if (!roots) return fail(std::move(roots));
    return create(purpose, *roots);
}

TrustPurpose TrustStore::purpose() const {
    return state_->purpose;
}

std::span<const TrustRoot> TrustStore::roots() const {
    return state_->roots;
}

const TrustRoot* TrustStore::find(const CaId& id) const {
    const auto found = std::ranges::find(state_->roots, id, &TrustRoot::id);
    return found == state_->roots.end() ? nullptr : &*found;
}

bool TrustStore::contains_test_ca() const {
    return std::ranges::any_of(state_->roots, [](const TrustRoot& root) {
        return root.certificate.subject.organization().starts_with("TEST");
    });
}

const X509* TrustStore::State::find_x509(const CaId& id) const {
    const auto found = std::ranges::find(roots, id, &TrustRoot::id);
    return found == roots.end() ? nullptr : certificates[static_cast<std::size_t>(found - roots.begin())].get();
}

bool are_disjoint(const TrustStore& a, const TrustStore& b) {
    return std::ranges::none_of(a.roots(), [&](const TrustRoot& root) { return b.find(root.id) != nullptr; });
}

Instant grace_end(Instant not_after) {
    return start_of_japan_day(certificate_grace_end(japan_day(not_after)).plus_days(1));
}

Result<VerifiedCardCertificate> verify_card_certificate(Bytes der, const TrustStore& store,
                                                        std::span<const AcceptedPolicy> policies, Instant at) {
    ENSURE(store.purpose() == TrustPurpose::card_authentication && !policies.empty());
    const ErrorQueueGuard guard;
    const auto x509 = decode_certificate(der);
    if (!x509) return fail(ErrorCode::certificate_malformed, "step 2: not one strict DER certificate");
    auto certificate = read_certificate(x509.get(), der);
    if (!certificate) return fail(certificate.error().code, "step 2: " + certificate.error().detail);

    if (!is_end_entity_for_signing(*certificate)) return fail(ErrorCode::certificate_kind, "step 3: keyUsage or CA");
    const AcceptedPolicy* policy = accepted_policy(*certificate, policies);
    if (policy == nullptr) return fail(ErrorCode::certificate_policy, "step 3: no accepted policy");
    if (!contains(certificate->extended_key_usages, client_auth_oid)) {
        return fail(ErrorCode::certificate_kind, "step 3: no clientAuth");
    }
    if (!certificate->card_key) return fail(ErrorCode::certificate_key, "step 3: " + certificate->key_name);

    if (!names_a_root(*certificate, store)) {
        return fail(ErrorCode::certificate_untrusted, "step 4: authorityKeyIdentifier names no root");
    }
    auto ca = verify_chain(x509.get(), store, {X509_PURPOSE_SSL_CLIENT, policy}, moment_for_chain(*certificate, at));
    if (!ca) return fail(std::move(ca));
    if (at < certificate->not_before) return fail(ErrorCode::certificate_not_yet_valid, "step 4: notBefore");
    const bool expired = at >= end_of(certificate->not_after);
    const bool in_grace =
        expired && policy->grace == ExpiryGrace::three_months && at < grace_end(certificate->not_after);
    if (expired && !in_grace) return fail(ErrorCode::certificate_expired, "step 4: notAfter");
    CardPublicKey key = *certificate->card_key;
    return VerifiedCardCertificate{*std::move(certificate), std::move(key), *ca, policy->grace, in_grace};
}

Result<Certificate> verify_organisation_certificate(Bytes der, const TrustStore& store, Instant at) {
    ENSURE(store.purpose() == TrustPurpose::organisation);
    const ErrorQueueGuard guard;
    const auto x509 = decode_certificate(der);
    if (!x509) return fail(ErrorCode::certificate_malformed, "step 2: not one strict DER certificate");
    auto certificate = read_certificate(x509.get(), der);
    if (!certificate) return fail(certificate.error().code, "step 2: " + certificate.error().detail);
    const bool for_clients = contains(certificate->extended_key_usages, client_auth_oid);
    if (!is_end_entity_for_signing(*certificate) || !for_clients) return fail(ErrorCode::certificate_kind, "step 3");
    if (certificate->key_name != "P-256") return fail(ErrorCode::certificate_key, "step 3: " + certificate->key_name);
    if (!names_a_root(*certificate, store)) {
        return fail(ErrorCode::certificate_untrusted, "step 4: authorityKeyIdentifier names no root");
    }
    const auto ca =
        verify_chain(x509.get(), store, {X509_PURPOSE_SSL_CLIENT, nullptr}, moment_for_chain(*certificate, at));
    if (!ca) return fail(ErrorCode::certificate_untrusted, ca.error().detail);
    if (at < certificate->not_before) return fail(ErrorCode::certificate_not_yet_valid, "step 4: notBefore");
    if (at >= end_of(certificate->not_after)) return fail(ErrorCode::certificate_expired, "step 4: notAfter");
    return certificate;
}

}  // namespace onshi::pki
