#include "platform/smartcard/crypto.h"

#include <memory>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/ensure.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace {

template <auto free_function>
struct Freer {
    template <class T>
    void operator()(T* object) const noexcept {
        free_function(object);
    }
};
using PkeyHandle = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using PkeyContextHandle = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using BioHandle = std::unique_ptr<BIO, Freer<BIO_free_all>>;

// Puts the thread's error queue back as it was, so that a TLS connection does not read our failures as its own.
class ErrorQueueGuard {
  public:
    ErrorQueueGuard() { ERR_set_mark(); }
    ~ErrorQueueGuard() { ERR_pop_to_mark(); }
    ErrorQueueGuard(const ErrorQueueGuard&) = delete;
    ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
};

constexpr std::size_t base64_text_bytes_max = 2 * card_image_bytes_max;

}  // namespace

std::array<std::uint8_t, 48> sha384(Bytes bytes) {
    std::array<std::uint8_t, 48> digest{};
    ENSURE(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha384(), nullptr) == 1);
    return digest;
}

Result<ByteVector> recover_pkcs1_payload(const pki::CardPublicKey& key, Bytes signature) {
    const ErrorQueueGuard guard;
    const auto info = key.subject_public_key_info();
    const unsigned char* at = info.data();
    const PkeyHandle pkey(d2i_PUBKEY(nullptr, &at, static_cast<long>(info.size())));
    const PkeyContextHandle context(pkey ? EVP_PKEY_CTX_new(pkey.get(), nullptr) : nullptr);
    ByteVector payload(static_cast<std::size_t>(pkey ? EVP_PKEY_get_size(pkey.get()) : 0));
    std::size_t size = payload.size();
    const bool recovered =
        context && EVP_PKEY_verify_recover_init(context.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_verify_recover(context.get(), payload.data(), &size, signature.data(), signature.size()) == 1;
    if (!recovered) return fail(ErrorCode::card_not_authentic, "PKCS#1 padding does not hold");
    payload.resize(size);
    return payload;
}

SecretBytes derive_pin_hash(Bytes pin, Bytes salt, unsigned iterations) {
    std::string hash(32, '\0');
    ENSURE(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(pin.data()), static_cast<int>(pin.size()), salt.data(),
                             static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(),
                             static_cast<int>(hash.size()), reinterpret_cast<unsigned char*>(hash.data())) == 1);
    return SecretBytes::take(hash);
}

struct P384Signer::Key {
    PkeyHandle pkey;
};

P384Signer::P384Signer(std::unique_ptr<Key> key) : key_(std::move(key)) {}
P384Signer::P384Signer(P384Signer&&) noexcept = default;
P384Signer& P384Signer::operator=(P384Signer&&) noexcept = default;
P384Signer::~P384Signer() = default;

Result<P384Signer> P384Signer::from_pem(Bytes pem) {
    const ErrorQueueGuard guard;
    const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    PkeyHandle pkey(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr);
    if (!pkey || EVP_PKEY_get_id(pkey.get()) != EVP_PKEY_EC || EVP_PKEY_get_bits(pkey.get()) != 384) {
        return fail(ErrorCode::card_image_malformed, "not a P-384 private key");
    }
    auto key = std::make_unique<Key>();
    key->pkey = std::move(pkey);
    return P384Signer(std::move(key));
}

Result<ByteVector> P384Signer::sign(Bytes digest) const {
    const ErrorQueueGuard guard;
    const PkeyContextHandle context(EVP_PKEY_CTX_new(key_->pkey.get(), nullptr));
    ByteVector signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_->pkey.get())));
    std::size_t size = signature.size();
    const bool done = context && EVP_PKEY_sign_init(context.get()) == 1 &&
                      EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) == 1;
    if (!done) return fail(ErrorCode::internal_unexpected, "P-384 signature");
    signature.resize(size);
    return signature;
}

std::string to_base64(Bytes bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::optional<ByteVector> from_base64(std::string_view text) {
    if (text.size() % 4 != 0 || text.size() > base64_text_bytes_max) return std::nullopt;
    ByteVector bytes(text.size() / 4 * 3 + 1);
    const int size = EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    bytes.resize(static_cast<std::size_t>(size) - padding);
    // One value has one form: what OpenSSL also forgives (white space, left-over bits) is refused by writing it again.
    if (to_base64(bytes) != text) return std::nullopt;
    return bytes;
}

}  // namespace onshi::smartcard
