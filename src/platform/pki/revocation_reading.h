#pragma once

// Inside this folder only: what lists and single answers have in common.
#include <optional>

#include "platform/pki/revocation.h"

namespace onshi::pki {

// nullopt for removeFromCRL, which belongs to delta lists, and for numbers without a meaning.
[[nodiscard]] std::optional<RevocationReason> reason_of(long number);
// Whether the signature algorithm hashes with SHA-256 or better and carries no parameters but the prescribed ones.
[[nodiscard]] bool is_strong_signature(const X509_ALGOR* algorithm);
[[nodiscard]] CertificateStatus revoked_status(RevocationReason reason, Instant since, Instant as_of);

}  // namespace onshi::pki
