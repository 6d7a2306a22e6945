#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/time.h"
#include "platform/pki/public_key.h"

namespace onshi::pki {

// Which CA, by its public key and not by its name: three generations of JPKI roots share one name (jpki-card §6.1). The
// first 16 bytes of SHA-256 over SubjectPublicKeyInfo.
struct CaId {
    std::array<std::uint8_t, 16> bytes{};
    auto operator<=>(const CaId&) const = default;

    [[nodiscard]] static CaId of_public_key_info(Bytes subject_public_key_info);
    [[nodiscard]] static std::optional<CaId> parse(Bytes bytes);
    [[nodiscard]] std::string hex() const { return to_hex(bytes); }
};

// A name as it stands in the certificate. Equal names have equal bytes here: CAs copy their own name.
struct DistinguishedName {
    std::string der;
    bool operator==(const DistinguishedName&) const = default;
    // `C=JP,O=TEST JPKI,…`, UTF-8, control characters escaped.
    [[nodiscard]] std::string text() const;
    // The first commonName as UTF-8; empty when there is none.
    [[nodiscard]] std::string common_name() const;
    // The same of organizationName.
    [[nodiscard]] std::string organization() const;
};

// keyUsage, RFC 5280 §4.2.1.3. `none` stands for an extension that is absent or empty.
enum class KeyUsage : std::uint32_t {
    none = 0,
    digital_signature = 1U << 0U,
    non_repudiation = 1U << 1U,
    key_encipherment = 1U << 2U,
    data_encipherment = 1U << 3U,
    key_agreement = 1U << 4U,
    key_cert_sign = 1U << 5U,
    crl_sign = 1U << 6U,
};
[[nodiscard]] constexpr KeyUsage operator|(KeyUsage a, KeyUsage b) {
    return static_cast<KeyUsage>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
[[nodiscard]] constexpr bool has(KeyUsage set, KeyUsage one) {
    return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(one)) != 0;
}

// What a certificate says; nothing about whether it is to be believed. A value.
struct Certificate {
    std::string der;
    std::string serial;  // big-endian, positive, without leading zeros; 1…20 bytes
    DistinguishedName issuer;
    DistinguishedName subject;
    Instant not_before;
    Instant not_after;  // the first moment of the last valid second
    bool is_ca = false;
    KeyUsage key_usage = KeyUsage::none;
    std::vector<std::string> extended_key_usages;  // dotted OIDs
    std::vector<std::string> policies;             // dotted OIDs
    std::string subject_key_id;                    // raw bytes; empty when absent
    std::string authority_key_id;                  // its key id field, raw bytes; empty when absent
    std::vector<std::string> dns_names;            // subjectAltName
    std::vector<std::string> ip_addresses;         // subjectAltName, text form
    std::vector<std::string> ocsp_urls;            // authorityInfoAccess
    std::string key_name;                          // `RSA 2048`, `P-384`, or OpenSSL's name for another kind
    std::string subject_public_key_info;           // DER
    std::optional<CardPublicKey> card_key;         // when the key is one that a card may have (public_key.h)

    [[nodiscard]] Sha256 fingerprint() const { return sha256(as_bytes(der)); }
};

// Reads exactly one certificate, X.509 v3 in strict DER of at most certificate_bytes_max, without trailing bytes at any
// level. `certificate.malformed` otherwise. Cut a card's filler off first (certificate_size). About 0.2 ms: not for
// every check.
[[nodiscard]] Result<Certificate> parse_certificate(Bytes der);
// How many bytes of a card's file are the certificate (jpki-card §2.1): the outer SEQUENCE. nullopt when there is none.
[[nodiscard]] std::optional<std::size_t> certificate_size(Bytes file);
// Every certificate of a PEM text, in order, strictly parsed. Text between them is allowed, none at all is an error.
[[nodiscard]] Result<std::vector<Certificate>> parse_certificates_pem(std::string_view pem);
[[nodiscard]] std::string to_pem(Bytes certificate_der);

// A certificate for people and for JSON: all text, no personal fields (subjectAltName of signature certificates holds
// name and address and is left out).
struct CertificateSummary {
    std::string subject;
    std::string issuer;
    std::string serial_hex;
    std::string serial_decimal;
    std::string not_before;  // ISO 8601 in UTC
    std::string not_after;
    std::string key;
    std::vector<std::string> key_usages;
    std::vector<std::string> extended_key_usages;
    std::vector<std::string> policies;
    std::string subject_key_id;    // hex
    std::string authority_key_id;  // hex
    std::string fingerprint;       // SHA-256, hex
    bool is_ca = false;
};
[[nodiscard]] CertificateSummary summarize(const Certificate& certificate);

}  // namespace onshi::pki
