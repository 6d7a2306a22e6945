#include "platform/pki/card_certificate.h"

#include "base/sha256.h"
#include "platform/pki/certificate_builder.h"
#include "platform/pki/der.h"

namespace onshi::pki {

namespace {

using der::element;
using namespace std::string_view_literals;

constexpr auto oid_country = "\x06\x03\x55\x04\x06"sv;
constexpr auto oid_organizational_unit = "\x06\x03\x55\x04\x0B"sv;
constexpr auto oid_common_name = "\x06\x03\x55\x04\x03"sv;
constexpr auto oid_subject_key_identifier = "\x06\x03\x55\x1D\x0E"sv;
constexpr auto oid_crl_distribution_points = "\x06\x03\x55\x1D\x1F"sv;
constexpr auto version_3 = "\xA0\x03\x02\x01\x02"sv;
constexpr auto sha256_with_rsa = "\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B\x05\x00"sv;
constexpr auto no_unused_bits = "\0"sv;

std::string name_part(std::string_view oid, std::uint8_t string_tag, std::string_view text) {
    return element(der::tag_set, {element(der::tag_sequence, {oid, element(string_tag, {text})})});
}

std::string time_element(Instant at) {
    const auto time = make_time(at);
    return element(static_cast<std::uint8_t>(ASN1_STRING_type(time.get())), {as_text(bytes_of(time.get()))});
}

std::string extension(std::string_view oid, std::string_view value) {
    return element(der::tag_sequence, {oid, element(der::tag_octet_string, {value})});
}

// The CA's name with the place behind it (jpki-card §6.2).
std::string distribution_point_name(const CardCertificateParts& parts) {
    const auto issuer_parts = der::value_of(as_bytes(parts.issuer));
    const std::string list = std::string(parts.municipality) + " CRLDP";
    return element(der::tag_sequence,
                   {as_text(issuer_parts), name_part(oid_organizational_unit, der::tag_utf8, "CRL Distribution Points"),
                    name_part(oid_organizational_unit, der::tag_utf8, parts.prefecture),
                    name_part(oid_common_name, der::tag_utf8, list)});
}

std::string distribution_points(const CardCertificateParts& parts) {
    const std::string directory_name = element(der::context(4), {distribution_point_name(parts)});
    const std::string full_name = element(der::context(0), {element(der::context(0), {directory_name})});
    const std::string points = element(der::tag_sequence, {element(der::tag_sequence, {full_name})});
    return extension(oid_crl_distribution_points, points);
}

std::string subject_key_id(const CardPublicKey& key) {
    return extension(oid_subject_key_identifier,
                     element(der::tag_octet_string, {key_identifier(as_bytes(public_key_bits(key)))}));
}

}  // namespace

std::string make_card_certificate(const CardCertificateParts& parts, const CardPublicKey& key,
                                  const RsaPrivateKey& ca_key) {
    const std::string subject =
        element(der::tag_sequence, {name_part(oid_country, der::tag_printable, "JP"),
                                    name_part(oid_common_name, der::tag_utf8, parts.subject_name)});
    const std::string validity =
        element(der::tag_sequence, {time_element(parts.not_before), time_element(parts.not_after)});
    const auto public_key_info = key.subject_public_key_info();
    const std::string extensions =
        element(der::tag_sequence, {parts.extensions, distribution_points(parts), subject_key_id(key)});
    const std::string signed_part = element(
        der::tag_sequence, {version_3, der::unsigned_integer(parts.serial), sha256_with_rsa, parts.issuer, validity,
                            subject, as_text(public_key_info), element(der::context(3), {extensions})});
    const auto signature = ca_key.sign_pkcs1(sha256(as_bytes(signed_part)));
    ENSURE(signature.has_value());
    return element(der::tag_sequence,
                   {signed_part, sha256_with_rsa, element(der::tag_bit_string, {no_unused_bits, as_text(*signature)})});
}

}  // namespace onshi::pki
