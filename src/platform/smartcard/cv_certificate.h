#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "platform/pki/private_key.h"
#include "platform/pki/public_key.h"
#include "platform/smartcard/apdu.h"

namespace onshi::smartcard {

// 16 bytes that name a key in card-verifiable certificates. On real cards: 7 digits, 2 bytes, 3 digits, padding (§4.3).
using CvKeyId = std::array<std::uint8_t, 16>;

// A key that is trusted to issue card-verifiable certificates. A value.
struct CvRoot {
    CvKeyId key_id;
    pki::CardPublicKey key;
};

// A line for each root: its id in hex, a blank, the key's storage form in base64url. For a terminal's folder.
[[nodiscard]] std::string to_text(std::span<const CvRoot> roots);
inline constexpr std::size_t cv_roots_max = 16;
// key.malformed for anything else; empty lines are passed over.
[[nodiscard]] Result<std::vector<CvRoot>> parse_cv_roots(std::string_view text);

inline constexpr std::size_t cv_body_bytes = 297;           // issuer id, subject id, RSA-2048 key (jpki-card §4.3)
inline constexpr std::size_t cv_terminal_body_bytes = 307;  // a terminal's (jpki-card §5.3)
inline constexpr std::size_t cv_terminal_certificate_bytes = 578;

// A certificate that a card can check: 7F21{ 5F4E body, 5F37 signature } (jpki-card §4.3). A value; `parse` does not
// verify.
struct CvCertificate {
    CvKeyId issuer;
    CvKeyId subject;
    pki::CardPublicKey key;  // RSA-2048
    ByteVector body;
    ByteVector signature;

    // A body of 297 bytes, or 307 for a terminal, whose last ten bytes are not interpreted. `card.unreadable`
    // otherwise.
    [[nodiscard]] static Result<CvCertificate> parse(Bytes bytes);
    // `card.not_authentic` when no root has the issuer's id and a key under which the signature holds.
    [[nodiscard]] Result<void> verify(std::span<const CvRoot> roots) const;
};

// `90` exponent, `91` modulus: how the card writes RSA keys. 265 bytes for RSA-2048 with e = 65537.
[[nodiscard]] ByteVector encode_card_rsa_key(const pki::CardPublicKey& key);
// `card.unreadable` for anything but an acceptable RSA key.
[[nodiscard]] Result<pki::CardPublicKey> parse_card_rsa_key(Bytes bytes);

enum class CvPurpose : std::uint8_t { signer, terminal };

// Both keys are RSA-2048 with e = 65537, otherwise `key.malformed`.
[[nodiscard]] Result<ByteVector> issue_cv_certificate(const CvKeyId& issuer, const pki::RsaPrivateKey& issuer_key,
                                                      const CvKeyId& subject, const pki::CardPublicKey& subject_key,
                                                      CvPurpose purpose);

}  // namespace onshi::smartcard
