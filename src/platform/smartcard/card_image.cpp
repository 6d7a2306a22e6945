#include "platform/smartcard/card_image.h"

#include <algorithm>

#include "platform/pki/secret_file.h"
#include "platform/smartcard/crypto.h"
#include "platform/smartcard/image_json.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace json = boost::json;

namespace {

static_assert(card_image_bytes_max <= pki::secret_file_bytes_max);

constexpr std::string_view image_format = "onshi-card-image-1";
constexpr unsigned hash_iterations = 10'000;
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;

constexpr std::array<std::string_view, credential_count> credential_names{
    "auth_pin",           "signature_password", "text_pin",         "text_number_a", "text_number_b",
    "surface_birth_date", "surface_number_b",   "surface_number_a", "registry_pin",  "common_pin"};
// Three for PINs, five for the password, ten for what is printed on the card (jpki-card §2.3).
constexpr std::array<unsigned, credential_count> usual_tries_of{3, 5, 3, 10, 10, 10, 10, 10, 3, 3};

constexpr std::array<std::pair<TokenKind, std::string_view>, 3> token_names{
    {{TokenKind::my_number_card, "my_number_card"},
     {TokenKind::android_phone, "android_phone"},
     {TokenKind::iphone, "iphone"}}};

TokenKind read_token(JsonReader& reader) {
    const auto name = reader.text("token");
    for (const auto& [kind, kind_name] : token_names) {
        if (name == kind_name) return kind;
    }
    reader.reject("token");
    return TokenKind::my_number_card;
}

std::string_view token_name(TokenKind token) {
    return std::ranges::find(token_names, token, &decltype(token_names)::value_type::first)->second;
}

CertifiedKey read_certified_key(JsonReader reader, JsonReader& outer) {
    CertifiedKey key{reader.secret("key_pem"), reader.base64("certificate"), reader.base64("ca_certificate")};
    outer.check(reader);
    return key;
}

json::object write_certified_key(const CertifiedKey& key) {
    return {{"key_pem", as_text(key.key_pem.bytes())},
            {"certificate", to_base64(key.certificate)},
            {"ca_certificate", to_base64(key.ca_certificate)}};
}

CardHolder read_holder(JsonReader reader, JsonReader& outer) {
    CardHolder holder;
    holder.name = reader.text("name");
    holder.address = reader.text("address");
    holder.born_on = reader.date("born_on");
    const auto sex = reader.digits("sex", 1);
    if (sex == "1" || sex == "2" || sex == "9") {
        holder.sex = static_cast<CardSex>(sex[0]);
    } else {
        reader.reject("sex");
    }
    holder.individual_number = reader.digits("individual_number", 12);
    outer.check(reader);
    return holder;
}

json::object write_holder(const CardHolder& holder) {
    return {{"name", holder.name},
            {"address", holder.address},
            {"born_on", to_iso(holder.born_on)},
            {"sex", std::string(1, static_cast<char>(holder.sex))},
            {"individual_number", holder.individual_number}};
}

CardSurface read_surface(JsonReader reader, JsonReader& outer) {
    CardSurface surface{
        reader.secret("surface_key_pem"), reader.secret("text_key_pem"),      reader.base64("photo_jp2"),
        reader.base64("name_png"),        reader.base64("address_png"),       reader.base64("code_png"),
        reader.base64("cv_certificate"),  reader.base64("surface_signature"), reader.base64("birth_signature"),
        reader.base64("text_signature"),  reader.base64("text_key_signature")};
    outer.check(reader);
    return surface;
}

json::object write_surface(const CardSurface& surface) {
    return {{"surface_key_pem", as_text(surface.surface_key_pem.bytes())},
            {"text_key_pem", as_text(surface.text_key_pem.bytes())},
            {"photo_jp2", to_base64(surface.photo_jp2)},
            {"name_png", to_base64(surface.name_png)},
            {"address_png", to_base64(surface.address_png)},
            {"code_png", to_base64(surface.code_png)},
            {"cv_certificate", to_base64(surface.cv_certificate)},
            {"surface_signature", to_base64(surface.surface_signature)},
            {"birth_signature", to_base64(surface.birth_signature)},
            {"text_signature", to_base64(surface.text_signature)},
            {"text_key_signature", to_base64(surface.text_key_signature)}};
}

std::array<CredentialSlot, credential_count> read_credentials(JsonReader reader, JsonReader& outer) {
    std::array<CredentialSlot, credential_count> slots;
    for (std::size_t i = 0; i < credential_count; ++i) {
        auto one = reader.object(credential_names[i]);
        slots[i].tries_max = one.number("tries_max", 1, credential_tries_max);
        slots[i].value = credential_from_json(one);
        reader.check(one);
    }
    outer.check(reader);
    return slots;
}

bool is_digits(std::string_view text, std::size_t count) {
    return text.size() == count && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A certificate that OpenSC and the client can read: `30 82` and no longer than a file (jpki-card §9.1).
bool is_readable(Bytes der) {
    return der.size() >= certificate_bytes_min && der.size() < file_bytes_max && der[0] == 0x30 && der[1] == 0x82;
}

bool is_readable(const CertifiedKey& key) {
    return is_readable(key.certificate) && is_readable(key.ca_certificate);
}

bool fits(const CardSurface& surface) {
    const std::size_t pictures =
        surface.photo_jp2.size() + surface.name_png.size() + surface.address_png.size() + surface.code_png.size();
    const auto is_small = [](const ByteVector* part) { return part->size() <= card_object_bytes_max; };
    return pictures <= card_pictures_bytes_max &&
           std::ranges::all_of(std::array{&surface.cv_certificate, &surface.surface_signature, &surface.birth_signature,
                                          &surface.text_signature, &surface.text_key_signature, &surface.code_png},
                               is_small);
}

bool fits(const CardHolder& holder) {
    return holder.name.size() + holder.address.size() <= card_texts_bytes_max &&
           is_digits(holder.individual_number, 12);
}

CvKeyId read_key_id(JsonReader& reader, std::string_view member) {
    CvKeyId id{};
    const auto bytes = reader.base64(member);
    if (bytes.size() == id.size()) {
        std::ranges::copy(bytes, id.begin());
    } else {
        reader.reject(member);
    }
    return id;
}

}  // namespace

std::string_view to_string(CredentialId id) noexcept {
    return credential_names[static_cast<std::size_t>(id)];
}
unsigned usual_tries(CredentialId id) noexcept {
    return usual_tries_of[static_cast<std::size_t>(id)];
}

StoredCredential StoredCredential::clear_for_tests(Bytes value) {
    StoredCredential credential;
    credential.kind_ = Kind::clear;
    credential.value_ = SecretBytes(value);
    return credential;
}

StoredCredential StoredCredential::hashed(Bytes value, Random& random) {
    StoredCredential credential;
    credential.kind_ = Kind::hashed;
    credential.salt_.resize(salt_bytes);
    random.fill(credential.salt_);
    credential.iterations_ = hash_iterations;
    credential.value_ = derive_pin_hash(value, credential.salt_, hash_iterations);
    return credential;
}

std::optional<StoredCredential> StoredCredential::from_hash(Bytes salt, unsigned iterations, Bytes hash) {
    if (salt.size() != salt_bytes || hash.size() != hash_bytes) return std::nullopt;
    if (iterations == 0 || iterations > pin_hash_iterations_max) return std::nullopt;
    StoredCredential credential;
    credential.kind_ = Kind::hashed;
    credential.salt_.assign(salt.begin(), salt.end());
    credential.iterations_ = iterations;
    credential.value_ = SecretBytes(hash);
    return credential;
}

bool StoredCredential::matches(Bytes value) const {
    if (kind_ == Kind::blocked) return false;
    if (kind_ == Kind::clear) return value_.equals(value);
    return derive_pin_hash(value, salt_, iterations_).equals(value_.bytes());
}

StoredCredential StoredCredential::clone() const {
    StoredCredential copy;
    copy.kind_ = kind_;
    copy.value_ = value_.clone();
    copy.salt_ = salt_;
    copy.iterations_ = iterations_;
    return copy;
}

Result<void> check_card_image(const CardImage& image) {
    const auto wrong = [](const char* what) { return fail(ErrorCode::card_image_malformed, what); };
    if (!is_digits(image.card_number, 15)) return wrong("card number is not 15 digits");
    if (!is_digits(image.municipality, 5)) return wrong("municipality is not 5 digits");
    const bool certificates = is_readable(image.authentication) && is_readable(image.signature_ca_certificate) &&
                              (!image.signature || is_readable(*image.signature));
    if (!certificates) return wrong("a certificate is not DER of 256 bytes to 32 KB");
    if (image.terminal_ca.key.kind() != pki::KeyKind::rsa) return wrong("terminal CA key is not RSA");
    for (const CredentialSlot& slot : image.credentials) {
        if (slot.tries_max == 0 || slot.tries_max > credential_tries_max) return wrong("tries of a credential");
    }
    const bool physical = image.token == TokenKind::my_number_card;
    const bool whole = image.common_key_pem && image.holder && image.surface;
    if (!physical) return {};
    if (!whole) return wrong("a physical card has a holder, a surface and a common key");
    if (!fits(*image.holder)) return wrong("holder: texts too long or individual number not 12 digits");
    if (!fits(*image.surface)) return wrong("surface: pictures or signatures too long");
    return {};
}

Result<CardImage> parse_card_image(std::string_view text) {
    auto parsed = parse_json_object(text, card_image_bytes_max);
    if (!parsed) return fail(std::move(parsed));
    JsonReader reader(&*parsed, "image");
    if (reader.text("format") != image_format) reader.reject("format");
    const TokenKind token = read_token(reader);
    auto card_number = reader.digits("card_number", 15);
    auto municipality = reader.digits("municipality", 5);
    const Date expires_on = reader.date("expires_on");
    auto authentication = read_certified_key(reader.object("authentication"), reader);
    std::optional<CertifiedKey> signature;
    if (reader.has("signature")) signature = read_certified_key(reader.object("signature"), reader);
    auto signature_ca = reader.base64("signature_ca_certificate");
    const auto terminal_ca_id = read_key_id(reader, "terminal_ca_id");
    auto terminal_ca_key = pki::CardPublicKey::parse(reader.base64("terminal_ca_key"));
    if (!terminal_ca_key) reader.reject("terminal_ca_key");
    auto credentials = read_credentials(reader.object("credentials"), reader);

    std::optional<SecretBytes> common_key;
    std::optional<CardHolder> holder;
    std::optional<CardSurface> surface;
    if (token == TokenKind::my_number_card) {
        common_key = reader.secret("common_key_pem");
        holder = read_holder(reader.object("holder"), reader);
        surface = read_surface(reader.object("surface"), reader);
    }
    if (!reader.ok()) return reader.failure();
    CardImage image{token,
                    std::move(card_number),
                    std::move(municipality),
                    expires_on,
                    std::move(authentication),
                    std::move(signature),
                    std::move(signature_ca),
                    CvRoot{terminal_ca_id, std::move(*terminal_ca_key)},
                    std::move(common_key),
                    std::move(holder),
                    std::move(surface),
                    std::move(credentials)};
    auto checked = check_card_image(image);
    if (!checked) return fail(std::move(checked));
    return image;
}

SecretBytes encode_card_image(const CardImage& image) {
    json::object credentials;
    for (std::size_t i = 0; i < credential_count; ++i) {
        auto one = credential_to_json(image.credentials[i].value);
        one["tries_max"] = image.credentials[i].tries_max;
        credentials[credential_names[i]] = std::move(one);
    }
    json::object object{{"format", image_format},
                        {"token", token_name(image.token)},
                        {"card_number", image.card_number},
                        {"municipality", image.municipality},
                        {"expires_on", to_iso(image.expires_on)},
                        {"authentication", write_certified_key(image.authentication)},
                        {"signature_ca_certificate", to_base64(image.signature_ca_certificate)},
                        {"terminal_ca_id", to_base64(image.terminal_ca.key_id)},
                        {"terminal_ca_key", to_base64(image.terminal_ca.key.stored())},
                        {"credentials", std::move(credentials)}};
    if (image.signature) object["signature"] = write_certified_key(*image.signature);
    if (image.common_key_pem) object["common_key_pem"] = as_text(image.common_key_pem->bytes());
    if (image.holder) object["holder"] = write_holder(*image.holder);
    if (image.surface) object["surface"] = write_surface(*image.surface);
    std::string text = json::serialize(object);
    return SecretBytes::take(text);
}

Result<CardImage> load_card_image(const std::filesystem::path& file) {
    auto text = pki::read_secret_file(file, card_image_bytes_max);
    // Whoever gives a wrong path thinks of a file, not of a secret.
    if (!text && text.error().code == ErrorCode::secret_missing) {
        return fail(ErrorCode::file_unreadable, std::move(text.error().detail));
    }
    if (!text) return fail(std::move(text));
    return parse_card_image(as_text(text->bytes()));
}

Result<void> save_card_image(const CardImage& image, const std::filesystem::path& file) {
    const SecretBytes text = encode_card_image(image);
    if (text.size() > card_image_bytes_max)
        return fail(ErrorCode::card_image_malformed, "image longer than its file may be");
    return pki::write_secret_file(file, text.bytes());
}

}  // namespace onshi::smartcard
