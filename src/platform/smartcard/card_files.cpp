#include "platform/smartcard/card_files.h"

#include <algorithm>

#include "base/sha256.h"
#include "platform/smartcard/cv_certificate.h"
#include "platform/smartcard/limits.h"
#include "platform/smartcard/tlv.h"

namespace onshi::smartcard {

namespace {

constexpr std::size_t file_step_bytes = 16;
constexpr std::uint8_t filler = 0xFF;

// Files are a little longer than what they hold, as on a real card: readers must go by the object's own length.
ByteVector with_filler(ByteVector content) {
    content.resize((content.size() / file_step_bytes + 1) * file_step_bytes, filler);
    return content;
}

CardFile free_file(FileId id, ByteVector content) {
    return {id, TransparentFile{std::move(content), ReadRule::free, {}}};
}

CardFile guarded_file(FileId id, ByteVector content, std::initializer_list<CredentialId> opened_by) {
    return {id, TransparentFile{std::move(content), ReadRule::with_credential, any_of(opened_by)}};
}

ByteVector text_tlv(TlvTag tag, std::string_view text) {
    return make_tlv(tag, as_bytes(text));
}

// EF 0006: a serialised CK_TOKEN_INFO, text padded with spaces, integers big-endian (jpki-card §2.2).
ByteVector token_info(TokenKind token) {
    std::string info(label_of(token));
    info.resize(token_label_bytes, ' ');
    info.resize(token_label_bytes + 32 + 16 + 16, ' ');
    ByteWriter writer(info);
    // flags, maxSession, session, maxRwSession, rwSession, maxPinLen, minPinLen, then four sizes of memory.
    for (const std::uint32_t value : {0U, 0U, 0U, 0U, 0U, 16U, 4U, 0U, 0U, 0U, 0U}) writer.u32(value);
    info.resize(token_info_bytes - 16, '\0');
    info.resize(token_info_bytes, ' ');
    const Bytes bytes = as_bytes(info);
    return {bytes.begin(), bytes.end()};
}

CardApplication jpki_application(const CardImage& image) {
    const bool is_android = image.token == TokenKind::android_phone;
    const bool is_iphone = image.token == TokenKind::iphone;
    CardApplication jpki{Application::jpki, {}, {}};
    auto& files = jpki.files;
    if (image.signature) {
        files.push_back(guarded_file(ef::signature_certificate, with_filler(image.signature->certificate),
                                     {CredentialId::signature_password}));
    }
    files.push_back(free_file(ef::signature_ca_certificate, with_filler(image.signature_ca_certificate)));
    files.push_back(free_file(ef::token_label, token_info(image.token)));
    const std::uint8_t signature_flag = image.signature ? 0x8F : 0x00;
    files.push_back(free_file(ef::certificates_present, {signature_flag, 0x8F, 0x00}));
    files.push_back({ef::protected_unknown, TransparentFile{{}, ReadRule::never, {}}});
    auto certificate = with_filler(image.authentication.certificate);
    files.push_back(is_android ? guarded_file(ef::auth_certificate, std::move(certificate), {CredentialId::auth_pin})
                               : free_file(ef::auth_certificate, std::move(certificate)));
    files.push_back(free_file(ef::auth_ca_certificate, with_filler(image.authentication.ca_certificate)));
    files.push_back({ef::terminal_ca_key, TerminalCaFile{}});
    // An iPhone's holder is recognised by the phone before the touch, so its key is open (our reading of jpki-card §8).
    const auto auth_use = is_iphone ? KeyUse::free : KeyUse::with_credential_or_terminal;
    files.push_back({ef::auth_key, KeyFile{KeyId::authentication, auth_use, any_of({CredentialId::auth_pin})}});
    files.push_back({ef::auth_pin, PinFile{CredentialId::auth_pin}});
    if (image.signature) {
        files.push_back({ef::signature_key, KeyFile{KeyId::signature, KeyUse::with_credential,
                                                    any_of({CredentialId::signature_password})}});
    }
    // Present also without a signature certificate: OpenSC does not bind otherwise (jpki-card §5.4).
    files.push_back({ef::signature_password, PinFile{CredentialId::signature_password}});
    return jpki;
}

ByteVector individual_number_file(const CardHolder& holder) {
    return with_filler(text_tlv(tag::individual_number, holder.individual_number));
}

std::vector<ByteVector> four_objects(const CardHolder& holder) {
    const char sex = static_cast<char>(holder.sex);
    return {text_tlv(tag::name, holder.name), text_tlv(tag::address, holder.address),
            text_tlv(tag::birth, to_compact(holder.born_on)), text_tlv(tag::sex, std::string_view(&sex, 1))};
}

struct TextDigests {
    Sha256 number;
    Sha256 four;
};

TextDigests text_digests(const CardHolder& holder) {
    ByteVector objects;
    for (const ByteVector& object : four_objects(holder)) objects.insert(objects.end(), object.begin(), object.end());
    return {sha256(individual_number_file(holder)), sha256(objects)};
}

CardApplication text_application(const CardImage& image, const pki::CardPublicKey& key) {
    using enum CredentialId;
    const CardHolder& holder = *image.holder;
    const CardSurface& surface = *image.surface;
    const auto digests = text_digests(holder);
    ByteVector signature = make_tlv(tag::number_digest, digests.number);
    append_tlv(signature, tag::four_digest, digests.four);
    append_tlv(signature, tag::digests_signature, surface.text_signature);
    ByteVector public_key = make_tlv(tag::public_key, encode_card_rsa_key(key));
    append_tlv(public_key, tag::public_key_signature, surface.text_key_signature);
    CardApplication text{Application::text, {}, KeyId::text};
    text.files = {
        guarded_file(ef::text_individual_number, individual_number_file(holder), {text_pin, text_number_a}),
        guarded_file(ef::text_four_data,
                     with_filler(make_tlv_with_offsets(tag::four_data, tag::offsets, four_objects(holder))),
                     {text_pin, text_number_b}),
        guarded_file(ef::text_signature, with_filler(make_tlv(tag::text_signature, signature)),
                     {text_pin, text_number_a, text_number_b}),
        free_file(ef::text_certificate, with_filler(surface.cv_certificate)),
        free_file(ef::text_basics, with_filler(text_tlv(tag::text_basics, "0000"))),
        guarded_file(ef::text_session_key, with_filler(make_tlv(tag::session_key, encode_card_rsa_key(key))),
                     {text_pin, text_number_a, text_number_b}),
        guarded_file(ef::text_public_key, with_filler(make_tlv(tag::text_public_key, public_key)),
                     {text_pin, text_number_a, text_number_b}),
        {ef::text_pin, PinFile{text_pin}},
        {ef::text_number_a, PinFile{text_number_a}},
        {ef::text_number_b, PinFile{text_number_b}},
    };
    return text;
}

struct SurfaceObjects {
    ByteVector birth, sex, key, name_png, address_png, photo;
};

SurfaceObjects surface_objects(const UnsignedSurface& content) {
    const char sex = static_cast<char>(content.holder.sex);
    return {text_tlv(tag::surface_birth, to_compact(content.holder.born_on)),
            text_tlv(tag::surface_sex, std::string_view(&sex, 1)),
            make_tlv(tag::surface_key, encode_card_rsa_key(content.surface_key)),
            make_tlv(tag::surface_name_png, content.name_png),
            make_tlv(tag::surface_address_png, content.address_png),
            make_tlv(tag::surface_photo, content.photo_jp2)};
}

ByteVector surface_record_file(const UnsignedSurface& content, Bytes signature) {
    auto objects = surface_objects(content);
    const std::vector<ByteVector> all{std::move(objects.birth),
                                      std::move(objects.sex),
                                      std::move(objects.key),
                                      std::move(objects.name_png),
                                      std::move(objects.address_png),
                                      std::move(objects.photo),
                                      make_tlv(tag::surface_signature, signature),
                                      text_tlv(tag::surface_expiry, to_compact(content.expires_on)),
                                      make_tlv(tag::surface_code_png, content.code_png)};
    return with_filler(make_tlv_with_offsets(tag::surface_record, tag::offsets, all));
}

ByteVector birth_objects(const UnsignedSurface& content) {
    ByteVector objects = text_tlv(tag::birth_record_birth, to_compact(content.holder.born_on));
    append_tlv(objects, tag::birth_record_key, encode_card_rsa_key(content.surface_key));
    return objects;
}

CardApplication surface_application(const CardImage& image, const UnsignedSurface& content) {
    using enum CredentialId;
    const CardSurface& surface = *image.surface;
    ByteVector birth = birth_objects(content);
    append_tlv(birth, tag::birth_record_signature, surface.birth_signature);
    const ByteVector basics = text_tlv(tag::municipality, image.municipality);
    CardApplication application{Application::surface, {}, KeyId::surface};
    application.files = {
        guarded_file(ef::surface_birth_record, with_filler(make_tlv(tag::birth_record, birth)), {surface_birth_date}),
        guarded_file(ef::surface_record, surface_record_file(content, surface.surface_signature),
                     {surface_number_b, surface_number_a}),
        free_file(ef::surface_basics, with_filler(make_tlv(tag::surface_basics, basics))),
        free_file(ef::surface_certificate, with_filler(surface.cv_certificate)),
        // A picture of the number on a real card. Its content is of no use to anyone here, so it is the blank one.
        guarded_file(ef::surface_individual_number,
                     with_filler(make_tlv(tag::surface_individual_number, content.code_png)), {surface_number_a}),
        {ef::surface_birth_date, PinFile{surface_birth_date}},
        {ef::surface_number_b, PinFile{surface_number_b}},
        {ef::surface_number_a, PinFile{surface_number_a}},
    };
    return application;
}

CardApplication common_application(const CardImage& image) {
    const auto record = text_tlv(0x01, image.card_number + image.municipality + to_compact(image.expires_on));
    CardApplication common{Application::common, {}, {}};
    common.files = {{ef::common_records, RecordFile{{record}}},
                    {ef::common_key, KeyFile{KeyId::common, KeyUse::free, {}}},
                    {ef::registry_pin, PinFile{CredentialId::common_pin}}};
    return common;
}

Result<void> check_sizes(const std::vector<CardApplication>& applications) {
    for (const auto& application : applications) {
        for (const auto& file : application.files) {
            const auto* transparent = std::get_if<TransparentFile>(&file.body);
            if (transparent != nullptr && transparent->content.size() > file_bytes_max) {
                return fail(ErrorCode::card_image_malformed, "a file would be longer than 32 KB");
            }
        }
    }
    return {};
}

}  // namespace

CredentialSet any_of(std::initializer_list<CredentialId> ids) {
    CredentialSet set;
    for (const CredentialId id : ids) set.set(static_cast<std::size_t>(id));
    return set;
}

const CardFile* CardApplication::find(FileId id) const {
    const auto found = std::ranges::find(files, id, &CardFile::id);
    return found == files.end() ? nullptr : &*found;
}

Result<CardKeys> make_card_keys(const CardImage& image) {
    CardKeys made;
    const SecretBytes* surface = image.surface ? &image.surface->surface_key_pem : nullptr;
    const SecretBytes* text = image.surface ? &image.surface->text_key_pem : nullptr;
    const SecretBytes* common = image.common_key_pem ? &*image.common_key_pem : nullptr;
    const SecretBytes* signature = image.signature ? &image.signature->key_pem : nullptr;
    const std::array<const SecretBytes*, key_count> pems{&image.authentication.key_pem, signature, surface, text,
                                                         common};
    for (std::size_t i = 0; i < key_count; ++i) {
        if (pems[i] == nullptr) continue;
        auto key = CardKey::from_pem(*pems[i]);
        if (!key) return fail(std::move(key));
        const bool may_be_p384 = i == static_cast<std::size_t>(KeyId::authentication);
        if (!may_be_p384 && !key->is_rsa()) return fail(ErrorCode::card_image_malformed, "key must be RSA-2048");
        made.keys[i] = std::move(*key);
    }
    return made;
}

Result<std::vector<CardApplication>> make_applications(const CardImage& image, const CardKeys& keys) {
    std::vector<CardApplication> applications;
    applications.push_back(jpki_application(image));
    if (image.holder && image.surface) {
        const auto surface_key = keys.get(KeyId::surface).rsa_public_key();
        const auto text_key = keys.get(KeyId::text).rsa_public_key();
        const CardSurface& surface = *image.surface;
        const UnsignedSurface content{*image.holder,     image.expires_on, surface_key,         text_key,
                                      surface.photo_jp2, surface.name_png, surface.address_png, surface.code_png};
        applications.push_back(text_application(image, text_key));
        applications.push_back(surface_application(image, content));
        // The resident registry AP: only its PIN is known to us.
        applications.push_back({Application::registry, {{ef::registry_pin, PinFile{CredentialId::registry_pin}}}, {}});
        applications.push_back(common_application(image));
        applications.push_back({Application::card_manager, {}, {}});
    }
    auto sizes = check_sizes(applications);
    if (!sizes) return fail(std::move(sizes));
    return applications;
}

ByteVector surface_payload(const UnsignedSurface& content) {
    const auto objects = surface_objects(content);
    return surface_signature_payload(
        {objects.birth, objects.sex, objects.key, objects.name_png, objects.address_png, objects.photo});
}

ByteVector birth_payload(const UnsignedSurface& content) {
    return long_digest_info(sha256(birth_objects(content)));
}

ByteVector text_payload(const UnsignedSurface& content) {
    const auto digests = text_digests(content.holder);
    return text_signature_payload(digests.number, digests.four);
}

ByteVector text_key_payload(const UnsignedSurface& content) {
    return long_digest_info(sha256(encode_card_rsa_key(content.text_key)));
}

}  // namespace onshi::smartcard
