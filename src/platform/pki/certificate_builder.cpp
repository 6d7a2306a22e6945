#include "platform/pki/certificate_builder.h"

#include <array>

#include <openssl/sha.h>

#include "platform/pki/der.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki {

void add_name_part(X509_NAME* name, NamePart part) {
    const auto [nid, text] = part;
    ENSURE(X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, as_bytes(text).data(), static_cast<int>(text.size()),
                                      -1, 0) == 1);
}

X509NameHandle make_name(std::initializer_list<NamePart> parts) {
    X509NameHandle name(X509_NAME_new());
    ENSURE(name);
    for (const auto& part : parts) add_name_part(name.get(), part);
    return name;
}

Asn1TimeHandle make_time(Instant at) {
    Asn1TimeHandle time(ASN1_TIME_set(nullptr, seconds_of(at)));
    ENSURE(time);
    return time;
}

Asn1IntegerHandle make_integer(Bytes big_endian) {
    const BignumHandle number(BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()), nullptr));
    ENSURE(number);
    Asn1IntegerHandle integer(BN_to_ASN1_INTEGER(number.get(), nullptr));
    ENSURE(integer);
    return integer;
}

X509Handle begin_certificate(const CertificateHead& head) {
    X509Handle x509(X509_new());
    ENSURE(x509 && X509_set_version(x509.get(), X509_VERSION_3) == 1);
    ENSURE(X509_set_serialNumber(x509.get(), make_integer(head.serial).get()) == 1);
    ENSURE(X509_set_issuer_name(x509.get(), head.issuer) == 1 && X509_set_subject_name(x509.get(), head.subject) == 1);
    ENSURE(ASN1_TIME_set(X509_getm_notBefore(x509.get()), seconds_of(head.not_before)) != nullptr);
    ENSURE(ASN1_TIME_set(X509_getm_notAfter(x509.get()), seconds_of(head.not_after)) != nullptr);
    return x509;
}

std::string public_key_bits(const CardPublicKey& key) {
    if (key.kind() == KeyKind::ec_p384) return "\x04" + std::string(as_text(key.point()));
    return der::element(der::tag_sequence,
                        {der::unsigned_integer(key.modulus()), der::unsigned_integer(key.exponent())});
}

void set_public_key(X509* x509, const CardPublicKey& key) {
    const bool is_rsa = key.kind() == KeyKind::rsa;
    const int algorithm = is_rsa ? NID_rsaEncryption : NID_X9_62_id_ecPublicKey;
    const int parameter_type = is_rsa ? V_ASN1_NULL : V_ASN1_OBJECT;
    void* parameter = is_rsa ? nullptr : OBJ_nid2obj(NID_secp384r1);
    const std::string bits = public_key_bits(key);
    auto* owned = static_cast<unsigned char*>(OPENSSL_memdup(bits.data(), bits.size()));
    ENSURE(owned != nullptr &&
           X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x509), OBJ_nid2obj(algorithm), parameter_type, parameter, owned,
                                  static_cast<int>(bits.size())) == 1);
}

std::string key_identifier(Bytes public_key_bits) {
    std::string id(SHA_DIGEST_LENGTH, '\0');
    SHA1(public_key_bits.data(), public_key_bits.size(), reinterpret_cast<unsigned char*>(id.data()));
    return id;
}

X509ExtensionHandle make_extension(int nid, Criticality criticality, void* value) {
    X509ExtensionHandle extension(X509V3_EXT_i2d(nid, criticality == Criticality::critical ? 1 : 0, value));
    ENSURE(extension);
    return extension;
}

X509ExtensionHandle make_text_extension(int nid, const std::string& value) {
    X509V3_CTX context{};
    X509V3_set_ctx_nodb(&context);
    X509ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    ENSURE(extension);
    return extension;
}

void add_subject_key_id(X509* x509) {
    const std::string id = key_identifier(bytes_of(X509_get0_pubkey_bitstr(x509)));
    const OpenSslHandle<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> octets(ASN1_OCTET_STRING_new());
    ENSURE(octets && ASN1_OCTET_STRING_set(octets.get(), as_bytes(id).data(), static_cast<int>(id.size())) == 1);
    add_extension(x509, make_extension(NID_subject_key_identifier, Criticality::optional, octets.get()));
}

X509ExtensionHandle make_authority_key_id(const X509* ca) {
    const OpenSslHandle<AUTHORITY_KEYID, AUTHORITY_KEYID_free> value(AUTHORITY_KEYID_new());
    const ASN1_OCTET_STRING* id = X509_get0_subject_key_id(const_cast<X509*>(ca));
    ENSURE(value && id != nullptr);
    value->keyid = ASN1_OCTET_STRING_dup(id);
    value->issuer = make_directory_names(X509_get_issuer_name(ca)).release();
    value->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(ca));
    ENSURE(value->keyid != nullptr && value->serial != nullptr);
    return make_extension(NID_authority_key_identifier, Criticality::optional, value.get());
}

OpenSslHandle<GENERAL_NAMES, GENERAL_NAMES_free> make_directory_names(const X509_NAME* name) {
    OpenSslHandle<GENERAL_NAMES, GENERAL_NAMES_free> names(GENERAL_NAMES_new());
    GENERAL_NAME* entry = GENERAL_NAME_new();
    X509_NAME* copy = X509_NAME_dup(name);
    ENSURE(names && entry != nullptr && copy != nullptr);
    GENERAL_NAME_set0_value(entry, GEN_DIRNAME, copy);
    ENSURE(sk_GENERAL_NAME_push(names.get(), entry) > 0);
    return names;
}

void add_extension(X509* x509, const X509ExtensionHandle& extension) {
    ENSURE(X509_add_ext(x509, extension.get(), -1) == 1);
}

std::string sign_certificate(X509* x509, EVP_PKEY* ca_key) {
    ENSURE(X509_sign(x509, ca_key, EVP_sha256()) > 0);
    return encode_der(i2d_X509, x509);
}

}  // namespace onshi::pki
