#include "platform/pki/private_key.h"

#include <utility>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/sha256.h"
#include "platform/pki/limits.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/openssl_keys.h"
#include "platform/pki/secret_file.h"

namespace onshi::pki {

namespace {

// No password is ever asked for: the default callback would read the terminal.
int no_password(char*, int, int, void*) {
    return -1;
}

PkeyHandle read_pem(std::string_view pem) {
    if (pem.size() > secret_file_bytes_max) return nullptr;
    const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    ENSURE(bio);
    return PkeyHandle(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
}

SecretBytes write_pem(EVP_PKEY* key) {
    const BioHandle bio(BIO_new(BIO_s_mem()));
    ENSURE(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    ENSURE(size > 0);
    SecretBytes out(as_bytes({text, static_cast<std::size_t>(size)}));
    OPENSSL_cleanse(text, static_cast<std::size_t>(size));
    return out;
}

enum class RsaPadding : std::uint8_t { pkcs1_raw, pkcs1_sha256, pss_sha256 };

// Empty when the key cannot sign, which a key that was checked always can.
std::vector<std::uint8_t> try_sign_rsa(EVP_PKEY* key, RsaPadding padding, Bytes input) {
    const PkeyContextHandle context(EVP_PKEY_CTX_new(key, nullptr));
    ENSURE(context && EVP_PKEY_sign_init(context.get()) == 1);
    const bool pss = padding == RsaPadding::pss_sha256;
    ENSURE(EVP_PKEY_CTX_set_rsa_padding(context.get(), pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1);
    if (padding != RsaPadding::pkcs1_raw) ENSURE(EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1);
    if (pss) ENSURE(EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) == 1);
    std::vector<std::uint8_t> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
    std::size_t size = signature.size();
    if (EVP_PKEY_sign(context.get(), signature.data(), &size, input.data(), input.size()) != 1) return {};
    ENSURE(size == signature.size());
    return signature;
}

std::vector<std::uint8_t> sign_rsa(EVP_PKEY* key, RsaPadding padding, Bytes input) {
    auto signature = try_sign_rsa(key, padding, input);
    ENSURE(!signature.empty());
    return signature;
}

}  // namespace

RsaPrivateKey::RsaPrivateKey(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
RsaPrivateKey::RsaPrivateKey(RsaPrivateKey&&) noexcept = default;
RsaPrivateKey& RsaPrivateKey::operator=(RsaPrivateKey&&) noexcept = default;
RsaPrivateKey::~RsaPrivateKey() = default;

Result<RsaPrivateKey> RsaPrivateKey::generate(unsigned bits) {
    if (bits < rsa_bits_min || bits > rsa_bits_max) return fail(ErrorCode::key_malformed, "RSA bits");
    const ErrorQueueGuard guard;
    PkeyHandle key(EVP_RSA_gen(bits));
    ENSURE(key);
    return RsaPrivateKey(std::make_unique<Handle>(std::move(key)));
}

Result<RsaPrivateKey> RsaPrivateKey::from_pem(std::string_view pem) {
    const ErrorQueueGuard guard;
    PkeyHandle key = read_pem(pem);
    if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1) return fail(ErrorCode::key_malformed, "no RSA key in PEM");
    const auto bits = static_cast<std::size_t>(EVP_PKEY_get_bits(key.get()));
    if (bits < rsa_bits_min || bits > rsa_bits_max) return fail(ErrorCode::key_malformed, "RSA bits");
    // What public_key() and the signing functions take for granted is established here, once.
    auto public_half =
        CardPublicKey::rsa(bignum_of(key.get(), OSSL_PKEY_PARAM_RSA_N), bignum_of(key.get(), OSSL_PKEY_PARAM_RSA_E));
    if (!public_half) return fail(std::move(public_half));
    // OpenSSL's own check of a key pair proves both primes again, which takes a hundred times longer than this one use.
    constexpr Sha256 digest{};
    const auto signature = try_sign_rsa(key.get(), RsaPadding::pkcs1_sha256, digest);
    if (!verify_digest(*public_half, SignatureAlgorithm::rsa_pkcs1_sha256, digest, signature)) {
        return fail(ErrorCode::key_malformed, "RSA halves differ");
    }
    return RsaPrivateKey(std::make_unique<Handle>(std::move(key)));
}

Result<RsaPrivateKey> RsaPrivateKey::load(const std::filesystem::path& file) {
    auto pem = read_secret_file(file);
    if (!pem) return fail(std::move(pem));
    return from_pem(as_text(pem->bytes()));
}

Result<void> RsaPrivateKey::save(const std::filesystem::path& file) const {
    return write_secret_file(file, to_pem().bytes());
}

SecretBytes RsaPrivateKey::to_pem() const {
    return write_pem(handle_->key.get());
}

RsaPrivateKey RsaPrivateKey::clone() const {
    ENSURE(EVP_PKEY_up_ref(handle_->key.get()) == 1);
    return RsaPrivateKey(std::make_unique<Handle>(PkeyHandle(handle_->key.get())));
}

CardPublicKey RsaPrivateKey::public_key() const {
    auto key = CardPublicKey::rsa(bignum_of(handle_->key.get(), OSSL_PKEY_PARAM_RSA_N),
                                  bignum_of(handle_->key.get(), OSSL_PKEY_PARAM_RSA_E));
    ENSURE(key.has_value());
    return *std::move(key);
}

std::size_t RsaPrivateKey::signature_size() const {
    return static_cast<std::size_t>(EVP_PKEY_get_size(handle_->key.get()));
}

Result<std::vector<std::uint8_t>> RsaPrivateKey::raw_sign_pkcs1(Bytes payload) const {
    if (payload.empty() || payload.size() > raw_sign_payload_bytes_max)
        return fail(ErrorCode::key_malformed, "payload size");
    return sign_rsa(handle_->key.get(), RsaPadding::pkcs1_raw, payload);
}

Result<std::vector<std::uint8_t>> RsaPrivateKey::sign_pkcs1(Bytes digest) const {
    if (digest.size() != sizeof(Sha256)) return fail(ErrorCode::key_malformed, "digest size");
    return sign_rsa(handle_->key.get(), RsaPadding::pkcs1_sha256, digest);
}

Result<std::vector<std::uint8_t>> RsaPrivateKey::sign_pss(Bytes digest) const {
    if (digest.size() != sizeof(Sha256)) return fail(ErrorCode::key_malformed, "digest size");
    return sign_rsa(handle_->key.get(), RsaPadding::pss_sha256, digest);
}

namespace {

const char* group_name(EcPrivateKey::Curve curve) {
    return curve == EcPrivateKey::Curve::p256 ? "P-256" : "P-384";
}

std::size_t coordinate_bytes(EcPrivateKey::Curve curve) {
    return curve == EcPrivateKey::Curve::p256 ? 32 : 48;
}

const EVP_MD* digest_of(EcPrivateKey::Curve curve) {
    return curve == EcPrivateKey::Curve::p256 ? EVP_sha256() : EVP_sha384();
}

std::optional<EcPrivateKey::Curve> curve_of(const EVP_PKEY* key) {
    const int nid = named_curve(key);
    if (nid == NID_X9_62_prime256v1) return EcPrivateKey::Curve::p256;
    if (nid == NID_secp384r1) return EcPrivateKey::Curve::p384;
    return std::nullopt;
}

}  // namespace

std::vector<std::uint8_t> bignum_of(const EVP_PKEY* key, const char* name) {
    BIGNUM* number = nullptr;
    ENSURE(EVP_PKEY_get_bn_param(key, name, &number) == 1);
    const BignumHandle owned(number);
    std::vector<std::uint8_t> out(static_cast<std::size_t>(BN_num_bytes(number)));
    BN_bn2bin(number, out.data());
    return out;
}

int named_curve(const EVP_PKEY* key) {
    char name[32];
    std::size_t size = 0;
    if (EVP_PKEY_is_a(key, "EC") != 1 || EVP_PKEY_get_group_name(key, name, sizeof name, &size) != 1) return NID_undef;
    return OBJ_txt2nid(name);
}

std::vector<std::uint8_t> ec_point_of(const EVP_PKEY* key) {
    auto x = bignum_of(key, OSSL_PKEY_PARAM_EC_PUB_X);
    auto y = bignum_of(key, OSSL_PKEY_PARAM_EC_PUB_Y);
    const auto bytes = static_cast<std::size_t>(EVP_PKEY_get_bits(key) / 8);
    std::vector<std::uint8_t> point(2 * bytes);
    std::copy(x.begin(), x.end(), point.begin() + static_cast<std::ptrdiff_t>(bytes - x.size()));
    std::copy(y.begin(), y.end(), point.end() - static_cast<std::ptrdiff_t>(y.size()));
    return point;
}

EcPrivateKey::EcPrivateKey(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
EcPrivateKey::EcPrivateKey(EcPrivateKey&&) noexcept = default;
EcPrivateKey& EcPrivateKey::operator=(EcPrivateKey&&) noexcept = default;
EcPrivateKey::~EcPrivateKey() = default;

EcPrivateKey EcPrivateKey::generate(Curve curve) {
    PkeyHandle key(EVP_EC_gen(group_name(curve)));
    ENSURE(key);
    return EcPrivateKey(std::make_unique<Handle>(std::move(key)));
}

Result<EcPrivateKey> EcPrivateKey::from_pem(std::string_view pem) {
    const ErrorQueueGuard guard;
    PkeyHandle key = read_pem(pem);
    if (!key || !curve_of(key.get())) return fail(ErrorCode::key_malformed, "no P-256 or P-384 key in PEM");
    const PkeyContextHandle check(EVP_PKEY_CTX_new(key.get(), nullptr));
    if (!check || EVP_PKEY_pairwise_check(check.get()) != 1) return fail(ErrorCode::key_malformed, "EC halves differ");
    return EcPrivateKey(std::make_unique<Handle>(std::move(key)));
}

Result<EcPrivateKey> EcPrivateKey::load(const std::filesystem::path& file) {
    auto pem = read_secret_file(file);
    if (!pem) return fail(std::move(pem));
    return from_pem(as_text(pem->bytes()));
}

Result<void> EcPrivateKey::save(const std::filesystem::path& file) const {
    return write_secret_file(file, to_pem().bytes());
}

SecretBytes EcPrivateKey::to_pem() const {
    return write_pem(handle_->key.get());
}

EcPrivateKey::Curve EcPrivateKey::curve() const {
    const auto curve = curve_of(handle_->key.get());
    ENSURE(curve.has_value());
    return *curve;
}

std::vector<std::uint8_t> EcPrivateKey::public_point() const {
    return ec_point_of(handle_->key.get());
}

std::vector<std::uint8_t> EcPrivateKey::subject_public_key_info() const {
    const std::string info = encode_der(i2d_PUBKEY, handle_->key.get());
    return {info.begin(), info.end()};
}

std::vector<std::uint8_t> EcPrivateKey::sign(Bytes message) const {
    const MdContextHandle context(EVP_MD_CTX_new());
    EVP_PKEY* key = handle_->key.get();
    ENSURE(context && EVP_DigestSignInit(context.get(), nullptr, digest_of(curve()), nullptr, key) == 1);
    std::vector<std::uint8_t> signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
    std::size_t size = signature.size();
    ENSURE(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
    signature.resize(size);
    return signature;
}

std::vector<std::uint8_t> EcPrivateKey::sign_fixed(Bytes message) const {
    const auto encoded = sign(message);
    const auto* at = encoded.data();
    const OpenSslHandle<ECDSA_SIG, ECDSA_SIG_free> parts(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(encoded.size())));
    const auto bytes = static_cast<int>(coordinate_bytes(curve()));
    std::vector<std::uint8_t> fixed(static_cast<std::size_t>(2 * bytes));
    ENSURE(parts && BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), fixed.data(), bytes) == bytes &&
           BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), fixed.data() + bytes, bytes) == bytes);
    return fixed;
}

Result<void> verify_es256(Bytes public_point, Bytes message, Bytes signature) {
    constexpr std::size_t bytes = 32;
    if (public_point.size() != 2 * bytes) return fail(ErrorCode::key_malformed, "P-256 point");
    if (signature.size() != 2 * bytes) return fail(ErrorCode::signature_invalid, "ES256 size");
    const ErrorQueueGuard guard;
    const PkeyHandle key = ec_pkey("P-256", public_point);
    if (!key) return fail(ErrorCode::key_malformed, "P-256 point");
    const OpenSslHandle<ECDSA_SIG, ECDSA_SIG_free> parts(ECDSA_SIG_new());
    BIGNUM* r = BN_bin2bn(signature.data(), bytes, nullptr);
    BIGNUM* s = BN_bin2bn(signature.data() + bytes, bytes, nullptr);
    ENSURE(parts && r != nullptr && s != nullptr && ECDSA_SIG_set0(parts.get(), r, s) == 1);
    const std::string encoded = encode_der(i2d_ECDSA_SIG, parts.get());
    const MdContextHandle context(EVP_MD_CTX_new());
    ENSURE(context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
    if (EVP_DigestVerify(context.get(), as_bytes(encoded).data(), encoded.size(), message.data(), message.size()) !=
        1) {
        return fail(ErrorCode::signature_invalid, "ES256");
    }
    return {};
}

}  // namespace onshi::pki
