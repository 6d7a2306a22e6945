#include "platform/pki/test_ca.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <sys/stat.h>
#include <utility>

#include <fmt/format.h>

#include "platform/pki/card_certificate.h"
#include "platform/pki/certificate_builder.h"
#include "platform/pki/limits.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/public_file.h"
#include "platform/pki/x509_reading.h"

namespace onshi::pki {

namespace {

using Kind = TestCa::Kind;

constexpr const char* organization = "TEST JPKI";
constexpr std::size_t subject_name_size = 23;
constexpr std::size_t place_bytes_max = 56;  // with ` CRLDP` behind it, X.520 allows 64 characters
constexpr std::size_t holder_text_bytes_max = 1024;
constexpr std::uint32_t serial_min = 0x01000000;
constexpr std::uint32_t serial_max = 0x7FFFFFFF;
constexpr const char* practice_statement = "http://test-jpki.example/cps.html";
constexpr const char* responder = "http://ocsp.test-jpki.example/";

struct Generation {
    int begins_years_before;
    int ends_years_after;
};
// As the real ones overlap (jpki-card §6.1): each root lives for ten years and gives way to the next after four or
// three.
constexpr std::array<Generation, test_ca_generations> generations{{{9, 1}, {5, 5}, {2, 8}}};
constexpr int months_until_issuing = 12;

const char* unit(Kind kind) {
    return kind == Kind::authentication ? "TEST JPKI for user authentication" : "TEST JPKI for digital signature";
}

X509NameHandle ca_name(Kind kind) {
    return make_name({{NID_countryName, "JP"},
                      {NID_organizationName, organization},
                      {NID_organizationalUnitName, unit(kind)},
                      {NID_organizationalUnitName, "Test Agency for Local Authority Information Systems"}});
}

X509NameHandle japanese_ca_name(Kind kind) {
    return make_name({{NID_countryName, "JP"},
                      {NID_organizationName, "公的個人認証サービス試験用"},
                      {NID_organizationalUnitName, kind == Kind::authentication ? "公的個人認証サービス試験利用者証明用"
                                                                                : "公的個人認証サービス試験署名用"},
                      {NID_organizationalUnitName, "地方公共団体情報システム試験機構"}});
}

X509ExtensionHandle alternative_name(int nid, Kind kind) {
    return make_extension(nid, Criticality::optional, make_directory_names(japanese_ca_name(kind).get()).get());
}

X509ExtensionHandle distribution_point(const X509_NAME* name) {
    const OpenSslHandle<CRL_DIST_POINTS, CRL_DIST_POINTS_free> points(CRL_DIST_POINTS_new());
    DIST_POINT* point = DIST_POINT_new();
    DIST_POINT_NAME* point_name = DIST_POINT_NAME_new();
    ENSURE(points && point != nullptr && point_name != nullptr);
    point_name->type = 0;  // fullName
    point_name->name.fullname = make_directory_names(name).release();
    point->distpoint = point_name;
    ENSURE(sk_DIST_POINT_push(points.get(), point) > 0);
    return make_extension(NID_crl_distribution_points, Criticality::optional, points.get());
}

X509ExtensionHandle policies(std::string_view oid) {
    const OpenSslHandle<CERTIFICATEPOLICIES, CERTIFICATEPOLICIES_free> value(CERTIFICATEPOLICIES_new());
    POLICYINFO* policy = POLICYINFO_new();
    POLICYQUALINFO* qualifier = POLICYQUALINFO_new();
    ENSURE(value && policy != nullptr && qualifier != nullptr);
    policy->policyid = OBJ_txt2obj(std::string(oid).c_str(), 1);
    policy->qualifiers = sk_POLICYQUALINFO_new_null();
    qualifier->pqualid = OBJ_nid2obj(NID_id_qt_cps);
    qualifier->d.cpsuri = ASN1_IA5STRING_new();
    ENSURE(policy->policyid != nullptr && ASN1_STRING_set(qualifier->d.cpsuri, practice_statement, -1) == 1);
    ENSURE(sk_POLICYQUALINFO_push(policy->qualifiers, qualifier) > 0 && sk_POLICYINFO_push(value.get(), policy) > 0);
    return make_extension(NID_certificate_policies, Criticality::critical, value.get());
}

void push_other_name(GENERAL_NAMES* names, int last_arc, const std::string& text) {
    const std::string oid = fmt::format("1.2.392.200149.8.5.5.{}", last_arc);
    const Asn1ObjectHandle object(OBJ_txt2obj(oid.c_str(), 1));
    ASN1_UTF8STRING* utf8 = ASN1_UTF8STRING_new();
    ASN1_TYPE* value = ASN1_TYPE_new();
    GENERAL_NAME* name = GENERAL_NAME_new();
    ENSURE(object && utf8 != nullptr && value != nullptr && name != nullptr);
    ENSURE(ASN1_STRING_set(utf8, text.data(), static_cast<int>(text.size())) == 1);
    ASN1_TYPE_set(value, V_ASN1_UTF8STRING, utf8);
    ENSURE(GENERAL_NAME_set0_othername(name, OBJ_dup(object.get()), value) == 1);
    ENSURE(sk_GENERAL_NAME_push(names, name) > 0);
}

// One flag per character: none was replaced by another glyph.
std::string no_substitutions(std::string_view utf8) {
    const auto characters =
        std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
    return std::string(static_cast<std::size_t>(characters), '0');
}

X509ExtensionHandle holder_names(const SignatureSubject& holder) {
    const OpenSslHandle<GENERAL_NAMES, GENERAL_NAMES_free> names(GENERAL_NAMES_new());
    ENSURE(names);
    push_other_name(names.get(), 1, holder.name);
    push_other_name(names.get(), 2, no_substitutions(holder.name));
    push_other_name(names.get(), 3, std::string(1, holder.sex));
    push_other_name(names.get(), 4, holder.birth);
    push_other_name(names.get(), 5, holder.address);
    push_other_name(names.get(), 6, no_substitutions(holder.address));
    return make_extension(NID_subject_alt_name, Criticality::optional, names.get());
}

std::array<std::uint8_t, 4> big_endian(std::uint32_t value) {
    return {static_cast<std::uint8_t>(value >> 24U), static_cast<std::uint8_t>(value >> 16U),
            static_cast<std::uint8_t>(value >> 8U), static_cast<std::uint8_t>(value)};
}

bool is_whole_second(Instant at) {
    return at.us % 1'000'000 == 0;
}

bool is_place(std::string_view text) {
    return !text.empty() && text.size() <= place_bytes_max;
}

bool is_holder(const SignatureSubject& holder) {
    return !holder.name.empty() && holder.name.size() <= holder_text_bytes_max &&
           holder.address.size() <= holder_text_bytes_max && holder.sex >= '1' && holder.sex <= '3' &&
           holder.birth.size() == 9;
}

Result<void> check_order(const CardCertificateOrder& order, Kind kind) {
    const auto refuse = [](const char* what) { return fail(ErrorCode::certificate_malformed, what); };
    if (order.serial < serial_min || order.serial > serial_max) return refuse("order: serial");
    const bool plain = std::ranges::all_of(order.subject_name,
                                           [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
    if (order.subject_name.size() != subject_name_size || !plain) return refuse("order: subject name");
    if (!is_whole_second(order.not_before) || !is_whole_second(order.not_after) || order.not_after < order.not_before) {
        return refuse("order: validity");
    }
    if (!is_place(order.prefecture) || !is_place(order.municipality)) return refuse("order: place");
    if (order.holder.has_value() != (kind == Kind::signature)) return refuse("order: holder");
    if (order.holder && !is_holder(*order.holder)) return refuse("order: holder");
    return {};
}

}  // namespace

struct TestCa::State {
    Kind kind;
    RsaPrivateKey key;
    Certificate certificate;
    X509Handle x509;
    std::string common_extensions;  // DER of those that are the same in every card's certificate
};

namespace {

std::string common_extensions(Kind kind, const X509* ca) {
    std::vector<X509ExtensionHandle> extensions;
    if (kind == Kind::authentication) {
        extensions.push_back(make_text_extension(NID_key_usage, "critical,digitalSignature"));
        extensions.push_back(make_text_extension(NID_ext_key_usage, "clientAuth"));
        extensions.push_back(policies(policy_card_authentication));
    } else {
        extensions.push_back(make_text_extension(NID_key_usage, "critical,digitalSignature,nonRepudiation"));
        extensions.push_back(policies(policy_card_signature));
    }
    extensions.push_back(alternative_name(NID_issuer_alt_name, kind));
    extensions.push_back(make_text_extension(NID_info_access, std::string("OCSP;URI:") + responder));
    extensions.push_back(make_authority_key_id(ca));
    std::string der;
    for (const auto& extension : extensions) der += encode_der(i2d_X509_EXTENSION, extension.get());
    return der;
}

Result<TestCa> assemble(Kind kind, RsaPrivateKey key, std::string_view certificate_pem) {
    auto certificates = parse_certificates_pem(certificate_pem);
    if (!certificates) return fail(std::move(certificates));
    Certificate& certificate = certificates->front();
    if (certificate.card_key != key.public_key())
        return fail(ErrorCode::key_malformed, "CA key and certificate differ");
    X509Handle x509 = decode_certificate(as_bytes(certificate.der));
    ENSURE(x509);
    if (certificate.subject_key_id.empty()) return fail(ErrorCode::certificate_kind, "CA without subjectKeyIdentifier");
    auto common = common_extensions(kind, x509.get());
    return TestCa(std::make_unique<TestCa::State>(kind, std::move(key), std::move(certificate), std::move(x509),
                                                  std::move(common)));
}

TestCa create_root(Kind kind, int generation, Instant at, RsaPrivateKey key) {
    const auto& span = generations[static_cast<std::size_t>(generation - 1)];
    const Date day = japan_day(at);
    const auto name = ca_name(kind);
    const std::uint8_t serial[] = {static_cast<std::uint8_t>(generation)};
    const X509Handle x509 = begin_certificate(
        {serial, name.get(), name.get(), start_of_japan_day(day.plus_months_clamped(-12 * span.begins_years_before)),
         start_of_japan_day(day.plus_months_clamped(12 * span.ends_years_after)) - one_second});
    set_public_key(x509.get(), key.public_key());
    add_extension(x509.get(), make_text_extension(NID_key_usage, "critical,keyCertSign,cRLSign"));
    add_extension(x509.get(), alternative_name(NID_subject_alt_name, kind));
    add_extension(x509.get(), make_text_extension(NID_basic_constraints, "critical,CA:TRUE"));
    add_extension(x509.get(), distribution_point(name.get()));
    add_subject_key_id(x509.get());
    const std::string der = sign_certificate(x509.get(), key.handle().key.get());
    auto ca = assemble(kind, std::move(key), to_pem(as_bytes(der)));
    ENSURE(ca.has_value());
    return *std::move(ca);
}

}  // namespace

Instant card_certificate_not_after(Date issued_on, Date birth) {
    constexpr int birthdays = 5;
    int age = age_on(birth, issued_on).value_or(0);
    // age_on counts completed years by law, which is a day early; what counts here is the next birthday after the
    // issue.
    while (birthday(birth, age) <= issued_on) ++age;
    while (age > 1 && birthday(birth, age - 1) > issued_on) --age;
    return start_of_japan_day(birthday(birth, age + birthdays - 1).plus_days(1)) - one_second;
}

TestCa::TestCa(std::unique_ptr<State> state) : state_(std::move(state)) {}
TestCa::TestCa(TestCa&&) noexcept = default;
TestCa& TestCa::operator=(TestCa&&) noexcept = default;
TestCa::~TestCa() = default;

TestCa::Kind TestCa::kind() const {
    return state_->kind;
}

const Certificate& TestCa::certificate() const {
    return state_->certificate;
}

CaId TestCa::id() const {
    return CaId::of_public_key_info(as_bytes(state_->certificate.subject_public_key_info));
}

const RsaPrivateKey& TestCa::key() const {
    return state_->key;
}

Result<std::string> TestCa::issue(const CardCertificateOrder& order, const CardPublicKey& key) const {
    const ErrorQueueGuard guard;
    auto checked = check_order(order, state_->kind);
    if (!checked) return fail(std::move(checked));
    std::string extensions = state_->common_extensions;
    if (order.holder) extensions += encode_der(i2d_X509_EXTENSION, holder_names(*order.holder).get());
    const auto serial = big_endian(order.serial);
    return make_card_certificate({.serial = serial,
                                  .issuer = state_->certificate.subject.der,
                                  .subject_name = order.subject_name,
                                  .not_before = order.not_before,
                                  .not_after = order.not_after,
                                  .prefecture = order.prefecture,
                                  .municipality = order.municipality,
                                  .extensions = extensions},
                                 key, state_->key);
}

std::string TestCa::issue_ocsp_responder(const CardPublicKey& key, Instant not_before, Instant not_after) const {
    const ErrorQueueGuard guard;
    const auto subject = make_name(
        {{NID_countryName, "JP"}, {NID_organizationName, organization}, {NID_commonName, "TEST JPKI OCSP responder"}});
    const auto serial = big_endian(serial_min);
    const X509Handle x509 =
        begin_certificate({serial, X509_get_subject_name(state_->x509.get()), subject.get(), not_before, not_after});
    set_public_key(x509.get(), key);
    add_extension(x509.get(), make_text_extension(NID_key_usage, "critical,digitalSignature"));
    add_extension(x509.get(), make_text_extension(NID_ext_key_usage, "OCSPSigning"));
    add_extension(x509.get(), make_text_extension(NID_id_pkix_OCSP_noCheck, "NULL"));
    add_extension(x509.get(), make_authority_key_id(state_->x509.get()));
    add_subject_key_id(x509.get());
    return sign_certificate(x509.get(), state_->key.handle().key.get());
}

namespace {

void add_entry(X509_CRL* crl, const RevokedEntry& entry) {
    X509_REVOKED* revoked = X509_REVOKED_new();
    ENSURE(revoked != nullptr);
    ENSURE(X509_REVOKED_set_serialNumber(revoked, make_integer(as_bytes(entry.serial)).get()) == 1);
    ENSURE(X509_REVOKED_set_revocationDate(revoked, make_time(entry.since).get()) == 1);
    if (entry.reason != RevocationReason::unspecified) {
        const OpenSslHandle<ASN1_ENUMERATED, ASN1_ENUMERATED_free> reason(ASN1_ENUMERATED_new());
        ENSURE(reason && ASN1_ENUMERATED_set(reason.get(), static_cast<long>(entry.reason)) == 1);
        ENSURE(X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, reason.get(), 0, 0) == 1);
    }
    ENSURE(X509_CRL_add0_revoked(crl, revoked) == 1);
}

}  // namespace

std::string TestCa::make_crl(std::span<const RevokedEntry> entries, std::uint64_t number, Instant this_update,
                             Instant next_update) const {
    const ErrorQueueGuard guard;
    const X509CrlHandle crl(X509_CRL_new());
    ENSURE(crl && X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1);
    ENSURE(X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(state_->x509.get())) == 1);
    ENSURE(X509_CRL_set1_lastUpdate(crl.get(), make_time(this_update).get()) == 1);
    ENSURE(X509_CRL_set1_nextUpdate(crl.get(), make_time(next_update).get()) == 1);
    for (const auto& entry : entries) add_entry(crl.get(), entry);
    const Asn1IntegerHandle crl_number(ASN1_INTEGER_new());
    ENSURE(crl_number && ASN1_INTEGER_set_uint64(crl_number.get(), number) == 1);
    ENSURE(X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, crl_number.get(), 0, 0) == 1);
    ENSURE(X509_CRL_add_ext(crl.get(), make_authority_key_id(state_->x509.get()).get(), -1) == 1);
    X509_CRL_sort(crl.get());
    ENSURE(X509_CRL_sign(crl.get(), state_->key.handle().key.get(), EVP_sha256()) > 0);
    return encode_der(i2d_X509_CRL, crl.get());
}

TestJpki TestJpki::create(Instant at) {
    const auto keys = KeyPool::generate(2 * test_ca_generations);
    ENSURE(keys.has_value());
    return create(at, *keys);
}

TestJpki TestJpki::create(Instant at, const KeyPool& keys) {
    ENSURE(keys.size() >= 2 * test_ca_generations);
    const ErrorQueueGuard guard;
    TestJpki jpki;
    for (int generation = 1; generation <= test_ca_generations; ++generation) {
        const auto index = static_cast<std::uint64_t>(2 * (generation - 1));
        jpki.auth_.push_back(create_root(Kind::authentication, generation, at, keys.key(index).clone()));
        jpki.sign_.push_back(create_root(Kind::signature, generation, at, keys.key(index + 1).clone()));
    }
    return jpki;
}

namespace {

std::string file_stem(Kind kind, int generation) {
    return fmt::format("{}_ca_{}", kind == Kind::authentication ? "auth" : "sign", generation);
}

Result<TestCa> load_ca(const std::filesystem::path& folder, Kind kind, int generation) {
    const auto stem = file_stem(kind, generation);
    auto key = RsaPrivateKey::load(folder / (stem + ".key"));
    if (!key) return fail(std::move(key));
    auto pem = read_public_file(folder / (stem + ".crt"));
    if (!pem) return fail(std::move(pem));
    return assemble(kind, *std::move(key), *pem);
}

Result<void> save_cas(const std::filesystem::path& folder, std::span<const TestCa> cas, const char* roots_file) {
    std::string roots;
    int generation = 0;
    for (const auto& ca : cas) {
        const auto stem = file_stem(ca.kind(), ++generation);
        const auto pem = to_pem(as_bytes(ca.certificate().der));
        auto key_saved = ca.key().save(folder / (stem + ".key"));
        if (!key_saved) return key_saved;
        auto certificate_saved = write_public_file(folder / (stem + ".crt"), pem);
        if (!certificate_saved) return certificate_saved;
        roots += pem;
    }
    return write_public_file(folder / roots_file, roots);
}

TrustStore store_of(TrustPurpose purpose, std::span<const TestCa> cas) {
    std::vector<Certificate> roots;
    for (const auto& ca : cas) roots.push_back(ca.certificate());
    auto store = TrustStore::create(purpose, roots);
    ENSURE(store.has_value());
    return *std::move(store);
}

const TestCa& ca_of(const std::vector<TestCa>& cas, int generation) {
    ENSURE(generation >= 1 && generation <= test_ca_generations);
    return cas[static_cast<std::size_t>(generation - 1)];
}

}  // namespace

Result<TestJpki> TestJpki::load(const std::filesystem::path& folder) {
    const ErrorQueueGuard guard;
    TestJpki jpki;
    for (int generation = 1; generation <= test_ca_generations; ++generation) {
        auto auth = load_ca(folder, Kind::authentication, generation);
        if (!auth) return fail(std::move(auth));
        auto sign = load_ca(folder, Kind::signature, generation);
        if (!sign) return fail(std::move(sign));
        jpki.auth_.push_back(*std::move(auth));
        jpki.sign_.push_back(*std::move(sign));
    }
    return jpki;
}

Result<void> TestJpki::save(const std::filesystem::path& folder) const {
    auto saved = save_cas(folder, auth_, "auth_roots.pem");
    if (!saved) return saved;
    return save_cas(folder, sign_, "sign_roots.pem");
}

const TestCa& TestJpki::auth_ca(int generation) const {
    return ca_of(auth_, generation);
}

const TestCa& TestJpki::sign_ca(int generation) const {
    return ca_of(sign_, generation);
}

int TestJpki::generation_at(Instant issued_at) const {
    const Date day = japan_day(issued_at);
    for (int generation = test_ca_generations; generation > 1; --generation) {
        const Date began = japan_day(auth_ca(generation).certificate().not_before);
        if (began.plus_months_clamped(months_until_issuing) <= day) return generation;
    }
    return 1;
}

TrustStore TestJpki::auth_store() const {
    return store_of(TrustPurpose::card_authentication, auth_);
}

TrustStore TestJpki::sign_store() const {
    return store_of(TrustPurpose::card_signature, sign_);
}

namespace {

std::string index_time(Instant at) {
    const auto time = make_time(at);
    return std::string(as_text(bytes_of(time.get())));
}

// The words of `openssl ca`, by the number of the wire.
const char* index_reason(RevocationReason reason) {
    constexpr const char* names[] = {"unspecified", "keyCompromise",        "CACompromise",   "affiliationChanged",
                                     "superseded",  "cessationOfOperation", "certificateHold"};
    const auto number = static_cast<std::size_t>(reason);
    return number < std::size(names) ? names[number] : names[0];
}

}  // namespace

std::string openssl_index(std::span<const IssuedCertificate> issued) {
    std::string out;
    for (const auto& [certificate, revoked] : issued) {
        std::string when;
        if (revoked) when = fmt::format("{},{}", index_time(revoked->since), index_reason(revoked->reason));
        std::string serial = to_hex(as_bytes(certificate.serial));
        std::ranges::transform(serial, serial.begin(),
                               [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
        out += fmt::format("{}\t{}\t{}\t{}\tunknown\t/C=JP/CN={}\n", revoked ? 'R' : 'V',
                           index_time(certificate.not_after), when, serial, certificate.subject.common_name());
    }
    return out;
}

void KeyPool::push(RsaPrivateKey key) {
    public_keys_.push_back(key.public_key());
    keys_.push_back(std::move(key));
}

Result<KeyPool> KeyPool::open(const std::filesystem::path& folder, std::size_t size) {
    if (size == 0 || size > key_pool_size_max) return fail(ErrorCode::key_malformed, "key pool size");
    KeyPool pool;
    for (std::size_t i = 0; i < size; ++i) {
        const auto file = folder / fmt::format("card_key_{:04}.pem", i);
        auto key = RsaPrivateKey::load(file);
        const bool missing = !key && key.error().code == ErrorCode::secret_missing;
        if (!key && !missing) return fail(std::move(key));
        if (missing) {
            key = RsaPrivateKey::generate(rsa_bits_min);
            ENSURE(key.has_value());
            auto saved = key->save(file);
            if (!saved) return fail(std::move(saved));
        }
        pool.push(*std::move(key));
    }
    return pool;
}

Result<KeyPool> KeyPool::generate(std::size_t size) {
    if (size == 0 || size > key_pool_size_max) return fail(ErrorCode::key_malformed, "key pool size");
    KeyPool pool;
    for (std::size_t i = 0; i < size; ++i) {
        auto key = RsaPrivateKey::generate(rsa_bits_min);
        ENSURE(key.has_value());
        pool.push(*std::move(key));
    }
    return pool;
}

Result<KeyPool> KeyPool::from_pem(std::string_view pem) {
    constexpr std::string_view end_mark = "-----END PRIVATE KEY-----\n";
    KeyPool pool;
    for (;;) {
        const auto end = pem.find(end_mark);
        if (end == std::string_view::npos) break;
        if (pool.size() == key_pool_size_max) return fail(ErrorCode::key_malformed, "key pool size");
        auto key = RsaPrivateKey::from_pem(pem.substr(0, end + end_mark.size()));
        if (!key) return fail(std::move(key));
        pool.push(*std::move(key));
        pem.remove_prefix(end + end_mark.size());
    }
    if (pool.size() == 0 || !pem.empty()) return fail(ErrorCode::key_malformed, "PEM of a key pool");
    return pool;
}

Result<TestJpki> write_test_jpki(const std::filesystem::path& folder, Instant at) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorCode::secret_missing, folder.string() + ": " + error.message());
    if (!std::filesystem::is_empty(folder, error)) return fail(ErrorCode::secret_exists, folder.string());
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
    if (error) return fail(ErrorCode::secret_missing, folder.string() + ": " + error.message());
    auto jpki = TestJpki::create(at);
    auto saved = jpki.save(folder);
    if (!saved) return fail(std::move(saved));
    return jpki;
}

}  // namespace onshi::pki
