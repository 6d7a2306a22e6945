#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "base/date.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "platform/pki/public_key.h"
#include "platform/smartcard/cv_certificate.h"

namespace onshi::smartcard {

enum class CardSex : char { male = '1', female = '2', not_applicable = '9' };

// Whether the issuer's signature over the text AP's record holds. What exactly it covers is not public; ours follows
// the surface record (jpki-card §4), so on a real card `unproven` is to be expected and must not refuse anybody.
enum class TextProof : std::uint8_t { proven, unproven };

// The four data (基本4情報) of the text AP. A value; personal data.
struct TextRecord {
    std::string name;             // UTF-8, U+3000 between family and given name
    std::string address;          // UTF-8
    std::optional<Date> born_on;  // nullopt when the register knows no full date
    CardSex sex;
    TextProof proof;
};

// What the surface AP holds for comparing the holder with the card, after its signature was checked. Owns the photo,
// which is wiped on destruction. Expiry is not covered by the signature (jpki-card §4.2).
struct SurfaceRecord {
    std::optional<Date> born_on;
    CardSex sex;
    std::optional<Date> expires_on;
    SecretBytes photo_jp2;        // JPEG 2000, greyscale
    pki::CardPublicKey card_key;  // of the surface AP: proves that the card itself is present (§4.3)
};

// The files as read, filler included. `card.unreadable` when the structure does not hold.
[[nodiscard]] Result<TextRecord> parse_text_record(Bytes four_data, Bytes signature, Bytes certificate,
                                                   std::span<const CvRoot> roots);
// Checks signature and certificate first (jpki-card §4.2). `card.unreadable`, `card.not_authentic`.
[[nodiscard]] Result<SurfaceRecord> parse_surface_record(Bytes record, Bytes certificate,
                                                         std::span<const CvRoot> roots);

// DigestInfo(SHA-256) whose digest field is as long as `digests`: what the issuer signs over several digests (§4.2).
[[nodiscard]] ByteVector long_digest_info(Bytes digests);

// The objects that the surface signature covers, as written: DF22 DF23 DF24 ‖ DF25 DF26 ‖ DF27.
struct SurfaceSigned {
    Bytes birth, sex, key, name_png, address_png, photo;
};
// The payload that stands inside the surface signature.
[[nodiscard]] ByteVector surface_signature_payload(const SurfaceSigned& covered);
// The payload inside the text signature: DF31's and DF32's values (our reading, see TextProof).
[[nodiscard]] ByteVector text_signature_payload(Bytes number_digest, Bytes four_digest);

// Number B (照合番号B, §2.3): birth as era `YYMMDD`, year of expiry, the four digits under the photo. nullopt for a
// birth before Meiji or a code that is not four digits.
[[nodiscard]] std::optional<SecretBytes> make_number_b(Date born_on, Date expires_on, std::string_view security_code);

}  // namespace onshi::smartcard
