#include "platform/smartcard/card_records.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ensure.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "platform/smartcard/card_layout.h"
#include "platform/smartcard/crypto.h"
#include "platform/smartcard/tlv.h"

namespace onshi::smartcard {

namespace {

constexpr std::string_view jp2_signature("\x00\x00\x00\x0CjP  ", 8);

bool is_digits(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// The register writes zeros for a month or day that nobody knows: such a date is digits but no day.
Result<std::optional<Date>> parse_card_date(Bytes value) {
    const std::string_view text = as_text(value);
    if (text.size() != 8 || !is_digits(text)) return fail(ErrorCode::card_unreadable, "date on the card");
    const auto day = parse_compact_date(text);
    if (!day) return std::optional<Date>();
    return std::optional<Date>(*day);
}

Result<CardSex> parse_sex(Bytes value) {
    for (const CardSex sex : {CardSex::male, CardSex::female, CardSex::not_applicable}) {
        if (value.size() == 1 && value[0] == static_cast<std::uint8_t>(sex)) return sex;
    }
    return fail(ErrorCode::card_unreadable, "sex code on the card");
}

Result<std::vector<TlvObject>> read_record(Bytes file, TlvTag expected) {
    auto outer = read_tlv(file);
    if (!outer) return fail(std::move(outer));
    if (outer->tag != expected) return fail(ErrorCode::card_unreadable, fmt::format("not an object {:X}", expected));
    return read_tlv_list(outer->value);
}

Result<TextProof> prove_text(Bytes four_data, Bytes signature, Bytes certificate, std::span<const CvRoot> roots) {
    auto outer = read_tlv(four_data);
    if (!outer) return fail(std::move(outer));
    auto objects = read_tlv_list(outer->value);
    if (!objects) return fail(std::move(objects));
    auto signed_objects = read_record(signature, tag::text_signature);
    if (!signed_objects) return fail(std::move(signed_objects));
    auto number_digest = tlv_value(*signed_objects, tag::number_digest);
    auto four_digest = tlv_value(*signed_objects, tag::four_digest);
    auto value = tlv_value(*signed_objects, tag::digests_signature);
    auto signer = CvCertificate::parse(certificate);
    const TlvObject* offsets = find_tlv(*objects, tag::offsets);
    if (!number_digest || !four_digest || !value || !signer || offsets == nullptr) return TextProof::unproven;
    if (!signer->verify(roots)) return TextProof::unproven;

    // The digest covers everything behind the offsets table, as written.
    const auto digest = sha256(outer->value.subspan(offsets->offset + offsets->whole.size()));
    if (!std::ranges::equal(digest, *four_digest) || number_digest->size() != digest.size()) return TextProof::unproven;
    const auto payload = recover_pkcs1_payload(signer->key, *value);
    const bool held = payload && *payload == text_signature_payload(*number_digest, *four_digest);
    return held ? TextProof::proven : TextProof::unproven;
}

Result<SurfaceSigned> covered_objects(std::span<const TlvObject> objects) {
    std::array<Bytes, 6> found;
    constexpr std::array<TlvTag, 6> tags{tag::surface_birth,    tag::surface_sex,         tag::surface_key,
                                         tag::surface_name_png, tag::surface_address_png, tag::surface_photo};
    for (std::size_t i = 0; i < tags.size(); ++i) {
        const TlvObject* object = find_tlv(objects, tags[i]);
        if (object == nullptr) return fail(ErrorCode::card_unreadable, fmt::format("surface record: no {:X}", tags[i]));
        found[i] = object->whole;
    }
    return SurfaceSigned{found[0], found[1], found[2], found[3], found[4], found[5]};
}

Result<void> prove_surface(std::span<const TlvObject> objects, Bytes certificate, std::span<const CvRoot> roots) {
    auto signer = CvCertificate::parse(certificate);
    if (!signer) return fail(std::move(signer));
    auto trusted = signer->verify(roots);
    if (!trusted) return trusted;
    auto covered = covered_objects(objects);
    if (!covered) return fail(std::move(covered));
    auto signature = tlv_value(objects, tag::surface_signature);
    if (!signature) return fail(std::move(signature));
    auto payload = recover_pkcs1_payload(signer->key, *signature);
    if (!payload) return fail(std::move(payload));
    if (*payload != surface_signature_payload(*covered)) {
        return fail(ErrorCode::card_not_authentic, "surface record differs from what was signed");
    }
    return {};
}

}  // namespace

Result<TextRecord> parse_text_record(Bytes four_data, Bytes signature, Bytes certificate,
                                     std::span<const CvRoot> roots) {
    auto objects = read_record(four_data, tag::four_data);
    if (!objects) return fail(std::move(objects));
    auto name = tlv_value(*objects, tag::name);
    if (!name) return fail(std::move(name));
    auto address = tlv_value(*objects, tag::address);
    if (!address) return fail(std::move(address));
    auto birth = tlv_value(*objects, tag::birth);
    if (!birth) return fail(std::move(birth));
    auto sex_value = tlv_value(*objects, tag::sex);
    if (!sex_value) return fail(std::move(sex_value));
    if (!is_valid_utf8(as_text(*name)) || !is_valid_utf8(as_text(*address))) {
        return fail(ErrorCode::card_unreadable, "name or address is not UTF-8");
    }
    auto born_on = parse_card_date(*birth);
    if (!born_on) return fail(std::move(born_on));
    auto sex = parse_sex(*sex_value);
    if (!sex) return fail(std::move(sex));
    auto proof = prove_text(four_data, signature, certificate, roots);
    if (!proof) return fail(std::move(proof));
    return TextRecord{std::string(as_text(*name)), std::string(as_text(*address)), *born_on, *sex, *proof};
}

Result<SurfaceRecord> parse_surface_record(Bytes record, Bytes certificate, std::span<const CvRoot> roots) {
    auto objects = read_record(record, tag::surface_record);
    if (!objects) return fail(std::move(objects));
    auto proven = prove_surface(*objects, certificate, roots);
    if (!proven) return fail(std::move(proven));
    auto born_on = parse_card_date(find_tlv(*objects, tag::surface_birth)->value);
    if (!born_on) return fail(std::move(born_on));
    auto sex = parse_sex(find_tlv(*objects, tag::surface_sex)->value);
    if (!sex) return fail(std::move(sex));
    auto card_key = parse_card_rsa_key(find_tlv(*objects, tag::surface_key)->value);
    if (!card_key) return fail(std::move(card_key));
    auto expiry = tlv_value(*objects, tag::surface_expiry);
    if (!expiry) return fail(std::move(expiry));
    auto expires_on = parse_card_date(*expiry);
    if (!expires_on) return fail(std::move(expires_on));
    const Bytes photo = find_tlv(*objects, tag::surface_photo)->value;
    if (!as_text(photo).starts_with(jp2_signature)) return fail(ErrorCode::card_unreadable, "photo is no JPEG 2000");
    return SurfaceRecord{*born_on, *sex, *expires_on, SecretBytes(photo), std::move(*card_key)};
}

ByteVector long_digest_info(Bytes digests) {
    ENSURE(digests.size() < 0x80 - digest_info_sha256.size());
    ByteVector info(digest_info_sha256.begin(), digest_info_sha256.end());
    // The outer SEQUENCE and the OCTET STRING carry lengths of their own; SHA-256 alone has 32.
    info[1] = static_cast<std::uint8_t>(digest_info_sha256.size() - 2 + digests.size());
    info.back() = static_cast<std::uint8_t>(digests.size());
    info.insert(info.end(), digests.begin(), digests.end());
    return info;
}

ByteVector surface_signature_payload(const SurfaceSigned& covered) {
    ByteVector digests;
    for (const auto& digest : {sha256({covered.birth, covered.sex, covered.key}),
                               sha256({covered.name_png, covered.address_png}), sha256(covered.photo)}) {
        digests.insert(digests.end(), digest.begin(), digest.end());
    }
    return long_digest_info(digests);
}

ByteVector text_signature_payload(Bytes number_digest, Bytes four_digest) {
    ByteVector digests(number_digest.begin(), number_digest.end());
    digests.insert(digests.end(), four_digest.begin(), four_digest.end());
    return long_digest_info(digests);
}

std::optional<SecretBytes> make_number_b(Date born_on, Date expires_on, std::string_view security_code) {
    const auto era = to_era(born_on);
    if (!era || security_code.size() != 4 || !is_digits(security_code)) return std::nullopt;
    auto number =
        fmt::format("{:02}{:02}{:02}{:04}{}", era->year, era->month, era->day, expires_on.year(), security_code);
    return SecretBytes::take(number);
}

}  // namespace onshi::smartcard
