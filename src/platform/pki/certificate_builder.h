#pragma once

// Inside this folder only: making certificates and lists with OpenSSL's objects. Our own orders come in, so what fails
// here is our bug and aborts.
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/public_key.h"

namespace onshi::pki {

enum class Criticality : std::uint8_t { optional, critical };

using NamePart = std::pair<int, std::string_view>;  // NID, UTF-8

// C becomes a PrintableString, everything else a UTF8String (jpki-card §6.1).
[[nodiscard]] X509NameHandle make_name(std::initializer_list<NamePart> parts);
void add_name_part(X509_NAME* name, NamePart part);
[[nodiscard]] Asn1TimeHandle make_time(Instant at);
[[nodiscard]] Asn1IntegerHandle make_integer(Bytes big_endian);

struct CertificateHead {
    Bytes serial;
    const X509_NAME* issuer;
    const X509_NAME* subject;
    Instant not_before;
    Instant not_after;
};
[[nodiscard]] X509Handle begin_certificate(const CertificateHead& head);
// Puts the key in as bytes: through an EVP_PKEY it would take longer than all the rest but the signature.
void set_public_key(X509* x509, const CardPublicKey& key);
// What stands in the BIT STRING of SubjectPublicKeyInfo.
[[nodiscard]] std::string public_key_bits(const CardPublicKey& key);
// SHA-1 of those bits (RFC 5280 §4.2.1.2 (1)): a name, not a protection.
[[nodiscard]] std::string key_identifier(Bytes public_key_bits);

// Encodes `value`, an OpenSSL structure such as GENERAL_NAMES.
[[nodiscard]] X509ExtensionHandle make_extension(int nid, Criticality criticality, void* value);
// From the text that OpenSSL's configuration files use, e.g. (NID_key_usage, "critical,digitalSignature").
[[nodiscard]] X509ExtensionHandle make_text_extension(int nid, const std::string& value);
// subjectKeyIdentifier from the key that is already set.
void add_subject_key_id(X509* x509);
// authorityKeyIdentifier with key id, issuer and serial of the CA.
[[nodiscard]] X509ExtensionHandle make_authority_key_id(const X509* ca);
[[nodiscard]] OpenSslHandle<GENERAL_NAMES, GENERAL_NAMES_free> make_directory_names(const X509_NAME* name);
void add_extension(X509* x509, const X509ExtensionHandle& extension);

// Signs with SHA-256 and gives the DER.
[[nodiscard]] std::string sign_certificate(X509* x509, EVP_PKEY* ca_key);

}  // namespace onshi::pki
