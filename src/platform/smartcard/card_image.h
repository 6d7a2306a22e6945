#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/date.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "platform/pki/public_key.h"
#include "platform/smartcard/card_layout.h"
#include "platform/smartcard/card_records.h"

// What a virtual card is made of, and the file that holds it.
namespace onshi::smartcard {

// The credentials of all applications (jpki-card §2.3).
enum class CredentialId : std::uint8_t {
    auth_pin,
    signature_password,
    text_pin,
    text_number_a,
    text_number_b,
    surface_birth_date,
    surface_number_b,
    surface_number_a,
    registry_pin,
    common_pin
};
inline constexpr std::size_t credential_count = 10;
// As it is called in files, e.g. `auth_pin`.
[[nodiscard]] std::string_view to_string(CredentialId id) noexcept;
// How many wrong tries in a row a real card allows.
[[nodiscard]] unsigned usual_tries(CredentialId id) noexcept;

// How a credential is kept: hashed with salt (four digits stay easy to guess for who has the file), in clear for tests
// and demos, or not set at all. Wiped on destruction; move-only.
class StoredCredential {
  public:
    [[nodiscard]] static StoredCredential blocked() { return {}; }
    [[nodiscard]] static StoredCredential clear_for_tests(Bytes value);
    // PBKDF2-HMAC-SHA-256, 16 bytes of salt, 10,000 rounds (a few ms).
    [[nodiscard]] static StoredCredential hashed(Bytes value, Random& random);
    // 1…1,000,000 rounds, salt of 16 and hash of 32 bytes; nullopt otherwise.
    [[nodiscard]] static std::optional<StoredCredential> from_hash(Bytes salt, unsigned iterations, Bytes hash);

    [[nodiscard]] bool is_blocked() const { return kind_ == Kind::blocked; }
    [[nodiscard]] bool is_clear() const { return kind_ == Kind::clear; }
    // In time that does not depend on the value.
    [[nodiscard]] bool matches(Bytes value) const;
    [[nodiscard]] StoredCredential clone() const;

    // For writing it down.
    [[nodiscard]] Bytes value() const { return value_.bytes(); }  // the clear value, or the hash
    [[nodiscard]] Bytes salt() const { return salt_; }
    [[nodiscard]] unsigned iterations() const { return iterations_; }

  private:
    enum class Kind : std::uint8_t { blocked, clear, hashed };
    Kind kind_ = Kind::blocked;
    SecretBytes value_;
    ByteVector salt_;
    unsigned iterations_ = 0;
};

struct CredentialSlot {
    StoredCredential value;
    unsigned tries_max = 0;  // 1…15
};

struct CertifiedKey {
    SecretBytes key_pem;
    ByteVector certificate;     // DER
    ByteVector ca_certificate;  // DER
};

// What is printed on the card and stands in the register. Synthetic people only.
struct CardHolder {
    std::string name;
    std::string address;
    Date born_on;
    CardSex sex = CardSex::not_applicable;
    std::string individual_number;  // 12 digits; on the chip as on a real one, so that tests can prove nobody reads it
};

// The surface and text APs. Everything but the keys was signed by the issuer whose certificate stands beside it.
struct CardSurface {
    SecretBytes surface_key_pem;
    SecretBytes text_key_pem;
    ByteVector photo_jp2;
    ByteVector name_png;
    ByteVector address_png;
    ByteVector code_png;
    ByteVector cv_certificate;
    ByteVector surface_signature;
    ByteVector birth_signature;
    ByteVector text_signature;
    ByteVector text_key_signature;
};

struct CardImage {
    TokenKind token = TokenKind::my_number_card;
    std::string card_number;   // 15 digits
    std::string municipality;  // 5 digits
    Date expires_on;
    CertifiedKey authentication;  // RSA-2048, or P-384 (our stand-in for the next generation, jpki-card §6.5)
    std::optional<CertifiedKey> signature;
    ByteVector signature_ca_certificate;
    CvRoot terminal_ca;  // EF 0016
    // Physical cards only; a phone has no such applications.
    std::optional<SecretBytes> common_key_pem;
    std::optional<CardHolder> holder;
    std::optional<CardSurface> surface;
    std::array<CredentialSlot, credential_count> credentials;

    [[nodiscard]] CredentialSlot& credential(CredentialId id) { return credentials[static_cast<std::size_t>(id)]; }
    [[nodiscard]] const CredentialSlot& credential(CredentialId id) const {
        return credentials[static_cast<std::size_t>(id)];
    }
};

// `card.image_malformed` when a part is missing, has another form, or would not fit its file on the card. Whoever takes
// an image from outside calls this first.
[[nodiscard]] Result<void> check_card_image(const CardImage& image);

// JSON, format `onshi-card-image-1`. `card.image_malformed` with the member's name for what is missing or wrong.
[[nodiscard]] Result<CardImage> parse_card_image(std::string_view json);
[[nodiscard]] SecretBytes encode_card_image(const CardImage& image);
// The file holds private keys: 0600. `secret.exists`, `file.unreadable`, `secret.permissions`, `card.image_malformed`.
[[nodiscard]] Result<CardImage> load_card_image(const std::filesystem::path& file);
[[nodiscard]] Result<void> save_card_image(const CardImage& image, const std::filesystem::path& file);

}  // namespace onshi::smartcard
