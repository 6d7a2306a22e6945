// The only file that calls deprecated OpenSSL functions. RSA_verify over RSA_set0_key spares the export of a key into a
// provider, a third of a whole check: 30 µs against 42-49 µs on 2 vCPUs without AVX-512, same run. For the exponent
// that every card has, 65537, seventeen multiplications by OpenSSL's big numbers, whose memory each thread keeps, take
// 22 µs. A cached key would take 16 µs, but a national mix of cards seldom meets one key twice, so none is kept.
// SHA256_* has its state in plain bytes, which lets all threads use one MAC key without a copy of an EVP object per
// thread and key. Both stay in OpenSSL 3.x; if they go, only this file changes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "platform/pki/low_level.h"

#include <algorithm>
#include <array>
#include <memory>

#include <openssl/bn.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "base/ensure.h"

namespace onshi::pki::low_level {

namespace {

struct RsaFreer {
    void operator()(RSA* key) const noexcept { RSA_free(key); }
};

SHA256_CTX* context(Sha256State& state) {
    return reinterpret_cast<SHA256_CTX*>(state.opaque.data());
}

static_assert(sizeof(SHA256_CTX) == sizeof(Sha256State) && alignof(SHA256_CTX) <= alignof(Sha256State));

}  // namespace

namespace {

constexpr std::size_t modulus_bytes_max = 1024;
constexpr std::array<std::uint8_t, 3> common_exponent{0x01, 0x00, 0x01};
constexpr int common_exponent_squarings = 16;  // 65537 = 2^16 + 1
// DigestInfo {sha256, NULL}, up to the digest (RFC 8017 §9.2, note 1).
constexpr std::array<std::uint8_t, 19> sha256_prefix{0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
constexpr std::size_t padding_bytes_min = 8;

// What a verification needs of OpenSSL, kept from one to the next. One per thread.
class Workspace {
  public:
    Workspace()
        : context_(BN_CTX_new()), montgomery_(BN_MONT_CTX_new()), n_(BN_new()), signature_(BN_new()), power_(BN_new()) {
        ENSURE(context_ != nullptr && montgomery_ != nullptr && n_ != nullptr && signature_ != nullptr &&
               power_ != nullptr);
    }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;
    ~Workspace() {
        BN_free(power_);
        BN_free(signature_);
        BN_free(n_);
        BN_MONT_CTX_free(montgomery_);
        BN_CTX_free(context_);
    }

    // signature^65537 mod modulus, as many bytes as the modulus has; false when the signature is not below the modulus.
    // The modulus is odd. Everything is public, so nothing here has to take the same time for every input.
    bool raise_to_common_exponent(Bytes modulus, Bytes signature, std::span<std::uint8_t> out) {
        ENSURE(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), n_) != nullptr &&
               BN_bin2bn(signature.data(), static_cast<int>(signature.size()), signature_) != nullptr);
        if (BN_ucmp(signature_, n_) >= 0) return false;
        ENSURE(BN_MONT_CTX_set(montgomery_, n_, context_) == 1 &&
               BN_to_montgomery(power_, signature_, montgomery_, context_) == 1);
        for (int i = 0; i < common_exponent_squarings; ++i) multiply_power_by(power_);
        // One factor outside Montgomery's form takes the product out of it.
        multiply_power_by(signature_);
        return BN_bn2binpad(power_, out.data(), static_cast<int>(out.size())) == static_cast<int>(out.size());
    }

  private:
    void multiply_power_by(const BIGNUM* factor) {
        ENSURE(BN_mod_mul_montgomery(power_, power_, factor, montgomery_, context_) == 1);
    }
    BN_CTX* context_;
    BN_MONT_CTX* montgomery_;
    BIGNUM* n_;
    BIGNUM* signature_;
    BIGNUM* power_;
};

// Compares with the one encoding that is right (RFC 8017 §8.2.2) instead of reading what was found: nothing is parsed.
bool is_encoded_digest(Bytes encoded, Bytes digest) {
    const std::size_t tail = 1 + sha256_prefix.size() + digest.size();
    if (encoded.size() < 2 + padding_bytes_min + tail || encoded[0] != 0x00 || encoded[1] != 0x01) return false;
    const Bytes padding = encoded.subspan(2, encoded.size() - 2 - tail);
    const Bytes rest = encoded.last(tail);
    return std::ranges::all_of(padding, [](std::uint8_t byte) { return byte == 0xFF; }) && rest[0] == 0x00 &&
           std::ranges::equal(rest.subspan(1, sha256_prefix.size()), sha256_prefix) &&
           std::ranges::equal(rest.last(digest.size()), digest);
}

bool verify_with_library(Bytes modulus, Bytes exponent, Bytes digest, Bytes signature) {
    const std::unique_ptr<RSA, RsaFreer> key(RSA_new());
    ENSURE(key);
    BIGNUM* n = BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr);
    BIGNUM* e = BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr);
    ENSURE(n != nullptr && e != nullptr && RSA_set0_key(key.get(), n, e, nullptr) == 1);
    return RSA_verify(NID_sha256, digest.data(), static_cast<unsigned>(digest.size()), signature.data(),
                      static_cast<unsigned>(signature.size()), key.get()) == 1;
}

}  // namespace

bool verify_rsa_pkcs1_sha256(Bytes modulus, Bytes exponent, Bytes digest, Bytes signature) {
    ENSURE(digest.size() == SHA256_DIGEST_LENGTH);
    const bool odd = !modulus.empty() && (modulus.back() & 1U) != 0;
    if (!std::ranges::equal(exponent, common_exponent) || modulus.size() > modulus_bytes_max || !odd) {
        return verify_with_library(modulus, exponent, digest, signature);
    }
    if (signature.size() != modulus.size()) return false;
    thread_local Workspace workspace;
    std::array<std::uint8_t, modulus_bytes_max> space;
    const std::span<std::uint8_t> encoded(space.data(), modulus.size());
    return workspace.raise_to_common_exponent(modulus, signature, encoded) && is_encoded_digest(encoded, digest);
}

void sha256_begin(Sha256State& state) {
    SHA256_Init(context(state));
}

void sha256_add(Sha256State& state, Bytes bytes) {
    SHA256_Update(context(state), bytes.data(), bytes.size());
}

void sha256_end(Sha256State& state, Sha256& out) {
    SHA256_Final(out.data(), context(state));
}

}  // namespace onshi::pki::low_level
