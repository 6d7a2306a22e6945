#include "platform/pki/keys.h"

#include <algorithm>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>

#include "platform/pki/limits.h"
#include "platform/pki/low_level.h"
#include "platform/pki/openssl_handles.h"

namespace onshi::pki {

namespace {

constexpr std::size_t hmac_block_bytes = 64;
constexpr std::size_t hmac_key_bytes_min = 16;
constexpr std::size_t hmac_tag_bytes_min = 16;
constexpr std::size_t gcm_nonce_bytes = 12;
constexpr std::size_t gcm_tag_bytes = 16;
constexpr std::size_t hkdf_bytes_max = 255 * sizeof(Sha256);

const EVP_CIPHER* aes_256_gcm() {
    // Fetched once: every fetch takes a lock and a search.
    static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    ENSURE(cipher != nullptr);
    return cipher;
}

}  // namespace

bool constant_time_equal(Bytes a, Bytes b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Result<HmacKey> HmacKey::create(Bytes key) {
    if (key.size() < hmac_key_bytes_min) return fail(ErrorCode::key_malformed, "MAC key size");
    return HmacKey(key);
}

// OpenSSL's own HMAC objects change while they work, so each thread would need a copy per key, and each use allocates.
// The two hash states after the padded key are all that HMAC is; they are made here once and copied per MAC.
HmacKey::HmacKey(Bytes key) {
    std::array<std::uint8_t, hmac_block_bytes> block{};
    if (key.size() > block.size()) {
        const auto shortened = sha256(key);
        std::ranges::copy(shortened, block.begin());
    } else {
        std::ranges::copy(key, block.begin());
    }
    constexpr std::uint8_t inner_pad = 0x36;
    constexpr std::uint8_t outer_pad = 0x5C;
    for (auto& byte : block) byte ^= inner_pad;
    low_level::sha256_begin(inner_);
    low_level::sha256_add(inner_, block);
    for (auto& byte : block) byte ^= inner_pad ^ outer_pad;
    low_level::sha256_begin(outer_);
    low_level::sha256_add(outer_, block);
    OPENSSL_cleanse(block.data(), block.size());
}

HmacKey::HmacKey(HmacKey&& other) noexcept : inner_(other.inner_), outer_(other.outer_) {
    // The moved-from object keeps no key, but still MACs as with an empty state, never with uninitialised bytes.
    OPENSSL_cleanse(&other.inner_, sizeof other.inner_);
    OPENSSL_cleanse(&other.outer_, sizeof other.outer_);
}

HmacKey& HmacKey::operator=(HmacKey&& other) noexcept {
    std::swap(inner_, other.inner_);
    std::swap(outer_, other.outer_);
    return *this;
}

HmacKey::~HmacKey() {
    OPENSSL_cleanse(&inner_, sizeof inner_);
    OPENSSL_cleanse(&outer_, sizeof outer_);
}

Sha256 HmacKey::mac(Bytes message) const {
    return mac({message});
}

Sha256 HmacKey::mac(std::initializer_list<Bytes> parts) const {
    Sha256 digest;
    Sha256State state = inner_;
    for (const auto part : parts) low_level::sha256_add(state, part);
    low_level::sha256_end(state, digest);
    state = outer_;
    low_level::sha256_add(state, digest);
    low_level::sha256_end(state, digest);
    return digest;
}

bool HmacKey::verify(std::initializer_list<Bytes> parts, Bytes tag) const {
    if (tag.size() < hmac_tag_bytes_min || tag.size() > sizeof(Sha256)) return false;
    const auto expected = mac(parts);
    return constant_time_equal(Bytes(expected).first(tag.size()), tag);
}

Result<SecretBytes> hkdf_sha256(Bytes key, Bytes salt, std::string_view info, std::size_t size) {
    if (key.empty() || size == 0 || size > hkdf_bytes_max) return fail(ErrorCode::key_malformed, "HKDF size");
    const OpenSslHandle<EVP_KDF, EVP_KDF_free> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    const OpenSslHandle<EVP_KDF_CTX, EVP_KDF_CTX_free> context(EVP_KDF_CTX_new(kdf.get()));
    ENSURE(context);
    char digest_name[] = "SHA256";
    std::array<OSSL_PARAM, 5> parameters{};
    std::size_t count = 0;
    parameters[count++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest_name, 0);
    const auto add = [&](const char* name, Bytes bytes) {
        if (bytes.empty()) return;  // OpenSSL takes an empty parameter for an error; absent means the same here
        auto* start = const_cast<std::uint8_t*>(bytes.data());
        parameters[count++] = OSSL_PARAM_construct_octet_string(name, start, bytes.size());
    };
    add(OSSL_KDF_PARAM_KEY, key);
    add(OSSL_KDF_PARAM_SALT, salt);
    add(OSSL_KDF_PARAM_INFO, as_bytes(info));
    parameters[count] = OSSL_PARAM_construct_end();
    std::vector<std::uint8_t> out(size);
    ENSURE(EVP_KDF_derive(context.get(), out.data(), out.size(), parameters.data()) == 1);
    SecretBytes secret{Bytes(out)};
    OPENSSL_cleanse(out.data(), out.size());
    return secret;
}

Result<SealingKey> SealingKey::create(Bytes key) {
    if (key.size() != key_bytes) return fail(ErrorCode::key_malformed, "AES-256 key size");
    return SealingKey(key);
}

Result<std::string> SealingKey::seal(Bytes plaintext, Bytes associated, Random& random) const {
    if (plaintext.size() > sealed_plaintext_bytes_max || associated.size() > sealed_plaintext_bytes_max) {
        return fail(ErrorCode::request_too_large, "sealed value");
    }
    std::string sealed(gcm_nonce_bytes + plaintext.size() + gcm_tag_bytes, '\0');
    auto* nonce = reinterpret_cast<std::uint8_t*>(sealed.data());
    auto* text = nonce + gcm_nonce_bytes;
    random.fill({nonce, gcm_nonce_bytes});
    const CipherContextHandle context(EVP_CIPHER_CTX_new());
    int size = 0;
    ENSURE(context && EVP_EncryptInit_ex2(context.get(), aes_256_gcm(), key_.bytes().data(), nonce, nullptr) == 1);
    ENSURE(EVP_EncryptUpdate(context.get(), nullptr, &size, associated.data(), static_cast<int>(associated.size())) ==
           1);
    ENSURE(EVP_EncryptUpdate(context.get(), text, &size, plaintext.data(), static_cast<int>(plaintext.size())) == 1);
    ENSURE(EVP_EncryptFinal_ex(context.get(), text + size, &size) == 1);
    ENSURE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, gcm_tag_bytes, text + plaintext.size()) == 1);
    return sealed;
}

Result<SecretBytes> SealingKey::open(Bytes sealed, Bytes associated) const {
    if (sealed.size() < overhead_bytes || sealed.size() > sealed_plaintext_bytes_max + overhead_bytes) {
        return fail(ErrorCode::secret_not_authentic, "sealed size");
    }
    const ErrorQueueGuard guard;
    const Bytes text = sealed.subspan(gcm_nonce_bytes, sealed.size() - overhead_bytes);
    std::array<std::uint8_t, gcm_tag_bytes> tag;
    std::ranges::copy(sealed.last(gcm_tag_bytes), tag.begin());
    std::vector<std::uint8_t> plaintext(text.size() +
                                        1);  // never a null pointer, which OpenSSL reads as "associated bytes"
    const CipherContextHandle context(EVP_CIPHER_CTX_new());
    int size = 0;
    ENSURE(context &&
           EVP_DecryptInit_ex2(context.get(), aes_256_gcm(), key_.bytes().data(), sealed.data(), nullptr) == 1);
    ENSURE(EVP_DecryptUpdate(context.get(), nullptr, &size, associated.data(), static_cast<int>(associated.size())) ==
           1);
    ENSURE(EVP_DecryptUpdate(context.get(), plaintext.data(), &size, text.data(), static_cast<int>(text.size())) == 1);
    ENSURE(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, gcm_tag_bytes, tag.data()) == 1);
    const bool authentic = EVP_DecryptFinal_ex(context.get(), plaintext.data() + text.size(), &size) == 1;
    SecretBytes opened(authentic ? Bytes(plaintext).first(text.size()) : Bytes());
    OPENSSL_cleanse(plaintext.data(), plaintext.size());
    if (!authentic) return fail(ErrorCode::secret_not_authentic, "tag");
    return opened;
}

Result<SigningKey> SigningKey::from_seed(Bytes seed) {
    if (seed.size() != seed_bytes) return fail(ErrorCode::key_malformed, "Ed25519 seed size");
    const PkeyHandle key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
    Ed25519PublicKey public_key;
    std::size_t size = public_key.size();
    ENSURE(key && EVP_PKEY_get_raw_public_key(key.get(), public_key.data(), &size) == 1 && size == public_key.size());
    return SigningKey(seed, public_key);
}

Ed25519Signature SigningKey::sign(Bytes message) const {
    const PkeyHandle key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed_.bytes().data(), seed_.size()));
    const MdContextHandle context(EVP_MD_CTX_new());
    Ed25519Signature signature;
    std::size_t size = signature.size();
    ENSURE(key && context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
    ENSURE(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
    ENSURE(size == signature.size());
    return signature;
}

Result<void> verify_ed25519(Bytes public_key, Bytes message, Bytes signature) {
    const ErrorQueueGuard guard;
    const PkeyHandle key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()));
    if (!key) return fail(ErrorCode::key_malformed, "Ed25519 public key");
    const MdContextHandle context(EVP_MD_CTX_new());
    ENSURE(context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
    if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) != 1) {
        return fail(ErrorCode::signature_invalid, "Ed25519");
    }
    return {};
}

}  // namespace onshi::pki
