#include "platform/pki/certificate.h"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <ctime>
#include <utility>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pemerr.h>

#include "base/date.h"
#include "platform/pki/der.h"
#include "platform/pki/limits.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/openssl_keys.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki {

namespace {

constexpr long x509_version_3 = 2;

X509NameHandle decode_name(const std::string& der) {
    const auto* at = as_bytes(der).data();
    return X509NameHandle(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
}

std::string encode_name(const X509_NAME* name) {
    return encode_der(i2d_X509_NAME, name);
}

std::string text_in(BIO* bio) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(std::max(size, 0L))};
}

std::string utf8_of(const ASN1_STRING* text) {
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, text);
    if (size < 0) return {};
    std::string out(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    return out;
}

std::string first_part(const std::string& name_der, int nid) {
    const ErrorQueueGuard guard;
    const auto name = decode_name(name_der);
    const int index = name ? X509_NAME_get_index_by_NID(name.get(), nid, -1) : -1;
    if (index < 0) return {};
    return utf8_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name.get(), index)));
}

std::string octets_of(const ASN1_OCTET_STRING* octets) {
    return octets == nullptr ? std::string() : std::string(as_text(bytes_of(octets)));
}

KeyUsage key_usage_of(const ASN1_BIT_STRING* bits) {
    KeyUsage usage = KeyUsage::none;
    for (unsigned bit = 0; bit <= 6; ++bit) {
        if (ASN1_BIT_STRING_get_bit(bits, static_cast<int>(bit)) == 1) usage = usage | static_cast<KeyUsage>(1U << bit);
    }
    return usage;
}

std::string ip_text(Bytes address) {
    char text[INET6_ADDRSTRLEN];
    const int family = address.size() == 4 ? AF_INET : AF_INET6;
    const bool known_size = address.size() == 4 || address.size() == 16;
    if (!known_size || ::inet_ntop(family, address.data(), text, sizeof text) == nullptr) return {};
    return text;
}

// The extensions that give fields of Certificate, one function per subject. False when one is broken.

bool read_usages(const X509* x509, Certificate& out) {
    const auto constraints =
        read_extension<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>(X509_get_ext_d2i, x509, NID_basic_constraints);
    const auto usage = read_extension<ASN1_BIT_STRING, ASN1_BIT_STRING_free>(X509_get_ext_d2i, x509, NID_key_usage);
    const auto extended =
        read_extension<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>(X509_get_ext_d2i, x509, NID_ext_key_usage);
    if (constraints.broken || usage.broken || extended.broken) return false;
    out.is_ca = constraints.value && constraints.value->ca != 0;
    if (usage.value) out.key_usage = key_usage_of(usage.value.get());
    for (int i = 0; extended.value && i < sk_ASN1_OBJECT_num(extended.value.get()); ++i) {
        out.extended_key_usages.push_back(dotted_oid(sk_ASN1_OBJECT_value(extended.value.get(), i)));
    }
    return true;
}

bool read_policies(const X509* x509, Certificate& out) {
    const auto policies =
        read_extension<CERTIFICATEPOLICIES, CERTIFICATEPOLICIES_free>(X509_get_ext_d2i, x509, NID_certificate_policies);
    if (policies.broken) return false;
    for (int i = 0; policies.value && i < sk_POLICYINFO_num(policies.value.get()); ++i) {
        out.policies.push_back(dotted_oid(sk_POLICYINFO_value(policies.value.get(), i)->policyid));
    }
    return true;
}

bool read_key_ids(const X509* x509, Certificate& out) {
    const auto subject =
        read_extension<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>(X509_get_ext_d2i, x509, NID_subject_key_identifier);
    const auto authority =
        read_extension<AUTHORITY_KEYID, AUTHORITY_KEYID_free>(X509_get_ext_d2i, x509, NID_authority_key_identifier);
    if (subject.broken || authority.broken) return false;
    out.subject_key_id = octets_of(subject.value.get());
    if (authority.value) out.authority_key_id = octets_of(authority.value->keyid);
    return true;
}

bool read_places(const X509* x509, Certificate& out) {
    const auto names = read_extension<GENERAL_NAMES, GENERAL_NAMES_free>(X509_get_ext_d2i, x509, NID_subject_alt_name);
    const auto access =
        read_extension<AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free>(X509_get_ext_d2i, x509, NID_info_access);
    if (names.broken || access.broken) return false;
    for (int i = 0; names.value && i < sk_GENERAL_NAME_num(names.value.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.value.get(), i);
        if (name->type == GEN_DNS) out.dns_names.emplace_back(as_text(bytes_of(name->d.dNSName)));
        if (name->type == GEN_IPADD) out.ip_addresses.push_back(ip_text(bytes_of(name->d.iPAddress)));
    }
    for (int i = 0; access.value && i < sk_ACCESS_DESCRIPTION_num(access.value.get()); ++i) {
        const ACCESS_DESCRIPTION* entry = sk_ACCESS_DESCRIPTION_value(access.value.get(), i);
        const bool is_ocsp = OBJ_obj2nid(entry->method) == NID_ad_OCSP && entry->location->type == GEN_URI;
        if (is_ocsp) out.ocsp_urls.emplace_back(as_text(bytes_of(entry->location->d.uniformResourceIdentifier)));
    }
    return true;
}

std::optional<CardPublicKey> card_key_of(const EVP_PKEY* key, const std::string& public_key_info) {
    std::optional<CardPublicKey> card_key;
    if (EVP_PKEY_is_a(key, "RSA") == 1) {
        auto rsa = CardPublicKey::rsa(bignum_of(key, OSSL_PKEY_PARAM_RSA_N), bignum_of(key, OSSL_PKEY_PARAM_RSA_E));
        if (rsa) card_key = *std::move(rsa);
    } else if (named_curve(key) == NID_secp384r1) {
        const auto point = ec_point_of(key);
        auto ec = CardPublicKey::ec_p384(Bytes(point).first(point.size() / 2), Bytes(point).last(point.size() / 2));
        if (ec) card_key = *std::move(ec);
    }
    // The key must stand there in the one usual form: spelled-out curve parameters and the like are refused.
    if (!card_key || as_text(card_key->subject_public_key_info()) != public_key_info) return std::nullopt;
    return card_key;
}

std::string key_name_of(const EVP_PKEY* key) {
    if (key == nullptr) return "unknown";
    if (EVP_PKEY_is_a(key, "RSA") == 1) return "RSA " + std::to_string(EVP_PKEY_get_bits(key));
    const int curve = named_curve(key);
    const char* nist = curve == NID_undef ? nullptr : EC_curve_nid2nist(curve);
    if (nist != nullptr) return nist;
    const char* name = EVP_PKEY_get0_type_name(key);
    return name == nullptr ? "unknown" : name;
}

std::string iso_text(Instant at) {
    const auto day = std::chrono::floor<std::chrono::days>(std::chrono::microseconds(at.us));
    const auto date = Date::from_days(day.count());
    ENSURE(date.has_value());  // ASN.1 times lie in 1950…9999
    const auto in_day = std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds(at.us) - day);
    const std::chrono::hh_mm_ss clock{in_day};
    return fmt::format("{}T{:02}:{:02}:{:02}Z", to_iso(*date), clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count());
}

std::string decimal_text(const std::string& big_endian) {
    const BignumHandle number(BN_bin2bn(as_bytes(big_endian).data(), static_cast<int>(big_endian.size()), nullptr));
    ENSURE(number);
    char* text = BN_bn2dec(number.get());
    ENSURE(text != nullptr);
    std::string out(text);
    OPENSSL_free(text);
    return out;
}

}  // namespace

std::time_t seconds_of(Instant at) {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds(at.us)).count();
}

std::optional<Instant> instant_of(const ASN1_TIME* time) {
    if (time == nullptr) return std::nullopt;
    const auto text = as_text(bytes_of(time));
    const std::size_t size = ASN1_STRING_type(time) == V_ASN1_UTCTIME ? 13 : 15;
    std::tm parts{};
    if (text.size() != size || text.back() != 'Z' || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
    const std::chrono::year_month_day day{std::chrono::year(parts.tm_year + 1900),
                                          std::chrono::month(static_cast<unsigned>(parts.tm_mon + 1)),
                                          std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
    if (!day.ok()) return std::nullopt;
    const std::chrono::microseconds since = std::chrono::sys_days(day).time_since_epoch() +
                                            std::chrono::hours(parts.tm_hour) + std::chrono::minutes(parts.tm_min) +
                                            std::chrono::seconds(parts.tm_sec);
    return Instant{since.count()};
}

std::optional<std::string> serial_of(const ASN1_INTEGER* serial) {
    if (serial == nullptr || ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER) return std::nullopt;
    Bytes bytes = bytes_of(serial);
    while (!bytes.empty() && bytes[0] == 0) bytes = bytes.subspan(1);
    if (bytes.empty() || bytes.size() > serial_bytes_max) return std::nullopt;
    return std::string(as_text(bytes));
}

std::string dotted_oid(const ASN1_OBJECT* object) {
    const int size = OBJ_obj2txt(nullptr, 0, object, 1);
    if (size <= 0) return {};
    std::string text(static_cast<std::size_t>(size) + 1, '\0');
    OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
    text.pop_back();
    return text;
}

std::string public_key_info_of(const X509* x509) {
    return encode_der(i2d_X509_PUBKEY, X509_get_X509_PUBKEY(x509));
}

X509Handle decode_certificate(Bytes der) {
    if (der.size() > certificate_bytes_max || !der::is_strict(der)) return nullptr;
    const auto* at = der.data();
    X509Handle x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    if (x509 && at != der.data() + der.size()) return nullptr;
    return x509;
}

Result<Certificate> read_certificate(const X509* x509, Bytes der) {
    const auto malformed = [](const char* what) { return fail(ErrorCode::certificate_malformed, what); };
    if (X509_get_version(x509) != x509_version_3) return malformed("version");
    if (X509_ALGOR_cmp(X509_get0_tbs_sigalg(x509), [&] {
            const X509_ALGOR* outer = nullptr;
            X509_get0_signature(nullptr, &outer, x509);
            return outer;
        }()) != 0) {
        return malformed("two signature algorithms");
    }
    const auto serial = serial_of(X509_get0_serialNumber(x509));
    const auto not_before = instant_of(X509_get0_notBefore(x509));
    const auto not_after = instant_of(X509_get0_notAfter(x509));
    if (!serial) return malformed("serial number");
    if (!not_before || !not_after || *not_after < *not_before) return malformed("validity");

    Certificate out;
    out.der = as_text(der);
    out.serial = *serial;
    out.issuer.der = encode_name(X509_get_issuer_name(x509));
    out.subject.der = encode_name(X509_get_subject_name(x509));
    out.not_before = *not_before;
    out.not_after = *not_after;
    if (!read_usages(x509, out)) return malformed("usage extension");
    if (!read_policies(x509, out)) return malformed("policy extension");
    if (!read_key_ids(x509, out)) return malformed("key identifier extension");
    if (!read_places(x509, out)) return malformed("name or access extension");
    out.subject_public_key_info = public_key_info_of(x509);
    const EVP_PKEY* key = X509_get0_pubkey(x509);
    out.key_name = key_name_of(key);
    if (key != nullptr) out.card_key = card_key_of(key, out.subject_public_key_info);
    return out;
}

CaId CaId::of_public_key_info(Bytes subject_public_key_info) {
    const auto digest = sha256(subject_public_key_info);
    CaId id;
    std::copy_n(digest.begin(), id.bytes.size(), id.bytes.begin());
    return id;
}

std::optional<CaId> CaId::parse(Bytes bytes) {
    CaId id;
    if (bytes.size() != id.bytes.size()) return std::nullopt;
    std::ranges::copy(bytes, id.bytes.begin());
    return id;
}

std::string DistinguishedName::text() const {
    const ErrorQueueGuard guard;
    const auto name = decode_name(der);
    const BioHandle bio(BIO_new(BIO_s_mem()));
    constexpr unsigned long flags = XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_FN_SN |
                                    (ASN1_STRFLGS_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    if (!name || !bio || X509_NAME_print_ex(bio.get(), name.get(), 0, flags) < 0) return {};
    return text_in(bio.get());
}

std::string DistinguishedName::common_name() const {
    return first_part(der, NID_commonName);
}

std::string DistinguishedName::organization() const {
    return first_part(der, NID_organizationName);
}

Result<Certificate> parse_certificate(Bytes der) {
    const ErrorQueueGuard guard;
    const auto x509 = decode_certificate(der);
    if (!x509) return fail(ErrorCode::certificate_malformed, "not one strict DER certificate");
    return read_certificate(x509.get(), der);
}

std::optional<std::size_t> certificate_size(Bytes file) {
    const auto size = der::element_size(file);
    if (!size || file[0] != der::tag_sequence || *size > file.size() || *size > certificate_bytes_max)
        return std::nullopt;
    return size;
}

Result<std::vector<Certificate>> parse_certificates_pem(std::string_view pem) {
    const ErrorQueueGuard guard;
    if (pem.size() > trust_file_bytes_max) return fail(ErrorCode::certificate_malformed, "PEM size");
    const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    ENSURE(bio);
    std::vector<Certificate> out;
    for (;;) {
        char* name = nullptr;
        char* header = nullptr;
        unsigned char* content = nullptr;
        long size = 0;
        if (PEM_read_bio(bio.get(), &name, &header, &content, &size) != 1) {
            const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
            if (!at_end || out.empty()) return fail(ErrorCode::certificate_malformed, "PEM");
            return out;
        }
        const bool is_certificate = std::string_view(name) == PEM_STRING_X509;
        auto certificate = is_certificate ? parse_certificate({content, static_cast<std::size_t>(size)})
                                          : fail(ErrorCode::certificate_malformed, "PEM holds something else");
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(content, static_cast<std::size_t>(size));
        if (!certificate) return fail(std::move(certificate));
        out.push_back(*std::move(certificate));
    }
}

std::string to_pem(Bytes certificate_der) {
    const BioHandle bio(BIO_new(BIO_s_mem()));
    ENSURE(bio && PEM_write_bio(bio.get(), PEM_STRING_X509, "", certificate_der.data(),
                                static_cast<long>(certificate_der.size())) > 0);
    return text_in(bio.get());
}

CertificateSummary summarize(const Certificate& certificate) {
    CertificateSummary out;
    out.subject = certificate.subject.text();
    out.issuer = certificate.issuer.text();
    out.serial_hex = to_hex(as_bytes(certificate.serial));
    out.serial_decimal = decimal_text(certificate.serial);
    out.not_before = iso_text(certificate.not_before);
    out.not_after = iso_text(certificate.not_after);
    out.key = certificate.key_name;
    constexpr std::pair<KeyUsage, const char*> usages[] = {{KeyUsage::digital_signature, "digital_signature"},
                                                           {KeyUsage::non_repudiation, "non_repudiation"},
                                                           {KeyUsage::key_encipherment, "key_encipherment"},
                                                           {KeyUsage::data_encipherment, "data_encipherment"},
                                                           {KeyUsage::key_agreement, "key_agreement"},
                                                           {KeyUsage::key_cert_sign, "key_cert_sign"},
                                                           {KeyUsage::crl_sign, "crl_sign"}};
    for (const auto& [usage, name] : usages) {
        if (has(certificate.key_usage, usage)) out.key_usages.emplace_back(name);
    }
    out.extended_key_usages = certificate.extended_key_usages;
    out.policies = certificate.policies;
    out.subject_key_id = to_hex(as_bytes(certificate.subject_key_id));
    out.authority_key_id = to_hex(as_bytes(certificate.authority_key_id));
    out.fingerprint = to_hex(certificate.fingerprint());
    out.is_ca = certificate.is_ca;
    return out;
}

}  // namespace onshi::pki
