// What a card signs, and what the hub says to it.
#include <array>

#include "domain/eligibility/rules.h"
#include "platform/event_loop/event_loop.h"
#include "platform/telemetry/log.h"
#include "terminal/check_in.h"
#include "terminal/limits.h"

namespace onshi::terminal {

namespace {

constexpr int challenge_rounds_max = 2;

bool wants_fresh_challenge(ErrorCode code) {
    return code == ErrorCode::challenge_expired || code == ErrorCode::challenge_invalid ||
           code == ErrorCode::challenge_used;
}

}  // namespace

Result<void> CheckIn::open_card() {
    auto channel = parts_.slot.connect();
    if (!channel) return fail(std::move(channel));
    smartcard::MyNumberCard card(**channel);
    auto overview = card.recognise(Deadline::in(card_deadline));
    if (!overview) return fail(std::move(overview));
    auto der = card.read_auth_certificate(Deadline::in(card_deadline));
    if (!der) return fail(std::move(der));
    auto certificate = pki::parse_certificate(*der);
    if (!certificate) return fail(std::move(certificate));
    const auto serial = CertificateSerial::from_magnitude(as_bytes(certificate->serial));
    if (!serial) return fail(serial.error().code, "the card's serial number");
    std::string name = certificate->authority_key_id + serial->hex();
    card_ = Card{std::move(*channel), std::move(*der), std::move(*certificate), serial->hex(), std::move(name)};
    return {};
}

std::string CheckIn::signed_text(const SignedCheck& check) const {
    const std::string id = check.id.text();
    eligibility::SignedLines lines;
    lines.hub_id = parts_.name.hub_id;
    lines.facility = parts_.name.facility;
    lines.terminal = parts_.name.terminal;
    lines.challenge = check.challenge;
    lines.purpose = eligibility::to_string(check.purpose);
    lines.method = organisations::to_string(check.method);
    lines.face_engine = check.face_engine;
    lines.care_day = check.care_day;
    lines.operator_reference = check.operator_reference;
    lines.check_id = id;
    return eligibility::to_text(lines);
}

SignedCheck CheckIn::blank(const Order& order, eligibility::Purpose purpose, std::string challenge) {
    const bool by_eye = order.session.method == kiosk::Method::visual;
    const bool by_face = order.session.method == kiosk::Method::face && parts_.face != nullptr;
    const auto method = by_eye    ? organisations::Method::visual
                        : by_face ? organisations::Method::face
                                  : organisations::Method::pin;
    return {.id = CheckId::make(parts_.random),
            .purpose = purpose,
            .method = method,
            .care_day = japan_day(parts_.clock.now()),
            .challenge = std::move(challenge),
            .operator_reference = by_eye ? order.operator_reference : std::string(),
            .visual_reason = by_eye ? order.visual_reason : std::string(),
            .face_engine = by_face ? std::string(parts_.face->name()) : std::string(),
            .authority_key_id = card_->certificate.authority_key_id,
            .serial_hex = card_->serial_hex,
            .algorithm = pki::SignatureAlgorithm::rsa_pkcs1_sha256,
            .signature = {},
            .registers = false};
}

// By a PIN that the card has said to be right, or without one.
Result<void> CheckIn::sign(SignedCheck& check) {
    const std::string lines = signed_text(check);
    const smartcard::SignRequest request{as_bytes(lines), Bytes(card_->certificate_der)};
    smartcard::MyNumberCard card(*card_->channel);
    if (check.method == organisations::Method::face && !recognised_) {
        return fail(ErrorCode::method_not_allowed, "nobody was recognised");
    }
    if (check.method != organisations::Method::pin) {
        if (parts_.pinless == nullptr) return fail(ErrorCode::card_pinless_refused, "this terminal has no key for it");
        auto signature = card.check_pinless(*parts_.pinless, request, Deadline::in(card_deadline));
        if (!signature) return fail(std::move(signature));
        check.algorithm = signature->algorithm;
        check.signature = as_text(signature->signature);
        return {};
    }
    if (pin_.empty()) return fail(ErrorCode::card_pin_format, "the PIN was forgotten");
    auto checked = card.check_pin(pin_, request, smartcard::LastTry::keep, Deadline::in(card_deadline));
    if (!checked) return fail(std::move(checked));
    const auto code = smartcard::error_code_of(*checked);
    if (code) return fail(*code, "");
    auto& signature = std::get<smartcard::CardSignature>(*checked);
    check.algorithm = signature.algorithm;
    check.signature = as_text(signature.signature);
    return {};
}

Result<std::string> CheckIn::fresh_challenge(Deadline deadline) {
    auto body = run_to_end(parts_.hub.post("/v1/challenges", challenge_body(eligibility::Purpose::check, 1), deadline));
    if (!body) return fail(std::move(body));
    auto challenges = read_challenges(*body);
    if (!challenges) return fail(std::move(challenges));
    return std::move(challenges->front());
}

// The one that came with the last answer, while it is good.
std::optional<std::string> CheckIn::ready_challenge() const {
    // Nothing but a held challenge is of use while the hub says that it cannot answer.
    const bool usable =
        !challenge_.empty() && !without_hub() && std::chrono::steady_clock::now() - challenge_at_ < challenge_usable;
    return usable ? std::optional(challenge_) : std::nullopt;
}

Result<std::string> CheckIn::send(const SignedCheck& check, Deadline deadline) {
    auto answer = run_to_end(parts_.hub.post("/v1/checks", check_body(check, {}), deadline));
    if (answer || answer.error().code != ErrorCode::certificate_needed) return answer;
    return run_to_end(parts_.hub.post("/v1/checks", check_body(check, as_text(card_->certificate_der)), deadline));
}

// Sends what the card has signed; a challenge that the hub does not take is replaced once, and so is that of a check
// which also registers, because it is another wish.
Result<std::string> CheckIn::ask(const Order& order, bool registers) {
    const Deadline deadline = Deadline::in(card_check_deadline);
    for (int round = 1;; ++round) {
        if (registers || round > 1) {
            std::optional<std::string> challenge = round == 1 ? ready_challenge() : std::nullopt;
            if (!challenge) {
                auto fresh = fresh_challenge(deadline);
                if (!fresh) return fresh;
                challenge = std::move(*fresh);
            }
            SignedCheck check = blank(order, eligibility::Purpose::check, std::move(*challenge));
            check.registers = registers;
            auto signing = sign(check);
            if (!signing) return fail(std::move(signing));
            signed_ = std::move(check);
        }
        challenge_.clear();
        auto answer = send(*signed_, deadline);
        if (answer || round == challenge_rounds_max || !wants_fresh_challenge(answer.error().code)) return answer;
    }
}

}  // namespace onshi::terminal
