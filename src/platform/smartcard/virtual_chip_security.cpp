#include <algorithm>
#include <utility>

#include "platform/smartcard/cv_certificate.h"
#include "platform/smartcard/limits.h"
#include "platform/smartcard/virtual_chip.h"

namespace onshi::smartcard {

namespace {

constexpr std::uint8_t common_key_reference = 0x99;
constexpr std::uint8_t terminal_certificate_parameter = 0xC1;
constexpr std::uint8_t terminal_key_reference = 0x96;
constexpr std::size_t terminal_challenge_bytes_min = 16;

ResponseApdu only(StatusWord status) {
    return {{}, status};
}

bool is_digit(std::uint8_t c) {
    return c >= '0' && c <= '9';
}
bool is_capital(std::uint8_t c) {
    return c >= 'A' && c <= 'Z';
}

// The form that a new value must have (jpki-card §2.3). Numbers and birth date are printed on the card and never
// change.
bool is_new_value(CredentialId id, Bytes value) {
    if (id == CredentialId::signature_password) {
        const auto allowed = [](std::uint8_t c) { return is_digit(c) || is_capital(c); };
        return value.size() >= 6 && value.size() <= 16 && std::ranges::all_of(value, allowed) &&
               std::ranges::any_of(value, is_digit) && std::ranges::any_of(value, is_capital);
    }
    return value.size() == 4 && std::ranges::all_of(value, is_digit);
}

bool is_changeable(CredentialId id, Application application) {
    const bool by_key = application == Application::registry || application == Application::common;
    switch (id) {
        case CredentialId::auth_pin:
        case CredentialId::signature_password:
        case CredentialId::text_pin: return !by_key;
        case CredentialId::registry_pin:
        case CredentialId::common_pin: return by_key;
        default: return false;
    }
}

}  // namespace

const StoredCredential& VirtualCard::Chip::credential(CredentialId id) const {
    const auto& changed = state_.changed[static_cast<std::size_t>(id)];
    return changed ? *changed : image_.credential(id).value;
}

bool VirtualCard::Chip::persist() {
    return store_->save(image_, state_).has_value();
}

StatusWord VirtualCard::Chip::verify(const CommandApdu& command) {
    if (command.p1 != 0) return sw::bad_parameters;
    const Target target = by_reference(command.p2);
    if (target.status != sw::ok) return target.status;
    const auto* pin = std::get_if<PinFile>(&target.file->body);
    if (pin == nullptr) return sw::wrong_file_kind;
    if (command.le) return sw::wrong_length;
    // Without data it asks for the tries left: `63Cx` also when locked or verified, or OpenSC refuses the card (§9.1).
    if (command.data.empty()) return sw::tries_left(tries_left(pin->credential));
    if (command.data.size() > pin_bytes_max) return sw::wrong_length;
    return try_credential(pin->credential, command.data.bytes());
}

StatusWord VirtualCard::Chip::try_credential(CredentialId id, Bytes value) {
    const auto index = static_cast<std::size_t>(id);
    unsigned& tries = state_.tries_left[index];
    verified_.reset(index);
    if (tries == 0) return sw::locked;
    // The try is spent and durable before the comparison. Otherwise one could stop the program while a wrong one is
    // being written, and try for ever.
    --tries;
    if (!persist()) return sw::memory_failure;
    if (!credential(id).matches(value)) return sw::tries_left(tries);
    const unsigned spent = tries;
    tries = image_.credential(id).tries_max;
    if (!persist()) {
        tries = spent;
        return sw::memory_failure;
    }
    verified_.set(index);
    return sw::ok;
}

// CHANGE PIN (JPKI and text AP) and CHANGE KEY (registry and common AP) differ in their header only.
StatusWord VirtualCard::Chip::change(const CommandApdu& command, std::uint8_t p1) {
    if (command.p1 != p1 || command.p2 != 0x80) return sw::bad_parameters;
    if (file_ == nullptr) return sw::no_current_file;
    const auto* pin = std::get_if<PinFile>(&file_->body);
    if (pin == nullptr) return sw::wrong_file_kind;
    const CredentialId id = pin->credential;
    const auto index = static_cast<std::size_t>(id);
    const bool is_change_key = command.ins == ins::change_key;
    const Application application = current_application()->name;
    const bool in_key_application = application == Application::registry || application == Application::common;
    if (is_change_key != in_key_application) return sw::conditions_of_use;
    if (!is_changeable(id, application)) return sw::conditions_of_use;
    if (command.le || command.data.empty() || command.data.size() > pin_bytes_max) return sw::wrong_length;
    if (state_.tries_left[index] == 0) return sw::locked;
    if (!verified_.test(index)) return sw::security_status;
    if (!is_new_value(id, command.data.bytes())) return sw::bad_data;

    const Bytes value = command.data.bytes();
    const bool was_clear = credential(id).is_clear();
    auto before = std::exchange(state_.changed[index], std::nullopt);
    state_.changed[index] =
        was_clear ? StoredCredential::clear_for_tests(value) : StoredCredential::hashed(value, *random_);
    if (persist()) return sw::ok;
    state_.changed[index] = std::move(before);
    return sw::memory_failure;
}

bool VirtualCard::Chip::may_use(const KeyFile& key) const {
    if (key.use == KeyUse::free || (verified_ & key.opened_by).any()) return true;
    return key.use == KeyUse::with_credential_or_terminal && terminal_accepted_;
}

ResponseApdu VirtualCard::Chip::compute_signature(const CommandApdu& command) {
    const CardApplication* application = current_application();
    if (application == nullptr) return only(sw::no_current_file);
    if (command.p1 > static_cast<std::uint8_t>(SignMode::message_pss)) return only(sw::bad_parameters);
    if (command.data.empty() || !command.le) return only(sw::wrong_length);
    // P2 `00`: the surface and text APs have one key each, which needs no PIN (§3.1).
    if (command.p2 == 0x00) {
        if (!application->own_key) return only(sw::bad_parameters);
        return keys_.get(*application->own_key).compute_signature(command.p1, command.data.bytes());
    }
    const Target target = by_reference(command.p2);
    if (target.status != sw::ok) return only(target.status);
    const auto* key = std::get_if<KeyFile>(&target.file->body);
    if (key == nullptr || key->key == KeyId::common) return only(sw::wrong_file_kind);
    if (!may_use(*key)) return only(sw::security_status);
    return keys_.get(key->key).compute_signature(command.p1, command.data.bytes());
}

// The common AP's key `0019`: PKCS#1 v1.5 over SHA-256, no PIN (§3).
ResponseApdu VirtualCard::Chip::internal_authenticate(const CommandApdu& command) {
    if (command.p1 != 0 || command.p2 != common_key_reference) return only(sw::bad_parameters);
    const Target target = by_reference(command.p2);
    if (target.status != sw::ok) return only(target.status);
    const auto* key = std::get_if<KeyFile>(&target.file->body);
    if (key == nullptr || key->key != KeyId::common) return only(sw::wrong_file_kind);
    if (command.data.empty() || !command.le) return only(sw::wrong_length);
    return keys_.get(KeyId::common)
        .compute_signature(static_cast<std::uint8_t>(SignMode::message), command.data.bytes());
}

// First step of our stand-in for 特定機関認証 (§5.3): the terminal's certificate, checked against EF 0016.
StatusWord VirtualCard::Chip::set_public_ic_key(const CommandApdu& command) {
    if (command.p1 != 0x00 || command.p2 != terminal_certificate_parameter) return sw::bad_parameters;
    if (file_ == nullptr) return sw::no_current_file;
    if (!std::holds_alternative<TerminalCaFile>(file_->body)) return sw::wrong_file_kind;
    if (command.data.size() != cv_terminal_certificate_bytes) return sw::wrong_length;
    terminal_key_.reset();
    terminal_accepted_ = false;
    const auto certificate = CvCertificate::parse(command.data.bytes());
    if (!certificate || certificate->body.size() != cv_terminal_body_bytes) return sw::bad_data;
    if (!certificate->verify(std::span(&image_.terminal_ca, 1))) return sw::security_status;
    terminal_key_ = certificate->key;
    return sw::ok;
}

// Second step of the stand-in: the terminal signs the challenge, which counts once.
StatusWord VirtualCard::Chip::external_authenticate(const CommandApdu& command) {
    if (command.p1 != 0x00 || command.p2 != terminal_key_reference) return sw::bad_parameters;
    if (command.data.empty()) return sw::wrong_length;
    if (!terminal_key_ || challenge_.size() < terminal_challenge_bytes_min) return sw::conditions_of_use;
    const ByteVector challenge = std::exchange(challenge_, {});
    const auto held =
        pki::verify_message(*terminal_key_, pki::SignatureAlgorithm::rsa_pkcs1_sha256, challenge, command.data.bytes());
    terminal_accepted_ = held.has_value();
    return terminal_accepted_ ? sw::ok : sw::no_match;
}

}  // namespace onshi::smartcard
