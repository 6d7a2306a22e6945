#pragma once

// Inside this folder only: the virtual card's file system, as jpki-card §2 and §4 lay it out.
#include <bitset>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "platform/smartcard/card_image.h"
#include "platform/smartcard/card_key.h"
#include "platform/smartcard/card_layout.h"

namespace onshi::smartcard {

using CredentialSet = std::bitset<credential_count>;
[[nodiscard]] CredentialSet any_of(std::initializer_list<CredentialId> ids);

enum class ReadRule : std::uint8_t { free, with_credential, never };

// Bytes that READ BINARY gives.
struct TransparentFile {
    ByteVector content;
    ReadRule rule = ReadRule::free;
    CredentialSet opened_by;  // any one of them
};
struct RecordFile {
    std::vector<ByteVector> records;  // record 1 first
};
struct PinFile {
    CredentialId credential;
};
struct TerminalCaFile {};

enum class KeyId : std::uint8_t { authentication, signature, surface, text, common };
inline constexpr std::size_t key_count = 5;
enum class KeyUse : std::uint8_t { free, with_credential, with_credential_or_terminal };
struct KeyFile {
    KeyId key;
    KeyUse use = KeyUse::free;
    CredentialSet opened_by;
};

struct CardFile {
    FileId id;
    std::variant<TransparentFile, RecordFile, PinFile, KeyFile, TerminalCaFile> body;
};

struct CardApplication {
    Application name;
    std::vector<CardFile> files;
    std::optional<KeyId> own_key;  // what P2 `00` of COMPUTE DIGITAL SIGNATURE means

    [[nodiscard]] const CardFile* find(FileId id) const;
};

struct CardKeys {
    std::array<std::optional<CardKey>, key_count> keys;
    [[nodiscard]] const CardKey& get(KeyId id) const { return *keys[static_cast<std::size_t>(id)]; }
};

// `card.image_malformed` for a key that does not parse or a file that would be too long.
[[nodiscard]] Result<CardKeys> make_card_keys(const CardImage& image);
[[nodiscard]] Result<std::vector<CardApplication>> make_applications(const CardImage& image, const CardKeys& keys);

// What the issuer signs, built by the same code that serves it.
struct UnsignedSurface {
    const CardHolder& holder;
    Date expires_on;
    const pki::CardPublicKey& surface_key;
    const pki::CardPublicKey& text_key;
    Bytes photo_jp2, name_png, address_png, code_png;
};
[[nodiscard]] ByteVector surface_payload(const UnsignedSurface& content);
// The signed part of surface EF 0001: birth and card key.
[[nodiscard]] ByteVector birth_payload(const UnsignedSurface& content);
[[nodiscard]] ByteVector text_payload(const UnsignedSurface& content);
[[nodiscard]] ByteVector text_key_payload(const UnsignedSurface& content);

}  // namespace onshi::smartcard
