#pragma once

// Inside this folder only: from OpenSSL's X.509 objects to our values.
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "platform/pki/certificate.h"
#include "platform/pki/openssl_handles.h"

namespace onshi::pki {

inline constexpr std::chrono::seconds one_second{1};

// The certificate in OpenSSL's form; nullptr unless strict DER within certificate_bytes_max.
[[nodiscard]] X509Handle decode_certificate(Bytes der);
// The same with our view of it.
[[nodiscard]] Result<Certificate> read_certificate(const X509* x509, Bytes der);

// UTCTime and GeneralizedTime in the one form that RFC 5280 §4.1.2.5 allows (seconds, Z, no fraction).
[[nodiscard]] std::optional<Instant> instant_of(const ASN1_TIME* time);
// Seconds since 1970, rounded down.
[[nodiscard]] std::time_t seconds_of(Instant at);
// A positive INTEGER as canonical big-endian bytes; nullopt for zero, negative or more than serial_bytes_max.
[[nodiscard]] std::optional<std::string> serial_of(const ASN1_INTEGER* serial);
[[nodiscard]] std::string dotted_oid(const ASN1_OBJECT* object);
[[nodiscard]] std::string public_key_info_of(const X509* x509);

// An extension of a certificate, list or entry, by a getter such as X509_get_ext_d2i. `broken` when it does not decode
// or stands there twice.
template <class T, auto free_function>
struct Extension {
    OpenSslHandle<T, free_function> value;
    bool broken = false;
};

template <class T, auto free_function, class Owner>
[[nodiscard]] Extension<T, free_function> read_extension(void* (*get)(const Owner*, int, int*, int*),
                                                         const Owner* owner, int nid) {
    int critical = 0;
    Extension<T, free_function> extension;
    extension.value.reset(static_cast<T*>(get(owner, nid, &critical, nullptr)));
    extension.broken = !extension.value && critical != -1;  // -1 is "not there"
    return extension;
}

}  // namespace onshi::pki
