#pragma once

// Inside this folder only: a card's certificate written as DER. Through OpenSSL's objects the names alone, copied by
// encoding and decoding them, would take half as long as the signature; this way a certificate costs its signature.
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "platform/pki/private_key.h"
#include "platform/pki/public_key.h"

namespace onshi::pki {

struct CardCertificateParts {
    Bytes serial;
    std::string_view issuer;        // Name, DER
    std::string_view subject_name;  // the CN
    Instant not_before;
    Instant not_after;
    std::string_view prefecture;  // of the list's distribution point
    std::string_view municipality;
    std::string_view extensions;  // DER of those that are made elsewhere, one after the other
};

// X.509 v3, sha256WithRSAEncryption, with cRLDistributionPoints and subjectKeyIdentifier behind the given extensions.
[[nodiscard]] std::string make_card_certificate(const CardCertificateParts& parts, const CardPublicKey& key,
                                                const RsaPrivateKey& ca_key);

}  // namespace onshi::pki
