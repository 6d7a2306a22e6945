#pragma once

// Inside this folder only: the virtual card's processor.
#include <bitset>
#include <memory>
#include <optional>
#include <vector>

#include "platform/smartcard/apdu.h"
#include "platform/smartcard/card_files.h"
#include "platform/smartcard/virtual_card.h"

namespace onshi::smartcard {

// One method per instruction of jpki-card §3. Selection and commands on files in virtual_chip.cpp, everything that has
// to do with credentials and keys in virtual_chip_security.cpp. Not thread-safe.
class VirtualCard::Chip {
  public:
    Chip(CardImage image, std::unique_ptr<CardStateStore> store, CardState state, CardKeys keys,
         std::vector<CardApplication> applications, Random& random);
    [[nodiscard]] ResponseApdu run(const CommandApdu& command);
    void reset();
    [[nodiscard]] unsigned tries_left(CredentialId id) const { return state_.tries_left[static_cast<std::size_t>(id)]; }

  private:
    // A file that a command names, or why there is none.
    struct Target {
        const CardFile* file;
        StatusWord status;
    };

    [[nodiscard]] ResponseApdu run_iso(const CommandApdu& command);
    [[nodiscard]] ResponseApdu run_proprietary(const CommandApdu& command);

    [[nodiscard]] StatusWord select(const CommandApdu& command);
    [[nodiscard]] StatusWord select_application(const CommandApdu& command);
    [[nodiscard]] StatusWord select_file(const CommandApdu& command);
    [[nodiscard]] StatusWord select_master_file(const CommandApdu& command) const;
    [[nodiscard]] ResponseApdu read_binary(const CommandApdu& command);
    [[nodiscard]] ResponseApdu read_record(const CommandApdu& command);
    [[nodiscard]] ResponseApdu get_data(const CommandApdu& command) const;
    [[nodiscard]] ResponseApdu get_challenge(const CommandApdu& command);
    [[nodiscard]] ResponseApdu last_command_indicator(const CommandApdu& command) const;

    [[nodiscard]] StatusWord verify(const CommandApdu& command);
    [[nodiscard]] StatusWord try_credential(CredentialId id, Bytes value);
    [[nodiscard]] StatusWord change(const CommandApdu& command, std::uint8_t p1);
    [[nodiscard]] ResponseApdu compute_signature(const CommandApdu& command);
    [[nodiscard]] ResponseApdu internal_authenticate(const CommandApdu& command);
    [[nodiscard]] StatusWord set_public_ic_key(const CommandApdu& command);
    [[nodiscard]] StatusWord external_authenticate(const CommandApdu& command);

    // The file of the current application that a short id (1…30) names becomes the current one.
    [[nodiscard]] Target by_short_id(std::uint8_t short_id);
    // P2 `80`: the current file; `80|sfi`: that one. Anything else is 6A86.
    [[nodiscard]] Target by_reference(std::uint8_t p2);
    [[nodiscard]] bool may_read(const TransparentFile& file) const;
    [[nodiscard]] bool may_use(const KeyFile& key) const;
    [[nodiscard]] const CardApplication* current_application() const;
    [[nodiscard]] const StoredCredential& credential(CredentialId id) const;
    [[nodiscard]] bool persist();

    CardImage image_;
    std::unique_ptr<CardStateStore> store_;
    CardState state_;
    CardKeys keys_;
    std::vector<CardApplication> applications_;
    Random* random_;

    // Lost on reset; all but the last instruction also on every SELECT of an application.
    std::optional<std::size_t> application_;
    const CardFile* file_ = nullptr;
    CredentialSet verified_;
    std::optional<pki::CardPublicKey> terminal_key_;
    ByteVector challenge_;
    bool terminal_accepted_ = false;
    std::uint8_t last_ins_ = 0;
};

}  // namespace onshi::smartcard
