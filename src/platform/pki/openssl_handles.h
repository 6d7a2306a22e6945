#pragma once

// Inside this folder only: OpenSSL's objects as owning handles. No public header includes this file.
#include <memory>
#include <string>
#include <utility>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "platform/pki/private_key.h"

namespace onshi::pki {

template <auto free_function>
struct Freer {
    template <class T>
    void operator()(T* object) const noexcept {
        free_function(object);
    }
};

template <class T, auto free_function>
using OpenSslHandle = std::unique_ptr<T, Freer<free_function>>;

using PkeyHandle = OpenSslHandle<EVP_PKEY, EVP_PKEY_free>;
using PkeyContextHandle = OpenSslHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using MdContextHandle = OpenSslHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using CipherContextHandle = OpenSslHandle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using BignumHandle = OpenSslHandle<BIGNUM, BN_clear_free>;
using ParamHandle = OpenSslHandle<OSSL_PARAM, OSSL_PARAM_free>;
using ParamBuilderHandle = OpenSslHandle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using BioHandle = OpenSslHandle<BIO, BIO_free_all>;
using X509Handle = OpenSslHandle<X509, X509_free>;
using X509ReqHandle = OpenSslHandle<X509_REQ, X509_REQ_free>;
using X509CrlHandle = OpenSslHandle<X509_CRL, X509_CRL_free>;
using X509NameHandle = OpenSslHandle<X509_NAME, X509_NAME_free>;
using X509StoreHandle = OpenSslHandle<X509_STORE, X509_STORE_free>;
using X509StoreContextHandle = OpenSslHandle<X509_STORE_CTX, X509_STORE_CTX_free>;
using X509ExtensionHandle = OpenSslHandle<X509_EXTENSION, X509_EXTENSION_free>;
using Asn1ObjectHandle = OpenSslHandle<ASN1_OBJECT, ASN1_OBJECT_free>;
using Asn1IntegerHandle = OpenSslHandle<ASN1_INTEGER, ASN1_INTEGER_free>;
using Asn1TimeHandle = OpenSslHandle<ASN1_TIME, ASN1_TIME_free>;

struct RsaPrivateKey::Handle {
    PkeyHandle key;
};

struct EcPrivateKey::Handle {
    PkeyHandle key;
};

// Puts the thread's error queue back as it was: what we leave in it, Asio's TLS would read as its own failure.
class ErrorQueueGuard {
  public:
    ErrorQueueGuard() { ERR_set_mark(); }
    ~ErrorQueueGuard() { ERR_pop_to_mark(); }
    ErrorQueueGuard(const ErrorQueueGuard&) = delete;
    ErrorQueueGuard& operator=(const ErrorQueueGuard&) = delete;
};

// What an i2d_* function writes, as text. Aborts when OpenSSL cannot encode what it decoded or built itself.
template <class T, class Encode>
[[nodiscard]] std::string encode_der(Encode encode, T* object) {
    const int size = encode(object, nullptr);
    ENSURE(size > 0);
    std::string out(static_cast<std::size_t>(size), '\0');
    auto* at = reinterpret_cast<unsigned char*>(out.data());
    ENSURE(encode(object, &at) == size);
    return out;
}

[[nodiscard]] inline Bytes bytes_of(const ASN1_STRING* text) {
    return {ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

}  // namespace onshi::pki
