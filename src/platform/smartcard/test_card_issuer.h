#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/date.h"
#include "base/random.h"
#include "base/result.h"
#include "platform/pki/test_ca.h"
#include "platform/smartcard/card_image.h"
#include "platform/smartcard/pinless_use.h"

// Makes virtual cards for tests, demos and the synthetic nation: certificates of the test JPKI, and an issuer of our
// own for the printed surface and for terminals.
namespace onshi::smartcard {

enum class CardPins : std::uint8_t {
    set,
    set_without_signature,  // a child's card: no signature certificate (jpki-card §2.4)
    face_authentication     // no PIN at all (§5.4)
};
enum class CardGeneration : std::uint8_t { rsa_2048, p384_stand_in };
// How PINs are written into the image. Hashed ones take a few ms each, when made and when tried.
enum class PinStorage : std::uint8_t { clear_for_tests, hashed };

// What one card is to be. The texts are within the limits of `check_card_image`.
struct CardOrder {
    TokenKind token = TokenKind::my_number_card;
    CardGeneration generation = CardGeneration::rsa_2048;
    CardPins pins = CardPins::set;
    PinStorage storage = PinStorage::clear_for_tests;
    CardHolder holder;
    std::string card_number;   // 15 digits
    std::string municipality;  // 5 digits
    Date issued_on;
    Date expires_on;
    std::uint32_t auth_serial = 0;  // see pki::CardCertificateOrder
    std::uint32_t signature_serial = 0;
    std::string subject_name;       // 23 upper-case letters and digits
    std::string prefecture_name;    // as in distribution points, e.g. `Tokyo`
    std::string municipality_name;  // e.g. `Chiyoda-ku`
    std::string pin = "1234";       // of all four-digit PINs
    std::string signature_password = "ABC123";
    std::string security_code = "0000";  // printed under the photo
    ByteVector photo_jp2;                // empty: an even grey
    std::uint64_t key_index = 0;         // into the pool
};

// An order for one obviously invented person with every field filled; `number` 0…9999 tells cards apart.
[[nodiscard]] CardOrder sample_card_order(unsigned number);

// The issuer of what is printed on cards (CA and signer) and of terminal certificates. OURS: the real keys and the real
// terminal certificates are not public. Owns the keys; movable. Thread-safe: issuing changes nothing.
class TestCardIssuer {
  public:
    // Three RSA-2048 keys.
    TestCardIssuer(pki::RsaPrivateKey surface_ca, pki::RsaPrivateKey surface_signer, pki::RsaPrivateKey terminal_ca);
    // With fresh keys, about 0.2 s.
    [[nodiscard]] static Result<TestCardIssuer> generate();
    // card_surface_ca.key, card_surface_signer.key, card_terminal_ca.key of mode 0600.
    [[nodiscard]] static Result<TestCardIssuer> load(const std::filesystem::path& folder);
    [[nodiscard]] Result<void> save(const std::filesystem::path& folder) const;

    // The card's certificates come from `jpki`'s generation at the day of issue, its keys from `pool`.
    // `card.image_malformed` for an order outside its ranges.
    [[nodiscard]] Result<CardImage> issue(const CardOrder& order, const pki::TestJpki& jpki, const pki::KeyPool& pool,
                                          Random& random) const;
    // What readers of the surface and text APs trust.
    [[nodiscard]] const CvRoot& surface_root() const { return surface_root_; }
    // A certificate of our stand-in for 特定機関認証 (jpki-card §5.3). RSA-2048.
    [[nodiscard]] Result<ByteVector> issue_terminal_certificate(const pki::CardPublicKey& terminal_key) const;

  private:
    [[nodiscard]] Result<CardSurface> issue_surface(const CardOrder& order, const pki::KeyPool& pool) const;
    pki::RsaPrivateKey surface_ca_;
    pki::RsaPrivateKey surface_signer_;
    pki::RsaPrivateKey terminal_ca_;
    CvRoot surface_root_;
    CvRoot terminal_root_;
};

// A valid JPEG 2000 file of an even mid-grey, 8 bit: the place of a photo where nobody looks at faces. Sides 1…4096.
[[nodiscard]] ByteVector make_grey_jp2(std::uint32_t width, std::uint32_t height);
// A valid 1-bit PNG of one pixel.
[[nodiscard]] ByteVector make_blank_png();

}  // namespace onshi::smartcard
