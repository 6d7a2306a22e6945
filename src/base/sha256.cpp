#include "base/sha256.h"

#include <memory>

#include <openssl/evp.h>

#include "base/ensure.h"

namespace onshi {

Sha256 sha256(std::initializer_list<Bytes> parts) {
    // One context per thread: making one costs as much as hashing a record.
    struct Context {
        EVP_MD_CTX* ctx = EVP_MD_CTX_new();
        ~Context() { EVP_MD_CTX_free(ctx); }
    };
    static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    thread_local const Context context;
    ENSURE(EVP_DigestInit_ex2(context.ctx, algorithm, nullptr) == 1);
    for (const Bytes part : parts) ENSURE(EVP_DigestUpdate(context.ctx, part.data(), part.size()) == 1);
    Sha256 digest;
    unsigned size = 0;
    ENSURE(EVP_DigestFinal_ex(context.ctx, digest.data(), &size) == 1);
    return digest;
}

}  // namespace onshi
