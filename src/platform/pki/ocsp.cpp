#include <algorithm>
#include <utility>

#include "platform/pki/certificate_builder.h"
#include "platform/pki/der.h"
#include "platform/pki/limits.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/revocation.h"
#include "platform/pki/revocation_reading.h"
#include "platform/pki/trust_state.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki {

namespace {

using OcspRequestHandle = OpenSslHandle<OCSP_REQUEST, OCSP_REQUEST_free>;
using OcspResponseHandle = OpenSslHandle<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using OcspBasicHandle = OpenSslHandle<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using OcspCertIdHandle = OpenSslHandle<OCSP_CERTID, OCSP_CERTID_free>;

// Frees the stack, not the certificates in it, which the trust store owns.
struct StackFreer {
    void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
};
using StackHandle = std::unique_ptr<STACK_OF(X509), StackFreer>;

auto malformed(const char* what) {
    return fail(ErrorCode::revocation_malformed, what);
}

// SHA-1 names the CA here and protects nothing; every responder knows it (RFC 5019 §2.1.1).
OcspCertIdHandle make_id(const X509* ca, std::string_view serial) {
    OcspCertIdHandle id(OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(ca), X509_get0_pubkey_bitstr(ca),
                                         make_integer(as_bytes(serial)).get()));
    ENSURE(id);
    return id;
}

// The answer's signer must be the CA itself or a responder that this CA certified for it: the store holds this one
// root.
bool is_signed_by(OCSP_BASICRESP* basic, const X509* ca, Instant at) {
    if (!is_strong_signature(OCSP_resp_get0_tbs_sigalg(basic))) return false;
    const X509StoreHandle store(X509_STORE_new());
    const StackHandle others(sk_X509_new_null());
    X509* root = const_cast<X509*>(ca);
    ENSURE(store && others && X509_STORE_add_cert(store.get(), root) == 1 && sk_X509_push(others.get(), root) > 0);
    X509_VERIFY_PARAM* parameters = X509_STORE_get0_param(store.get());
    X509_VERIFY_PARAM_set_time(parameters, seconds_of(at));
    X509_VERIFY_PARAM_set_auth_level(parameters, 2);  // 112 bits, as everywhere
    return OCSP_basic_verify(basic, others.get(), store.get(), OCSP_NOEXPLICIT) == 1;
}

bool has_unknown_critical_extension(OCSP_BASICRESP* basic, OCSP_SINGLERESP* single) {
    for (int i = 0; i < OCSP_BASICRESP_get_ext_count(basic); ++i) {
        X509_EXTENSION* extension = OCSP_BASICRESP_get_ext(basic, i);
        const bool is_nonce = OBJ_obj2nid(X509_EXTENSION_get_object(extension)) == NID_id_pkix_OCSP_Nonce;
        if (!is_nonce && X509_EXTENSION_get_critical(extension) != 0) return true;
    }
    for (int i = 0; i < OCSP_SINGLERESP_get_ext_count(single); ++i) {
        if (X509_EXTENSION_get_critical(OCSP_SINGLERESP_get_ext(single, i)) != 0) return true;
    }
    return false;
}

bool is_fresh(Instant this_update, std::optional<Instant> next_update, const FreshnessRules& rules, Instant at) {
    if (this_update > at + rules.clock_skew_max) return false;
    if (next_update) return at <= *next_update + rules.overdue_max;
    return at <= this_update + rules.age_max;
}

Result<CertificateStatus> read_single(OCSP_SINGLERESP* single, const FreshnessRules& rules, Instant at) {
    int number = -1;
    ASN1_GENERALIZEDTIME* revoked_at = nullptr;
    ASN1_GENERALIZEDTIME* this_at = nullptr;
    ASN1_GENERALIZEDTIME* next_at = nullptr;
    const int state = OCSP_single_get0_status(single, &number, &revoked_at, &this_at, &next_at);
    const auto this_update = instant_of(this_at);
    const auto next_update = instant_of(next_at);
    if (!this_update || (next_at != nullptr && (!next_update || *next_update < *this_update)))
        return malformed("dates");
    if (!is_fresh(*this_update, next_update, rules, at))
        return fail(ErrorCode::revocation_stale, "answer is not of now");
    CertificateStatus status;
    status.as_of = *this_update;
    if (state == V_OCSP_CERTSTATUS_UNKNOWN) return status;
    if (state == V_OCSP_CERTSTATUS_GOOD) {
        status.state = RevocationState::good;
        return status;
    }
    const auto since = instant_of(revoked_at);
    const auto reason = number == OCSP_REVOKED_STATUS_NOSTATUS ? RevocationReason::unspecified : reason_of(number);
    if (state != V_OCSP_CERTSTATUS_REVOKED || !since || !reason) return malformed("revoked status");
    return revoked_status(*reason, *since, *this_update);
}

OcspResponseHandle decode_response(Bytes der) {
    if (der.size() > ocsp_response_bytes_max || !der::is_strict(der)) return nullptr;
    const auto* at = der.data();
    OcspResponseHandle response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
    if (response && at != der.data() + der.size()) return nullptr;
    return response;
}

// OpenSSL verifies its own encoding of what it has read, not the bytes that came: those must be the same, or several
// texts would carry one signature.
OcspBasicHandle decode_basic(OCSP_RESPONSE* response, Bytes der) {
    OcspBasicHandle basic(OCSP_response_get1_basic(response));
    if (basic && as_text(der).find(encode_der(i2d_OCSP_BASICRESP, basic.get())) == std::string_view::npos)
        return nullptr;
    return basic;
}

bool has_nonce_of(const OcspQuestion& question, OCSP_BASICRESP* basic) {
    const auto* at = as_bytes(question.request_der).data();
    const OcspRequestHandle request(d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(question.request_der.size())));
    constexpr int present_and_equal = 1;
    return request && OCSP_check_nonce(request.get(), basic) == present_and_equal;
}

// The one answer about this certificate; two would leave open which of them counts.
OCSP_SINGLERESP* find_single(OCSP_BASICRESP* basic, OCSP_CERTID* id) {
    const int first = OCSP_resp_find(basic, id, -1);
    if (first < 0 || OCSP_resp_find(basic, id, first) >= 0) return nullptr;
    return OCSP_resp_get0(basic, first);
}

}  // namespace

Result<OcspQuestion> make_ocsp_question(const CaId& ca, std::string_view serial, const TrustStore& store,
                                        Random& random) {
    const ErrorQueueGuard guard;
    const X509* root = store.state().find_x509(ca);
    if (root == nullptr) return fail(ErrorCode::certificate_untrusted, "CA is not in the store");
    if (serial.empty() || serial.size() > serial_bytes_max || serial[0] == '\0') {
        return fail(ErrorCode::certificate_malformed, "serial");
    }
    std::string nonce(ocsp_nonce_bytes, '\0');
    auto* nonce_bytes = reinterpret_cast<unsigned char*>(nonce.data());
    random.fill({nonce_bytes, nonce.size()});
    const OcspRequestHandle request(OCSP_REQUEST_new());
    ENSURE(request && OCSP_request_add0_id(request.get(), make_id(root, serial).release()) != nullptr);
    ENSURE(OCSP_request_add1_nonce(request.get(), nonce_bytes, static_cast<int>(nonce.size())) == 1);
    return OcspQuestion{encode_der(i2d_OCSP_REQUEST, request.get()), ca, std::string(serial), std::move(nonce)};
}

Result<CertificateStatus> read_ocsp_response(Bytes der, const OcspQuestion& question, const TrustStore& store,
                                             const FreshnessRules& rules, Instant at) {
    const ErrorQueueGuard guard;
    const X509* root = store.state().find_x509(question.ca);
    if (root == nullptr) return fail(ErrorCode::revocation_untrusted, "CA is no longer in the store");
    const auto response = decode_response(der);
    if (!response) return malformed("not one strict DER answer");
    const int outcome = OCSP_response_status(response.get());
    if (outcome != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        return fail(ErrorCode::revocation_unavailable, OCSP_response_status_str(outcome));
    }
    const auto basic = decode_basic(response.get(), der);
    if (!basic) return malformed("no basic answer");
    if (!is_signed_by(basic.get(), root, at)) return fail(ErrorCode::revocation_untrusted, "signer of the answer");
    if (!has_nonce_of(question, basic.get())) return fail(ErrorCode::revocation_mismatch, "nonce");
    OCSP_SINGLERESP* single = find_single(basic.get(), make_id(root, question.serial).get());
    if (single == nullptr) return fail(ErrorCode::revocation_mismatch, "not one answer about this certificate");
    if (has_unknown_critical_extension(basic.get(), single)) return malformed("critical extension");
    return read_single(single, rules, at);
}

Task<Result<CertificateStatus>> ask_ocsp(const OcspQuestion& question, std::string url, const OcspTransport& transport,
                                         const TrustStore& store, FreshnessRules rules, const Clock& clock,
                                         Deadline deadline) {
    std::string body = question.request_der;
    auto answer = co_await transport(std::move(url), std::move(body), deadline);
    if (!answer) co_return fail(ErrorCode::revocation_unavailable, std::string(error_name(answer.error().code)));
    co_return read_ocsp_response(as_bytes(*answer), question, store, rules, clock.now());
}

}  // namespace onshi::pki
