#include "platform/smartcard/test_card_issuer.h"

#include <fmt/format.h>

#include "platform/smartcard/card_files.h"
#include "platform/smartcard/cv_certificate.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace {

constexpr unsigned issuer_key_bits = 2048;
constexpr unsigned sample_cards_max = 10'000;
constexpr std::uint32_t photo_width = 240;
constexpr std::uint32_t photo_height = 300;

// Seven digits, two bytes, three digits, padding, as on real cards (jpki-card §4.3); 999 is no issuer.
constexpr CvKeyId key_id(std::uint8_t which) {
    return {'9', '9', '9', '0', '0', '0', '0', 0x00, which, '9', '9', '9', 0x00, 0x00, 0x00, 0x00};
}
constexpr CvKeyId surface_ca_id = key_id(1);
constexpr CvKeyId surface_signer_id = key_id(2);
constexpr CvKeyId terminal_ca_id = key_id(3);
constexpr CvKeyId terminal_id = key_id(4);

struct AuthKey {
    SecretBytes pem;
    pki::CardPublicKey public_key;
};

Result<AuthKey> make_auth_key(const CardOrder& order, const pki::KeyPool& pool) {
    if (order.generation == CardGeneration::rsa_2048) {
        return AuthKey{pool.key(order.key_index).to_pem(), pool.public_key(order.key_index)};
    }
    const auto key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p384);
    const auto point = key.public_point();
    auto public_key = pki::CardPublicKey::ec_p384(Bytes(point).first(48), Bytes(point).last(48));
    if (!public_key) return fail(std::move(public_key));
    return AuthKey{key.to_pem(), std::move(*public_key)};
}

pki::CardCertificateOrder certificate_order(const CardOrder& order, std::uint32_t serial) {
    return {serial,
            order.subject_name,
            start_of_japan_day(order.issued_on),
            pki::card_certificate_not_after(order.issued_on, order.holder.born_on),
            order.prefecture_name,
            order.municipality_name,
            std::nullopt};
}

ByteVector to_bytes(std::string_view text) {
    const Bytes bytes = as_bytes(text);
    return {bytes.begin(), bytes.end()};
}

Result<CertifiedKey> certify(const pki::TestCa& ca, const pki::CardCertificateOrder& order, SecretBytes pem,
                             const pki::CardPublicKey& key) {
    auto certificate = ca.issue(order, key);
    if (!certificate) return fail(std::move(certificate));
    return CertifiedKey{std::move(pem), to_bytes(*certificate), to_bytes(ca.certificate().der)};
}

Result<CertifiedKey> certify_signature(const CardOrder& order, const pki::TestCa& ca, const pki::KeyPool& pool) {
    const auto& holder = order.holder;
    const auto era = to_era(holder.born_on);
    auto request = certificate_order(order, order.signature_serial);
    const auto birth = fmt::format("{}{}", era ? static_cast<int>(era->era) : 0, to_compact(holder.born_on));
    const char sex = holder.sex == CardSex::not_applicable ? '3' : static_cast<char>(holder.sex);
    request.holder = pki::SignatureSubject{holder.name, sex, birth, holder.address};
    const auto index = order.key_index + 1;
    return certify(ca, request, pool.key(index).to_pem(), pool.public_key(index));
}

StoredCredential store(std::string_view value, PinStorage storage, Random& random) {
    return storage == PinStorage::hashed ? StoredCredential::hashed(as_bytes(value), random)
                                         : StoredCredential::clear_for_tests(as_bytes(value));
}

// Which of a card's credentials were never set.
bool is_blocked(const CardOrder& order, CredentialId id) {
    const bool printed = id == CredentialId::text_number_a || id == CredentialId::text_number_b ||
                         id == CredentialId::surface_birth_date || id == CredentialId::surface_number_b ||
                         id == CredentialId::surface_number_a;
    if (printed) return false;
    if (order.pins == CardPins::face_authentication) return true;
    if (id == CredentialId::signature_password) return order.pins == CardPins::set_without_signature;
    // The phone itself recognises its holder (jpki-card §8).
    return order.token == TokenKind::iphone && id == CredentialId::auth_pin;
}

Result<std::array<CredentialSlot, credential_count>> make_credentials(const CardOrder& order, Random& random) {
    const auto number_b = make_number_b(order.holder.born_on, order.expires_on, order.security_code);
    if (!number_b) return fail(ErrorCode::card_image_malformed, "birth before Meiji, or security code not four digits");
    const auto birth_code = as_text(number_b->bytes().first(6));
    std::array<CredentialSlot, credential_count> slots;
    for (std::size_t i = 0; i < credential_count; ++i) {
        const auto id = static_cast<CredentialId>(i);
        slots[i].tries_max = usual_tries(id);
        if (is_blocked(order, id)) continue;
        std::string_view value = order.pin;
        if (id == CredentialId::signature_password) value = order.signature_password;
        if (id == CredentialId::text_number_a || id == CredentialId::surface_number_a)
            value = order.holder.individual_number;
        if (id == CredentialId::text_number_b || id == CredentialId::surface_number_b)
            value = as_text(number_b->bytes());
        if (id == CredentialId::surface_birth_date) value = birth_code;
        slots[i].value = store(value, order.storage, random);
    }
    return slots;
}

}  // namespace

CardOrder sample_card_order(unsigned number) {
    number %= sample_cards_max;
    CardOrder order;
    // A family name with a glyph that CP932 cannot carry and an ideographic variation, as real ones have (design §3).
    order.holder = {"髙橋\u3000美咲", "東京都千代田区架空町一丁目２番３号", Date::of(1985, 4, 12), CardSex::female,
                    fmt::format("99999999{:04}", number)};
    order.card_number = fmt::format("99999999999{:04}", number);
    order.municipality = "13101";
    order.issued_on = Date::of(2024, 6, 3);
    order.expires_on = Date::of(2034, 4, 12);
    order.auth_serial = 0x01000000U + 2 * number;
    order.signature_serial = order.auth_serial + 1;
    order.subject_name = fmt::format("TESTCARD{:015}", number);
    order.prefecture_name = "Tokyo";
    order.municipality_name = "Chiyoda-ku";
    order.key_index = std::uint64_t{number} * key_count;
    return order;
}

TestCardIssuer::TestCardIssuer(pki::RsaPrivateKey surface_ca, pki::RsaPrivateKey surface_signer,
                               pki::RsaPrivateKey terminal_ca)
    : surface_ca_(std::move(surface_ca)),
      surface_signer_(std::move(surface_signer)),
      terminal_ca_(std::move(terminal_ca)),
      surface_root_{surface_ca_id, surface_ca_.public_key()},
      terminal_root_{terminal_ca_id, terminal_ca_.public_key()} {}

Result<TestCardIssuer> TestCardIssuer::generate() {
    auto surface_ca = pki::RsaPrivateKey::generate(issuer_key_bits);
    if (!surface_ca) return fail(std::move(surface_ca));
    auto signer = pki::RsaPrivateKey::generate(issuer_key_bits);
    if (!signer) return fail(std::move(signer));
    auto terminal_ca = pki::RsaPrivateKey::generate(issuer_key_bits);
    if (!terminal_ca) return fail(std::move(terminal_ca));
    return TestCardIssuer(std::move(*surface_ca), std::move(*signer), std::move(*terminal_ca));
}

Result<TestCardIssuer> TestCardIssuer::load(const std::filesystem::path& folder) {
    auto surface_ca = pki::RsaPrivateKey::load(folder / "card_surface_ca.key");
    if (!surface_ca) return fail(std::move(surface_ca));
    auto signer = pki::RsaPrivateKey::load(folder / "card_surface_signer.key");
    if (!signer) return fail(std::move(signer));
    auto terminal_ca = pki::RsaPrivateKey::load(folder / "card_terminal_ca.key");
    if (!terminal_ca) return fail(std::move(terminal_ca));
    return TestCardIssuer(std::move(*surface_ca), std::move(*signer), std::move(*terminal_ca));
}

Result<void> TestCardIssuer::save(const std::filesystem::path& folder) const {
    auto saved = surface_ca_.save(folder / "card_surface_ca.key");
    if (saved) saved = surface_signer_.save(folder / "card_surface_signer.key");
    if (saved) saved = terminal_ca_.save(folder / "card_terminal_ca.key");
    return saved;
}

Result<CardSurface> TestCardIssuer::issue_surface(const CardOrder& order, const pki::KeyPool& pool) const {
    CardSurface surface;
    surface.surface_key_pem = pool.key(order.key_index + 2).to_pem();
    surface.text_key_pem = pool.key(order.key_index + 3).to_pem();
    surface.photo_jp2 = order.photo_jp2.empty() ? make_grey_jp2(photo_width, photo_height) : order.photo_jp2;
    surface.name_png = surface.address_png = surface.code_png = make_blank_png();
    auto certificate = issue_cv_certificate(surface_ca_id, surface_ca_, surface_signer_id, surface_signer_.public_key(),
                                            CvPurpose::signer);
    if (!certificate) return fail(std::move(certificate));
    surface.cv_certificate = std::move(*certificate);

    const UnsignedSurface content{order.holder,
                                  order.expires_on,
                                  pool.public_key(order.key_index + 2),
                                  pool.public_key(order.key_index + 3),
                                  surface.photo_jp2,
                                  surface.name_png,
                                  surface.address_png,
                                  surface.code_png};
    const std::array<std::pair<ByteVector*, ByteVector>, 4> payloads{{
        {&surface.surface_signature, surface_payload(content)},
        {&surface.birth_signature, birth_payload(content)},
        {&surface.text_signature, text_payload(content)},
        {&surface.text_key_signature, text_key_payload(content)},
    }};
    for (const auto& [target, payload] : payloads) {
        auto signature = surface_signer_.raw_sign_pkcs1(payload);
        if (!signature) return fail(std::move(signature));
        *target = std::move(*signature);
    }
    return surface;
}

Result<CardImage> TestCardIssuer::issue(const CardOrder& order, const pki::TestJpki& jpki, const pki::KeyPool& pool,
                                        Random& random) const {
    const bool too_long = order.holder.name.size() + order.holder.address.size() > card_texts_bytes_max ||
                          order.photo_jp2.size() > card_pictures_bytes_max;
    if (too_long) return fail(ErrorCode::card_image_malformed, "name, address or photo too long");
    const int generation = jpki.generation_at(start_of_japan_day(order.issued_on));
    auto auth_key = make_auth_key(order, pool);
    if (!auth_key) return fail(std::move(auth_key));
    auto authentication = certify(jpki.auth_ca(generation), certificate_order(order, order.auth_serial),
                                  std::move(auth_key->pem), auth_key->public_key);
    if (!authentication) return fail(std::move(authentication));
    std::optional<CertifiedKey> signature;
    if (order.pins == CardPins::set) {
        auto certified = certify_signature(order, jpki.sign_ca(generation), pool);
        if (!certified) return fail(std::move(certified));
        signature = std::move(*certified);
    }
    auto credentials = make_credentials(order, random);
    if (!credentials) return fail(std::move(credentials));

    CardImage image{order.token,
                    order.card_number,
                    order.municipality,
                    order.expires_on,
                    std::move(*authentication),
                    std::move(signature),
                    to_bytes(jpki.sign_ca(generation).certificate().der),
                    terminal_root_,
                    std::nullopt,
                    std::nullopt,
                    std::nullopt,
                    std::move(*credentials)};
    if (order.token == TokenKind::my_number_card) {
        auto surface = issue_surface(order, pool);
        if (!surface) return fail(std::move(surface));
        image.common_key_pem = pool.key(order.key_index + 4).to_pem();
        image.holder = order.holder;
        image.surface = std::move(*surface);
    }
    auto checked = check_card_image(image);
    if (!checked) return fail(std::move(checked));
    return image;
}

Result<ByteVector> TestCardIssuer::issue_terminal_certificate(const pki::CardPublicKey& terminal_key) const {
    return issue_cv_certificate(terminal_ca_id, terminal_ca_, terminal_id, terminal_key, CvPurpose::terminal);
}

}  // namespace onshi::smartcard
