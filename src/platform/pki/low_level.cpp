// The only file that calls deprecated OpenSSL functions. RSA_verify over RSA_set0_key spares the export of a key into a
// provider, a third of a whole check: 30 µs against 42-49 µs on 2 vCPUs without AVX-512, same run. A cached key would
// take 22-25 µs, but a national mix of cards seldom meets one key twice, so none is kept. SHA256_* has its state in
// plain bytes, which lets all threads use one MAC key without a copy of an EVP object per thread and key. Both stay in
// OpenSSL 3.x; if they go, only this file changes.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "platform/pki/low_level.h"

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

bool verify_rsa_pkcs1_sha256(Bytes modulus, Bytes exponent, Bytes digest, Bytes signature) {
    ENSURE(digest.size() == SHA256_DIGEST_LENGTH);
    const std::unique_ptr<RSA, RsaFreer> key(RSA_new());
    ENSURE(key);
    BIGNUM* n = BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr);
    BIGNUM* e = BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr);
    ENSURE(n != nullptr && e != nullptr && RSA_set0_key(key.get(), n, e, nullptr) == 1);
    return RSA_verify(NID_sha256, digest.data(), static_cast<unsigned>(digest.size()), signature.data(),
                      static_cast<unsigned>(signature.size()), key.get()) == 1;
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
