#include "platform/pki/public_key.h"

#include <algorithm>
#include <array>
#include <bit>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/sha256.h"
#include "platform/pki/der.h"
#include "platform/pki/limits.h"
#include "platform/pki/low_level.h"
#include "platform/pki/openssl_handles.h"
#include "platform/pki/openssl_keys.h"

namespace onshi::pki {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t p384_coordinate_bytes = 48;
constexpr std::size_t rsa_head_bytes = 2;
constexpr std::uint32_t rsa_exponent_min = 65537;

// AlgorithmIdentifier {rsaEncryption, NULL} and {id-ecPublicKey, secp384r1}.
constexpr auto rsa_algorithm = "\x30\x0D\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01\x05\x00"sv;
constexpr auto p384_algorithm = "\x30\x10\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x05\x2B\x81\x04\x00\x22"sv;

struct AlgorithmEntry {
    SignatureAlgorithm algorithm;
    std::string_view name;
    KeyKind kind;
    std::size_t digest_bytes;
};
constexpr std::array<AlgorithmEntry, 3> algorithms{{
    {SignatureAlgorithm::rsa_pkcs1_sha256, "rsa_pkcs1_sha256", KeyKind::rsa, 32},
    {SignatureAlgorithm::rsa_pss_sha256, "rsa_pss_sha256", KeyKind::rsa, 32},
    {SignatureAlgorithm::ecdsa_p384_sha384, "ecdsa_p384_sha384", KeyKind::ec_p384, 48},
}};

constexpr const AlgorithmEntry& entry(SignatureAlgorithm algorithm) {
    return algorithms[static_cast<std::size_t>(algorithm)];
}

Bytes without_leading_zeros(Bytes number) {
    while (!number.empty() && number[0] == 0) number = number.subspan(1);
    return number;
}

std::size_t bit_length(Bytes number) {
    return number.empty() ? 0 : number.size() * 8 - static_cast<std::size_t>(std::countl_zero(number[0]));
}

bool is_odd(Bytes number) {
    return !number.empty() && (number.back() & 1U) != 0;
}

bool is_accepted_exponent(Bytes exponent) {
    if (exponent.size() > rsa_exponent_bytes_max || !is_odd(exponent)) return false;
    std::uint64_t value = 0;
    for (const auto byte : exponent) value = value << 8U | byte;
    return value >= rsa_exponent_min;
}

PkeyHandle pkey_from_parameters(const char* type, OSSL_PARAM* parameters) {
    const PkeyContextHandle context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    ENSURE(context && EVP_PKEY_fromdata_init(context.get()) == 1);
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) return nullptr;
    return PkeyHandle(key);
}

PkeyHandle rsa_pkey(const CardPublicKey& key) {
    const BignumHandle n(BN_bin2bn(key.modulus().data(), static_cast<int>(key.modulus().size()), nullptr));
    const BignumHandle e(BN_bin2bn(key.exponent().data(), static_cast<int>(key.exponent().size()), nullptr));
    const ParamBuilderHandle builder(OSSL_PARAM_BLD_new());
    ENSURE(n && e && builder && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
           OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
    const ParamHandle parameters(OSSL_PARAM_BLD_to_param(builder.get()));
    ENSURE(parameters);
    return pkey_from_parameters("RSA", parameters.get());
}

// Checks a signature with a key in OpenSSL's form; the caller has paired key and algorithm.
Result<void> verify_with(EVP_PKEY* key, SignatureAlgorithm algorithm, Bytes digest, Bytes signature) {
    const PkeyContextHandle context(EVP_PKEY_CTX_new(key, nullptr));
    ENSURE(context && EVP_PKEY_verify_init(context.get()) == 1);
    if (algorithm == SignatureAlgorithm::rsa_pss_sha256) {
        // Which salt length a card takes is not public, so it is read from the signature (jpki-card §3.1, P1=04).
        ENSURE(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_AUTO) == 1);
    }
    if (EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.data(), digest.size()) == 1)
        return {};
    return fail(ErrorCode::signature_invalid, std::string(to_string(algorithm)));
}

}  // namespace

PkeyHandle ec_pkey(const char* group, Bytes point) {
    std::string uncompressed("\x04");
    uncompressed.append(as_text(point));
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(group), 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, uncompressed.data(), uncompressed.size()),
        OSSL_PARAM_construct_end()};
    return pkey_from_parameters("EC", parameters);
}

std::optional<SignatureAlgorithm> parse_signature_algorithm(std::string_view name) {
    const auto found = std::ranges::find(algorithms, name, &AlgorithmEntry::name);
    return found == algorithms.end() ? std::nullopt : std::optional(found->algorithm);
}

std::string_view to_string(SignatureAlgorithm algorithm) noexcept {
    return entry(algorithm).name;
}

std::size_t digest_size(SignatureAlgorithm algorithm) noexcept {
    return entry(algorithm).digest_bytes;
}

bool is_allowed(KeyKind kind, SignatureAlgorithm algorithm) noexcept {
    return entry(algorithm).kind == kind;
}

Result<CardPublicKey> CardPublicKey::rsa(Bytes modulus, Bytes exponent) {
    modulus = without_leading_zeros(modulus);
    exponent = without_leading_zeros(exponent);
    const std::size_t bits = bit_length(modulus);
    if (bits < rsa_bits_min || bits > rsa_bits_max || !is_odd(modulus)) {
        return fail(ErrorCode::key_malformed, "RSA modulus of " + std::to_string(bits) + " bits");
    }
    if (!is_accepted_exponent(exponent)) return fail(ErrorCode::key_malformed, "RSA exponent");
    std::vector<std::uint8_t> stored;
    stored.reserve(rsa_head_bytes + exponent.size() + modulus.size());
    stored.push_back(static_cast<std::uint8_t>(KeyKind::rsa));
    stored.push_back(static_cast<std::uint8_t>(exponent.size()));
    stored.insert(stored.end(), exponent.begin(), exponent.end());
    stored.insert(stored.end(), modulus.begin(), modulus.end());
    return CardPublicKey(std::move(stored));
}

Result<CardPublicKey> CardPublicKey::ec_p384(Bytes x, Bytes y) {
    if (x.size() != p384_coordinate_bytes || y.size() != p384_coordinate_bytes) {
        return fail(ErrorCode::key_malformed, "P-384 point");
    }
    std::vector<std::uint8_t> stored;
    stored.reserve(1 + x.size() + y.size());
    stored.push_back(static_cast<std::uint8_t>(KeyKind::ec_p384));
    stored.insert(stored.end(), x.begin(), x.end());
    stored.insert(stored.end(), y.begin(), y.end());
    return CardPublicKey(std::move(stored));
}

Result<CardPublicKey> CardPublicKey::parse(Bytes stored) {
    if (stored.size() < rsa_head_bytes) return fail(ErrorCode::key_malformed, "stored key");
    if (stored[0] == static_cast<std::uint8_t>(KeyKind::ec_p384)) {
        if (stored.size() != 1 + 2 * p384_coordinate_bytes) return fail(ErrorCode::key_malformed, "stored P-384 key");
        return ec_p384(stored.subspan(1, p384_coordinate_bytes), stored.subspan(1 + p384_coordinate_bytes));
    }
    const std::size_t exponent_bytes = stored[1];
    if (stored[0] != static_cast<std::uint8_t>(KeyKind::rsa) || stored.size() < rsa_head_bytes + exponent_bytes) {
        return fail(ErrorCode::key_malformed, "stored key");
    }
    auto key = rsa(stored.subspan(rsa_head_bytes + exponent_bytes), stored.subspan(rsa_head_bytes, exponent_bytes));
    // A second form of the same key, with leading zeros, would break comparison of keys by bytes.
    if (key && key->stored_.size() != stored.size()) return fail(ErrorCode::key_malformed, "stored RSA key");
    return key;
}

std::size_t CardPublicKey::bits() const {
    return kind() == KeyKind::rsa ? bit_length(modulus()) : 384;
}

Bytes CardPublicKey::exponent() const {
    if (kind() != KeyKind::rsa) return {};
    return Bytes(stored_).subspan(rsa_head_bytes, stored_[1]);
}

Bytes CardPublicKey::modulus() const {
    if (kind() != KeyKind::rsa) return {};
    return Bytes(stored_).subspan(rsa_head_bytes + stored_[1]);
}

Bytes CardPublicKey::point() const {
    if (kind() != KeyKind::ec_p384) return {};
    return Bytes(stored_).subspan(1);
}

std::vector<std::uint8_t> CardPublicKey::subject_public_key_info() const {
    const bool is_rsa = kind() == KeyKind::rsa;
    std::string key("\0", 1);  // no unused bits
    if (is_rsa) {
        key += der::element(der::tag_sequence, {der::unsigned_integer(modulus()), der::unsigned_integer(exponent())});
    } else {
        key.append("\x04").append(as_text(point()));
    }
    const std::string info = der::element(
        der::tag_sequence, {is_rsa ? rsa_algorithm : p384_algorithm, der::element(der::tag_bit_string, {key})});
    return {info.begin(), info.end()};
}

Result<void> verify_digest(const CardPublicKey& key, SignatureAlgorithm algorithm, Bytes digest, Bytes signature) {
    if (!is_allowed(key.kind(), algorithm))
        return fail(ErrorCode::signature_algorithm, std::string(to_string(algorithm)));
    if (digest.size() != digest_size(algorithm)) return fail(ErrorCode::signature_algorithm, "digest size");
    const ErrorQueueGuard guard;
    if (algorithm == SignatureAlgorithm::rsa_pkcs1_sha256) {
        if (low_level::verify_rsa_pkcs1_sha256(key.modulus(), key.exponent(), digest, signature)) return {};
        return fail(ErrorCode::signature_invalid, std::string(to_string(algorithm)));
    }
    const PkeyHandle pkey = key.kind() == KeyKind::rsa ? rsa_pkey(key) : ec_pkey("P-384", key.point());
    if (!pkey) return fail(ErrorCode::key_malformed, "not a usable public key");
    return verify_with(pkey.get(), algorithm, digest, signature);
}

Result<void> verify_message(const CardPublicKey& key, SignatureAlgorithm algorithm, Bytes message, Bytes signature) {
    if (digest_size(algorithm) == sizeof(Sha256)) return verify_digest(key, algorithm, sha256(message), signature);
    std::array<std::uint8_t, 48> digest;
    unsigned size = 0;
    ENSURE(EVP_Digest(message.data(), message.size(), digest.data(), &size, EVP_sha384(), nullptr) == 1 && size == 48);
    return verify_digest(key, algorithm, digest, signature);
}

}  // namespace onshi::pki
