#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "platform/smartcard/tlv.h"

// Names for what stands where on the card (jpki-card §1, §2, §4). Shared by the client and the virtual card.
namespace onshi::smartcard {

enum class Application : std::uint8_t { jpki, text, surface, registry, common, card_manager };
inline constexpr std::size_t application_count = 6;

[[nodiscard]] Bytes aid_of(Application application) noexcept;

using FileId = std::uint16_t;

namespace ef {
// JPKI AP
inline constexpr FileId signature_certificate = 0x0001;
inline constexpr FileId signature_ca_certificate = 0x0002;
inline constexpr FileId token_label = 0x0006;
inline constexpr FileId certificates_present = 0x0008;
inline constexpr FileId protected_unknown = 0x0009;
inline constexpr FileId auth_certificate = 0x000A;
inline constexpr FileId auth_ca_certificate = 0x000B;
inline constexpr FileId terminal_ca_key = 0x0016;
inline constexpr FileId auth_key = 0x0017;
inline constexpr FileId auth_pin = 0x0018;
inline constexpr FileId signature_key = 0x001A;
inline constexpr FileId signature_password = 0x001B;
// Text AP
inline constexpr FileId text_four_data = 0x0002;
inline constexpr FileId text_signature = 0x0003;
inline constexpr FileId text_certificate = 0x0004;
inline constexpr FileId text_basics = 0x0005;
inline constexpr FileId text_session_key = 0x0006;
inline constexpr FileId text_public_key = 0x0007;
inline constexpr FileId text_pin = 0x0011;
inline constexpr FileId text_number_a = 0x0014;
inline constexpr FileId text_number_b = 0x0015;
// Surface AP
inline constexpr FileId surface_birth_record = 0x0001;
inline constexpr FileId surface_record = 0x0002;
inline constexpr FileId surface_basics = 0x0003;
inline constexpr FileId surface_certificate = 0x0004;
inline constexpr FileId surface_birth_date = 0x0011;
inline constexpr FileId surface_number_b = 0x0012;
inline constexpr FileId surface_number_a = 0x0013;
// Common card AP and resident registry AP
inline constexpr FileId common_records = 0x0001;
inline constexpr FileId common_key = 0x0019;
inline constexpr FileId registry_pin = 0x001C;
// The Individual Number. Only the virtual card has these; the client refuses them (`is_individual_number`).
inline constexpr FileId text_individual_number = 0x0001;
inline constexpr FileId surface_individual_number = 0x0005;
}  // namespace ef

// The files that a medical counter must not read (jpki-card §1).
[[nodiscard]] constexpr bool is_individual_number(Application application, FileId file) {
    return (application == Application::text && file == ef::text_individual_number) ||
           (application == Application::surface && file == ef::surface_individual_number);
}

namespace tag {
inline constexpr TlvTag individual_number = 0xFF10;
inline constexpr TlvTag four_data = 0xFF20;
inline constexpr TlvTag offsets = 0xDF21;
inline constexpr TlvTag name = 0xDF22;
inline constexpr TlvTag address = 0xDF23;
inline constexpr TlvTag birth = 0xDF24;
inline constexpr TlvTag sex = 0xDF25;
inline constexpr TlvTag text_signature = 0xFF30;
inline constexpr TlvTag number_digest = 0xDF31;
inline constexpr TlvTag four_digest = 0xDF32;
inline constexpr TlvTag digests_signature = 0xDF33;
inline constexpr TlvTag text_basics = 0xFF40;
inline constexpr TlvTag session_key = 0xA1;
inline constexpr TlvTag text_public_key = 0xFF50;
inline constexpr TlvTag public_key = 0xDF51;
inline constexpr TlvTag public_key_signature = 0xDF52;

inline constexpr TlvTag birth_record = 0xFF10;
inline constexpr TlvTag birth_record_birth = 0xDF11;
inline constexpr TlvTag birth_record_key = 0xDF12;
inline constexpr TlvTag birth_record_signature = 0xDF13;
inline constexpr TlvTag surface_record = 0xFF20;
inline constexpr TlvTag surface_birth = 0xDF22;
inline constexpr TlvTag surface_sex = 0xDF23;
inline constexpr TlvTag surface_key = 0xDF24;
inline constexpr TlvTag surface_name_png = 0xDF25;
inline constexpr TlvTag surface_address_png = 0xDF26;
inline constexpr TlvTag surface_photo = 0xDF27;
inline constexpr TlvTag surface_signature = 0xDF28;
inline constexpr TlvTag surface_expiry = 0xDF29;
inline constexpr TlvTag surface_code_png = 0xDF2A;
inline constexpr TlvTag surface_basics = 0xFF30;
inline constexpr TlvTag municipality = 0xDF34;
inline constexpr TlvTag surface_individual_number = 0xFF40;

inline constexpr TlvTag rsa_exponent = 0x90;
inline constexpr TlvTag rsa_modulus = 0x91;
inline constexpr TlvTag cv_certificate = 0x7F21;
inline constexpr TlvTag cv_body = 0x5F4E;
inline constexpr TlvTag cv_signature = 0x5F37;
}  // namespace tag

// What answers behind the JPKI AP (jpki-card §2.2).
enum class TokenKind : std::uint8_t { my_number_card, android_phone, iphone };

[[nodiscard]] std::string_view label_of(TokenKind kind) noexcept;
inline constexpr std::string_view old_resident_card_label = "JPKIAPICCTOKEN";
inline constexpr std::size_t token_label_bytes = 32;
inline constexpr std::size_t token_info_bytes = 160;

// COMPUTE DIGITAL SIGNATURE, P1 (jpki-card §3.1).
enum class SignMode : std::uint8_t {
    as_given = 0x00,           // PKCS#1 v1.5 padding over the bytes as given
    message_bare_hash = 0x01,  // SHA-256 of the message, without DigestInfo
    digest = 0x02,             // DigestInfo around 32 bytes
    message = 0x03,            // SHA-256 of the message in a DigestInfo
    digest_pss = 0x04,
    message_pss = 0x05
};

inline constexpr std::size_t sha384_bytes = 48;
// DER of DigestInfo(SHA-256) up to the digest.
inline constexpr std::array<std::uint8_t, 19> digest_info_sha256{
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

}  // namespace onshi::smartcard
