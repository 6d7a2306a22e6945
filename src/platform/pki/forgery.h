#pragma once

// For tests of this folder only: certificates that a CA of ours would never issue, signed with its key all the same.
#include <functional>
#include <string>
#include <vector>

#include "platform/pki/certificate_builder.h"
#include "platform/pki/der.h"
#include "platform/pki/test_fixtures.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki {

enum class AuthorityKeyId : std::uint8_t { right, absent, of_another_generation };

// Without changes: a user-authentication certificate of generation 3 that is good on fixture_now.
struct Forgery {
    const TestCa* issuer = &fixture_jpki().auth_ca(3);
    std::string serial = std::string("\x01\x00\x00\x01", 4);
    std::string subject_name = "ABCDEFGHIJ0123456789KLM";
    Instant not_before = start_of_japan_day(Date::of(2026, 1, 10));
    Instant not_after = start_of_japan_day(Date::of(2030, 8, 16)) - one_second;
    std::string basic_constraints;  // the text forms of OpenSSL's configuration; empty leaves the extension out
    std::string key_usage = "critical,digitalSignature";
    std::string extended_key_usage = "clientAuth";
    std::vector<std::string> policies = {std::string(policy_card_authentication)};
    AuthorityKeyId authority_key_id = AuthorityKeyId::right;
    std::string public_key_info;  // DER; empty: fixture_keys().public_key(6)
    const EVP_MD* digest = EVP_sha256();
    std::function<void(X509*)> change = [](X509*) {};
};

inline void add_raw_extension(X509* x509, int nid, std::string_view value) {
    const OpenSslHandle<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> octets(ASN1_OCTET_STRING_new());
    ENSURE(ASN1_OCTET_STRING_set(octets.get(), as_bytes(value).data(), static_cast<int>(value.size())) == 1);
    add_extension(x509, X509ExtensionHandle(X509_EXTENSION_create_by_NID(nullptr, nid, 0, octets.get())));
}

inline void add_unknown_critical_extension(X509* x509) {
    const OpenSslHandle<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> octets(ASN1_OCTET_STRING_new());
    const Asn1ObjectHandle object(OBJ_txt2obj("1.2.3.4.5.6", 1));
    ENSURE(ASN1_OCTET_STRING_set(octets.get(), as_bytes("\x05\x05").data(), 2) == 1);
    add_extension(x509, X509ExtensionHandle(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 1, octets.get())));
}

inline std::string rsa_key_info(Bytes modulus, Bytes exponent) {
    const auto key = der::element(der::tag_sequence, {der::unsigned_integer(modulus), der::unsigned_integer(exponent)});
    const std::string algorithm("\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00", 15);
    return der::element(der::tag_sequence,
                        {algorithm, der::element(der::tag_bit_string, {std::string_view("\0", 1), key})});
}

inline void set_key(X509* x509, const std::string& public_key_info) {
    if (public_key_info.empty()) return set_public_key(x509, fixture_keys().public_key(6));
    const auto* at = as_bytes(public_key_info).data();
    OpenSslHandle<X509_PUBKEY, X509_PUBKEY_free> parsed(
        d2i_X509_PUBKEY(nullptr, &at, static_cast<long>(public_key_info.size())));
    ASN1_OBJECT* algorithm = nullptr;
    const unsigned char* bits = nullptr;
    int size = 0;
    X509_ALGOR* whole = nullptr;
    ENSURE(parsed && X509_PUBKEY_get0_param(&algorithm, &bits, &size, &whole, parsed.get()) == 1);
    int parameter_type = 0;
    const void* parameter = nullptr;
    X509_ALGOR_get0(nullptr, &parameter_type, &parameter, whole);
    void* owned_parameter =
        parameter_type == V_ASN1_OBJECT ? OBJ_dup(static_cast<const ASN1_OBJECT*>(parameter)) : nullptr;
    ENSURE(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x509), OBJ_dup(algorithm), parameter_type, owned_parameter,
                                  static_cast<unsigned char*>(OPENSSL_memdup(bits, static_cast<std::size_t>(size))),
                                  size) == 1);
}

inline void add_policies(X509* x509, const std::vector<std::string>& oids) {
    if (oids.empty()) return;
    const OpenSslHandle<CERTIFICATEPOLICIES, CERTIFICATEPOLICIES_free> value(CERTIFICATEPOLICIES_new());
    for (const auto& oid : oids) {
        POLICYINFO* policy = POLICYINFO_new();
        policy->policyid = OBJ_txt2obj(oid.c_str(), 1);
        ENSURE(policy->policyid != nullptr && sk_POLICYINFO_push(value.get(), policy) > 0);
    }
    add_extension(x509, make_extension(NID_certificate_policies, Criticality::critical, value.get()));
}

inline std::string forge(const Forgery& forgery) {
    const auto issuer = decode_certificate(as_bytes(forgery.issuer->certificate().der));
    const auto subject = make_name({{NID_countryName, "JP"}, {NID_commonName, forgery.subject_name}});
    const auto x509 = begin_certificate({as_bytes(forgery.serial), X509_get_subject_name(issuer.get()), subject.get(),
                                         forgery.not_before, forgery.not_after});
    set_key(x509.get(), forgery.public_key_info);
    const std::pair<int, std::string> texts[] = {{NID_basic_constraints, forgery.basic_constraints},
                                                 {NID_key_usage, forgery.key_usage},
                                                 {NID_ext_key_usage, forgery.extended_key_usage},
                                                 {NID_info_access, "OCSP;URI:http://ocsp.test-jpki.example/"}};
    for (const auto& [nid, text] : texts) {
        if (!text.empty()) add_extension(x509.get(), make_text_extension(nid, text));
    }
    add_policies(x509.get(), forgery.policies);
    if (forgery.authority_key_id == AuthorityKeyId::right)
        add_extension(x509.get(), make_authority_key_id(issuer.get()));
    if (forgery.authority_key_id == AuthorityKeyId::of_another_generation) {
        const auto other = decode_certificate(as_bytes(fixture_jpki().auth_ca(1).certificate().der));
        add_extension(x509.get(), make_authority_key_id(other.get()));
    }
    add_subject_key_id(x509.get());
    forgery.change(x509.get());
    ENSURE(X509_sign(x509.get(), forgery.issuer->key().handle().key.get(), forgery.digest) > 0);
    return encode_der(i2d_X509, x509.get());
}

}  // namespace onshi::pki
