#include "platform/smartcard/my_number_card.h"

#include <algorithm>

#include "base/sha256.h"
#include "platform/pki/certificate.h"
#include "platform/smartcard/card_reading.h"
#include "platform/smartcard/crypto.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace {

constexpr std::size_t pin_digits = 4;
constexpr std::size_t number_b_digits = 14;
constexpr std::size_t rsa_signature_bytes = 256;
constexpr std::size_t presence_nonce_bytes = 32;
constexpr std::uint8_t certificate_exists = 0x8F;

// Runs an operation in a transaction of its own, and again when another program's reset cut it short.
template <class Operation>
auto in_transaction(CardChannel& channel, Deadline deadline, const Operation& operation)
    -> decltype(operation(std::declval<CardTransaction&>())) {
    for (unsigned attempt = 0;; ++attempt) {
        auto card = CardTransaction::begin(channel, deadline);
        const bool last = attempt == restarts_max;
        if (!card) {
            if (last || card.error().code != ErrorCode::card_reset) return fail(std::move(card));
            continue;
        }
        auto result = operation(*card);
        if (result || last || result.error().code != ErrorCode::card_reset) return result;
    }
}

bool is_digits(Bytes text, std::size_t count) {
    return text.size() == count && std::ranges::all_of(text, [](std::uint8_t c) { return c >= '0' && c <= '9'; });
}

// Selects the JPKI AP and tells by its label what answers. Anything else is no card for us (§1: never decide by ATR).
Result<TokenKind> enter_jpki(CardTransaction& card) {
    auto selected = select_application(card, Application::jpki);
    if (!selected) return fail(std::move(selected));
    if (!*selected) return fail(ErrorCode::card_other, "no JPKI application");
    auto has_label = select_file(card, Application::jpki, ef::token_label);
    if (!has_label) return fail(std::move(has_label));
    if (!*has_label) return fail(ErrorCode::card_other, "no token label");
    auto bytes = read_start(card, token_label_bytes);
    if (!bytes) return fail(std::move(bytes));
    std::string_view label = as_text(*bytes);
    label = label.substr(0, label.find_last_not_of(" \0") + 1);
    for (const TokenKind kind : {TokenKind::my_number_card, TokenKind::android_phone, TokenKind::iphone}) {
        if (label == label_of(kind)) return kind;
    }
    if (label == old_resident_card_label) return fail(ErrorCode::card_old_resident, "token label of the old card");
    return fail(ErrorCode::card_other, "unknown token label");
}

// Selects a file that every such card has.
Result<void> need_file(CardTransaction& card, Application current, FileId file) {
    auto selected = select_file(card, current, file);
    if (!selected) return fail(std::move(selected));
    if (!*selected) return refused("SELECT of a file", sw::file_not_found);
    return {};
}

Result<ByteVector> read_auth_certificate_file(CardTransaction& card) {
    auto selected = select_file(card, Application::jpki, ef::auth_certificate);
    if (!selected) return fail(std::move(selected));
    if (!*selected) return fail(ErrorCode::card_certificate_missing, "no user-authentication certificate");
    return read_certificate_file(card);
}

Result<unsigned> tries_left_of(CardTransaction& card, Application current, FileId file) {
    auto selected = need_file(card, current, file);
    if (!selected) return fail(std::move(selected));
    return read_tries_left(card);
}

// A physical card tells in EF 0008 (§2.4); where the file is missing, as a phone's may be, nothing is known to be
// missing.
Result<bool> has_signature_certificate(CardTransaction& card) {
    auto selected = select_file(card, Application::jpki, ef::certificates_present);
    if (!selected) return fail(std::move(selected));
    if (!*selected) return true;
    auto flags = read_start(card, 3);
    if (!flags) return fail(std::move(flags));
    return !flags->empty() && flags->front() == certificate_exists;
}

// The auth PIN has no tries left: was it ever set? A card without signature certificate whose signature password is
// blocked as well looks like a face-authentication card (§5.4).
Result<PinState> why_locked(CardTransaction& card) {
    auto has_signature = has_signature_certificate(card);
    if (!has_signature) return fail(std::move(has_signature));
    if (*has_signature) return PinState::locked;
    auto selected = select_file(card, Application::jpki, ef::signature_password);
    if (!selected) return fail(std::move(selected));
    if (!*selected) return PinState::locked;
    auto tries = read_tries_left(card);
    if (!tries) return fail(std::move(tries));
    return *tries == 0 ? PinState::missing : PinState::locked;
}

struct Opened {};
using Opening = std::variant<Opened, CredentialWrong, CredentialLocked, LastTryKept>;

// Sends the credential to a PIN file of the current application, unless that is pointless or would spend a kept last
// try.
Result<Opening> open_with(CardTransaction& card, Application current, FileId file, const SecretBytes& credential,
                          LastTry last_try) {
    auto tries = tries_left_of(card, current, file);
    if (!tries) return fail(std::move(tries));
    if (*tries == 0) return Opening(CredentialLocked{});
    if (*tries == 1 && last_try == LastTry::keep) return Opening(LastTryKept{});
    auto answer = verify_credential(card, credential);
    if (!answer) return fail(std::move(answer));
    if (answer->right) return Opening(Opened{});
    if (answer->tries_left == 0) return Opening(CredentialLocked{});
    return Opening(CredentialWrong{answer->tries_left});
}

// The same end in a variant that also holds what the opening was for. Must not be called on `Opened`.
template <class Outcome>
Outcome not_opened(const Opening& opening) {
    if (const auto* wrong = std::get_if<CredentialWrong>(&opening)) return *wrong;
    if (std::holds_alternative<LastTryKept>(opening)) return LastTryKept{};
    return CredentialLocked{};
}

Result<ResponseApdu> compute_signature(CardTransaction& card, std::uint8_t key_reference, Bytes payload) {
    return card.transmit(make_command(0x80, ins::perform_security_operation,
                                      static_cast<std::uint8_t>(SignMode::as_given), key_reference, payload,
                                      short_answer_bytes_max));
}

ByteVector digest_info(Bytes message) {
    return long_digest_info(sha256(message));
}

// The auth key is open; signs with what its certificate says it is.
Result<CardSignature> sign_with_auth_key(CardTransaction& card, ByteVector certificate, Bytes message,
                                         ErrorCode when_not_open) {
    const auto parsed = pki::parse_certificate(certificate);
    if (!parsed || !parsed->card_key)
        return fail(ErrorCode::card_unreadable, "certificate without a key that cards have");
    const bool is_rsa = parsed->card_key->kind() == pki::KeyKind::rsa;
    ByteVector payload;
    if (is_rsa) {
        payload = digest_info(message);
    } else {
        const auto digest = sha384(message);
        payload.assign(digest.begin(), digest.end());
    }
    auto selected = need_file(card, Application::jpki, ef::auth_key);
    if (!selected) return fail(std::move(selected));
    auto answer = compute_signature(card, 0x80, payload);
    if (!answer) return fail(std::move(answer));
    if (answer->status == sw::security_status) return fail(when_not_open, "the auth key is not open");
    if (!answer->is_ok()) return refused("COMPUTE DIGITAL SIGNATURE", answer->status);
    if (answer->data.empty() || (is_rsa && answer->data.size() != rsa_signature_bytes)) {
        return fail(ErrorCode::card_unreadable, "signature of another length");
    }
    const auto algorithm =
        is_rsa ? pki::SignatureAlgorithm::rsa_pkcs1_sha256 : pki::SignatureAlgorithm::ecdsa_p384_sha384;
    return CardSignature{std::move(certificate), algorithm, std::move(answer->data)};
}

Result<ByteVector> certificate_for(CardTransaction& card, const SignRequest& request) {
    if (request.known_certificate) {
        return ByteVector(request.known_certificate->begin(), request.known_certificate->end());
    }
    return read_auth_certificate_file(card);
}

Result<PinCheck> check_pin_once(CardTransaction& card, const SecretBytes& pin, const SignRequest& request,
                                LastTry last_try) {
    auto token = enter_jpki(card);
    if (!token) return fail(std::move(token));
    // A physical card gives its certificate freely and first, as §5.2 has it; a phone only after the PIN (§2.1).
    ByteVector certificate;
    if (*token != TokenKind::android_phone) {
        auto read = certificate_for(card, request);
        if (!read) return fail(std::move(read));
        certificate = std::move(*read);
    }
    auto opening = open_with(card, Application::jpki, ef::auth_pin, pin, last_try);
    if (!opening) return fail(std::move(opening));
    if (std::holds_alternative<CredentialLocked>(*opening)) {
        auto state = why_locked(card);
        if (!state) return fail(std::move(state));
        return *state == PinState::missing ? PinCheck(PinMissing{}) : PinCheck(CredentialLocked{});
    }
    if (!std::holds_alternative<Opened>(*opening)) return not_opened<PinCheck>(*opening);
    if (*token == TokenKind::android_phone) {
        auto read = certificate_for(card, request);
        if (!read) return fail(std::move(read));
        certificate = std::move(*read);
    }
    auto signature = sign_with_auth_key(card, std::move(certificate), request.message, ErrorCode::card_refused);
    if (!signature) return fail(std::move(signature));
    // Drops the PIN even if the reader should ignore the reset at the transaction's end.
    auto dropped = select_application(card, Application::jpki);
    if (!dropped) return fail(std::move(dropped));
    return PinCheck(std::move(*signature));
}

// That the card with the certified key is here, and not a copy of its files (§4.3).
Result<void> prove_presence(CardTransaction& card, const pki::CardPublicKey& key, Random& random) {
    std::array<std::uint8_t, presence_nonce_bytes> nonce{};
    random.fill(nonce);
    auto answer = compute_signature(card, 0x00, digest_info(nonce));
    if (!answer) return fail(std::move(answer));
    if (!answer->is_ok()) return refused("COMPUTE DIGITAL SIGNATURE", answer->status);
    const auto held = pki::verify_message(key, pki::SignatureAlgorithm::rsa_pkcs1_sha256, nonce, answer->data);
    if (!held) return fail(ErrorCode::card_not_authentic, "the card does not hold its surface key");
    return {};
}

Result<ByteVector> read_record_file(CardTransaction& card, Application current, FileId file) {
    auto selected = need_file(card, current, file);
    if (!selected) return fail(std::move(selected));
    return read_tlv_file(card);
}

Result<void> enter(CardTransaction& card, Application application) {
    auto selected = select_application(card, application);
    if (!selected) return fail(std::move(selected));
    if (!*selected) return fail(ErrorCode::card_other, "no such application");
    return {};
}

}  // namespace

std::optional<ErrorCode> error_code_of(const PinCheck& check) {
    if (std::holds_alternative<CredentialWrong>(check)) return ErrorCode::card_pin_wrong;
    if (std::holds_alternative<CredentialLocked>(check)) return ErrorCode::card_pin_locked;
    if (std::holds_alternative<LastTryKept>(check)) return ErrorCode::card_pin_last_try;
    if (std::holds_alternative<PinMissing>(check)) return ErrorCode::card_pin_missing;
    return std::nullopt;
}

std::optional<ErrorCode> error_code_of(const SurfaceReading& reading) {
    if (std::holds_alternative<SurfaceRecord>(reading)) return std::nullopt;
    if (std::holds_alternative<CredentialWrong>(reading)) return ErrorCode::card_number_b_wrong;
    return ErrorCode::card_number_b_locked;
}

Result<CardOverview> MyNumberCard::recognise(Deadline deadline) {
    return in_transaction(channel_, deadline, [](CardTransaction& card) -> Result<CardOverview> {
        auto token = enter_jpki(card);
        if (!token) return fail(std::move(token));
        auto has_signature = has_signature_certificate(card);
        if (!has_signature) return fail(std::move(has_signature));
        auto tries = tries_left_of(card, Application::jpki, ef::auth_pin);
        if (!tries) return fail(std::move(tries));
        auto state = Result<PinState>(*tries == 1 ? PinState::last_try : PinState::usable);
        if (*tries == 0) state = why_locked(card);
        if (!state) return fail(std::move(state));
        return CardOverview{*token, *state, *tries, *has_signature};
    });
}

Result<ByteVector> MyNumberCard::read_auth_certificate(Deadline deadline) {
    return in_transaction(channel_, deadline, [](CardTransaction& card) -> Result<ByteVector> {
        auto token = enter_jpki(card);
        if (!token) return fail(std::move(token));
        return read_auth_certificate_file(card);
    });
}

Result<ByteVector> MyNumberCard::read_auth_ca_certificate(Deadline deadline) {
    return in_transaction(channel_, deadline, [](CardTransaction& card) -> Result<ByteVector> {
        auto token = enter_jpki(card);
        if (!token) return fail(std::move(token));
        auto selected = need_file(card, Application::jpki, ef::auth_ca_certificate);
        if (!selected) return fail(std::move(selected));
        return read_certificate_file(card);
    });
}

Result<PinCheck> MyNumberCard::check_pin(const SecretBytes& pin, const SignRequest& request, LastTry last_try,
                                         Deadline deadline) {
    if (!is_digits(pin.bytes(), pin_digits)) return fail(ErrorCode::card_pin_format, "not four digits");
    return in_transaction(channel_, deadline,
                          [&](CardTransaction& card) { return check_pin_once(card, pin, request, last_try); });
}

Result<CardSignature> MyNumberCard::check_pinless(PinlessUse& use, const SignRequest& request, Deadline deadline) {
    return in_transaction(channel_, deadline, [&](CardTransaction& card) -> Result<CardSignature> {
        auto token = enter_jpki(card);
        if (!token) return fail(std::move(token));
        auto opened = use.open(card);
        if (!opened) return fail(std::move(opened));
        auto certificate = certificate_for(card, request);
        if (!certificate) return fail(std::move(certificate));
        return sign_with_auth_key(card, std::move(*certificate), request.message, ErrorCode::card_pinless_refused);
    });
}

Result<TextReading> MyNumberCard::read_text(TextCredential kind, const SecretBytes& credential,
                                            std::span<const CvRoot> roots, LastTry last_try, Deadline deadline) {
    const bool with_pin = kind == TextCredential::pin;
    if (!is_digits(credential.bytes(), with_pin ? pin_digits : number_b_digits)) {
        return fail(ErrorCode::card_pin_format, "not as many digits as this credential has");
    }
    const FileId file = with_pin ? ef::text_pin : ef::text_number_b;
    return in_transaction(channel_, deadline, [&](CardTransaction& card) -> Result<TextReading> {
        auto entered = enter(card, Application::text);
        if (!entered) return fail(std::move(entered));
        auto opening = open_with(card, Application::text, file, credential, last_try);
        if (!opening) return fail(std::move(opening));
        if (!std::holds_alternative<Opened>(*opening)) return not_opened<TextReading>(*opening);
        auto four_data = read_record_file(card, Application::text, ef::text_four_data);
        if (!four_data) return fail(std::move(four_data));
        auto signature = read_record_file(card, Application::text, ef::text_signature);
        if (!signature) return fail(std::move(signature));
        auto certificate = read_record_file(card, Application::text, ef::text_certificate);
        if (!certificate) return fail(std::move(certificate));
        auto record = parse_text_record(*four_data, *signature, *certificate, roots);
        if (!record) return fail(std::move(record));
        return TextReading(std::move(*record));
    });
}

Result<SurfaceReading> MyNumberCard::read_surface(const SecretBytes& number_b, std::span<const CvRoot> roots,
                                                  Random& random, LastTry last_try, Deadline deadline) {
    if (!is_digits(number_b.bytes(), number_b_digits))
        return fail(ErrorCode::card_pin_format, "number B has 14 digits");
    return in_transaction(channel_, deadline, [&](CardTransaction& card) -> Result<SurfaceReading> {
        auto entered = enter(card, Application::surface);
        if (!entered) return fail(std::move(entered));
        auto opening = open_with(card, Application::surface, ef::surface_number_b, number_b, last_try);
        if (!opening) return fail(std::move(opening));
        if (!std::holds_alternative<Opened>(*opening)) return not_opened<SurfaceReading>(*opening);
        auto file = read_record_file(card, Application::surface, ef::surface_record);
        if (!file) return fail(std::move(file));
        auto certificate = read_record_file(card, Application::surface, ef::surface_certificate);
        if (!certificate) return fail(std::move(certificate));
        auto record = parse_surface_record(*file, *certificate, roots);
        if (!record) return fail(std::move(record));
        auto present = prove_presence(card, record->card_key, random);
        if (!present) return fail(std::move(present));
        return SurfaceReading(std::move(*record));
    });
}

}  // namespace onshi::smartcard
