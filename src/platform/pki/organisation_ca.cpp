#include "platform/pki/organisation_ca.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "platform/pki/certificate_builder.h"
#include "platform/pki/der.h"
#include "platform/pki/limits.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/openssl_keys.h"
#include "platform/pki/public_file.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki {

struct IssuingCa::State {
    Kind kind;
    EcPrivateKey key;
    Certificate certificate;
    X509Handle x509;
};

namespace {

using Kind = IssuingCa::Kind;
using Serial = std::array<std::uint8_t, 16>;

constexpr std::size_t name_size_max = 64;  // X.520 upper bound of O and CN
constexpr std::size_t dns_name_size_max = 253;

bool is_plain_name(std::string_view text) {
    const bool printable = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
    return printable && !text.empty() && text.size() <= name_size_max;
}

// Letters, digits, hyphens and dots: nothing that would mean something in OpenSSL's configuration syntax.
bool is_dns_name(std::string_view text) {
    const bool plain = std::ranges::all_of(
        text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
    return plain && !text.empty() && text.size() <= dns_name_size_max && text.front() != '.' && text.back() != '.';
}

bool is_ip_address(const std::string& text) {
    std::array<std::uint8_t, sizeof(in6_addr)> address{};
    return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
           ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

bool is_validity(Validity validity) {
    return validity.not_before.us % 1'000'000 == 0 && validity.not_after.us % 1'000'000 == 0 &&
           validity.not_before < validity.not_after;
}

// Positive, 16 bytes, not to be guessed (RFC 5280 §4.1.2.2).
Serial make_serial(Random& random) {
    Serial serial{};
    random.fill(serial);
    serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7FU) | 0x40U);
    return serial;
}

Result<IssuingCa> assemble(Kind kind, EcPrivateKey key, Certificate certificate) {
    if (as_text(key.subject_public_key_info()) != certificate.subject_public_key_info) {
        return fail(ErrorCode::key_malformed, "CA key and certificate differ");
    }
    if (key.curve() != EcPrivateKey::Curve::p256) return fail(ErrorCode::key_malformed, "CA key is not P-256");
    if (!certificate.is_ca || certificate.subject_key_id.empty()) return fail(ErrorCode::certificate_kind, "not a CA");
    X509Handle x509 = decode_certificate(as_bytes(certificate.der));
    ENSURE(x509);
    return IssuingCa(std::make_unique<IssuingCa::State>(kind, std::move(key), std::move(certificate), std::move(x509)));
}

// What both kinds of end-entity certificates have in common, except for the names.
void add_end_entity_extensions(X509* x509, const X509* ca, const char* extended_usage) {
    add_extension(x509, make_text_extension(NID_basic_constraints, "critical,CA:FALSE"));
    add_extension(x509, make_text_extension(NID_key_usage, "critical,digitalSignature"));
    add_extension(x509, make_text_extension(NID_ext_key_usage, extended_usage));
    add_extension(x509, make_authority_key_id(ca));
    add_subject_key_id(x509);
}

X509ReqHandle decode_request(Bytes der) {
    if (der.size() > certificate_request_bytes_max || !der::is_strict(der)) return nullptr;
    const auto* at = der.data();
    X509ReqHandle request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
    if (request && at != der.data() + der.size()) return nullptr;
    return request;
}

}  // namespace

IssuingCa::IssuingCa(std::unique_ptr<State> state) : state_(std::move(state)) {}
IssuingCa::IssuingCa(IssuingCa&&) noexcept = default;
IssuingCa& IssuingCa::operator=(IssuingCa&&) noexcept = default;
IssuingCa::~IssuingCa() = default;

Result<IssuingCa> IssuingCa::create(Kind kind, std::string_view organisation, Validity validity, Random& random) {
    const ErrorQueueGuard guard;
    if (!is_plain_name(organisation) || !is_validity(validity))
        return fail(ErrorCode::certificate_malformed, "CA name or validity");
    auto key = EcPrivateKey::generate(EcPrivateKey::Curve::p256);
    const auto name = make_name({{NID_countryName, "JP"},
                                 {NID_organizationName, organisation},
                                 {NID_commonName, kind == Kind::server ? "server CA" : "organisation CA"}});
    const Serial serial = make_serial(random);
    const X509Handle x509 =
        begin_certificate({serial, name.get(), name.get(), validity.not_before, validity.not_after});
    ENSURE(X509_set_pubkey(x509.get(), key.handle().key.get()) == 1);
    add_extension(x509.get(), make_text_extension(NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
    add_extension(x509.get(), make_text_extension(NID_key_usage, "critical,keyCertSign,cRLSign"));
    add_subject_key_id(x509.get());
    auto certificate = parse_certificate(as_bytes(sign_certificate(x509.get(), key.handle().key.get())));
    ENSURE(certificate.has_value());
    return assemble(kind, std::move(key), *std::move(certificate));
}

Result<IssuingCa> IssuingCa::load(Kind kind, const std::filesystem::path& certificate_pem,
                                  const std::filesystem::path& key_pem) {
    const ErrorQueueGuard guard;
    auto key = EcPrivateKey::load(key_pem);
    if (!key) return fail(std::move(key));
    auto pem = read_public_file(certificate_pem);
    if (!pem) return fail(std::move(pem));
    auto certificates = parse_certificates_pem(*pem);
    if (!certificates) return fail(std::move(certificates));
    if (certificates->size() != 1) return fail(ErrorCode::certificate_malformed, "one CA certificate expected");
    return assemble(kind, *std::move(key), std::move(certificates->front()));
}

Result<void> IssuingCa::save(const std::filesystem::path& certificate_pem, const std::filesystem::path& key_pem) const {
    auto saved = state_->key.save(key_pem);
    if (!saved) return saved;
    return write_public_file(certificate_pem, to_pem(as_bytes(state_->certificate.der)));
}

IssuingCa::Kind IssuingCa::kind() const {
    return state_->kind;
}

const Certificate& IssuingCa::certificate() const {
    return state_->certificate;
}

TrustStore IssuingCa::store() const {
    const auto purpose = state_->kind == Kind::server ? TrustPurpose::server : TrustPurpose::organisation;
    auto store = TrustStore::create(purpose, {&state_->certificate, 1});
    ENSURE(store.has_value());
    return *std::move(store);
}

Result<std::string> IssuingCa::issue_server(const ServerNames& names, const EcPrivateKey& key, Validity validity,
                                            Random& random) const {
    ENSURE(state_->kind == Kind::server);
    if (key.curve() != EcPrivateKey::Curve::p256) return fail(ErrorCode::key_malformed, "server key is not P-256");
    const ErrorQueueGuard guard;
    const auto count = names.dns.size() + names.ip_addresses.size();
    const bool valid = count > 0 && count <= server_names_max && std::ranges::all_of(names.dns, is_dns_name) &&
                       std::ranges::all_of(names.ip_addresses, is_ip_address);
    if (!valid || !is_validity(validity)) return fail(ErrorCode::certificate_malformed, "server names or validity");
    std::string alternative;
    for (const auto& name : names.dns) alternative += fmt::format("{}DNS:{}", alternative.empty() ? "" : ",", name);
    for (const auto& address : names.ip_addresses)
        alternative += fmt::format("{}IP:{}", alternative.empty() ? "" : ",", address);
    const std::string& first = names.dns.empty() ? names.ip_addresses.front() : names.dns.front();
    const auto subject = make_name({{NID_commonName, std::string_view(first).substr(0, name_size_max)}});
    const Serial serial = make_serial(random);
    const X509Handle x509 = begin_certificate(
        {serial, X509_get_subject_name(state_->x509.get()), subject.get(), validity.not_before, validity.not_after});
    ENSURE(X509_set_pubkey(x509.get(), key.handle().key.get()) == 1);
    add_end_entity_extensions(x509.get(), state_->x509.get(), "serverAuth");
    add_extension(x509.get(), make_text_extension(NID_subject_alt_name, alternative));
    return sign_certificate(x509.get(), state_->key.handle().key.get());
}

Result<std::string> IssuingCa::issue_terminal(Bytes request_der, const TerminalSubject& subject, Validity validity,
                                              Random& random) const {
    ENSURE(state_->kind == Kind::organisation);
    const ErrorQueueGuard guard;
    if (!is_plain_name(subject.organisation) || !is_plain_name(subject.terminal) || !is_validity(validity)) {
        return fail(ErrorCode::certificate_malformed, "terminal's name or validity");
    }
    const auto request = decode_request(request_der);
    EVP_PKEY* key = request ? X509_REQ_get0_pubkey(request.get()) : nullptr;
    if (key == nullptr) return fail(ErrorCode::certificate_request, "not one strict DER request");
    if (named_curve(key) != NID_X9_62_prime256v1) return fail(ErrorCode::certificate_request, "key is not P-256");
    if (X509_REQ_verify(request.get(), key) != 1) return fail(ErrorCode::certificate_request, "signature");
    const auto name = make_name(
        {{NID_countryName, "JP"}, {NID_organizationName, subject.organisation}, {NID_commonName, subject.terminal}});
    const Serial serial = make_serial(random);
    const X509Handle x509 = begin_certificate(
        {serial, X509_get_subject_name(state_->x509.get()), name.get(), validity.not_before, validity.not_after});
    // The key is set anew from its point: whatever else the request's encoding carries stays behind.
    const PkeyHandle clean = ec_pkey("P-256", ec_point_of(key));
    ENSURE(clean && X509_set_pubkey(x509.get(), clean.get()) == 1);
    add_end_entity_extensions(x509.get(), state_->x509.get(), "clientAuth");
    return sign_certificate(x509.get(), state_->key.handle().key.get());
}

Result<std::string> make_terminal_request(const EcPrivateKey& key) {
    if (key.curve() != EcPrivateKey::Curve::p256) return fail(ErrorCode::key_malformed, "terminal key is not P-256");
    const X509ReqHandle request(X509_REQ_new());
    ENSURE(request && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1);
    ENSURE(X509_REQ_set_pubkey(request.get(), key.handle().key.get()) == 1);
    ENSURE(X509_REQ_sign(request.get(), key.handle().key.get(), EVP_sha256()) > 0);
    return encode_der(i2d_X509_REQ, request.get());
}

std::optional<TerminalSubject> terminal_subject(const Certificate& certificate) {
    TerminalSubject subject{certificate.subject.organization(), certificate.subject.common_name()};
    if (subject.organisation.empty() || subject.terminal.empty()) return std::nullopt;
    return subject;
}

}  // namespace onshi::pki
