#include "cli/card_check.h"

#include <fmt/format.h>

#include "base/date.h"
#include "cli/card_source.h"
#include "domain/eligibility/rules.h"
#include "exchange/api/checks.h"
#include "platform/text_formats/json_view.h"

namespace onshi::cli {

namespace {

using smartcard::CardSignature;
using smartcard::PinCheck;

Task<Result<std::string>> fetch_challenge(HubConnection& hub, eligibility::Purpose purpose) {
    std::string wanted = fmt::format(R"({{"purpose":"{}","count":1}})", eligibility::to_string(purpose));
    auto body = co_await hub.post("/v1/challenges", std::move(wanted), http::Replay::allowed);
    if (!body) co_return fail(std::move(body));
    auto document = JsonView::parse(*body);
    if (!document) co_return fail(std::move(document));
    const auto challenges = document->root().objects("challenges");
    if (challenges.empty() || challenges.front().text("challenge").empty()) {
        co_return fail(ErrorCode::peer_protocol, "no challenge came");
    }
    co_return std::string(challenges.front().text("challenge"));
}

organisations::Method method_of(const CardCheckParts& parts) {
    return std::holds_alternative<ByEye>(parts.opening) ? organisations::Method::visual : organisations::Method::pin;
}

// The lines as the hub will rebuild them from its own view.
std::string signed_text(const CardCheckParts& parts, const std::string& challenge, const CheckId& id, Date care_day) {
    const std::string id_text = id.text();
    eligibility::SignedLines lines;
    lines.hub_id = parts.profile.hub_id;
    lines.facility = parts.profile.facility;
    lines.terminal = parts.profile.terminal;
    lines.challenge = challenge;
    lines.purpose = eligibility::to_string(parts.purpose);
    lines.method = organisations::to_string(method_of(parts));
    lines.care_day = care_day;
    const auto* eye = std::get_if<ByEye>(&parts.opening);
    if (eye != nullptr) lines.operator_reference = eye->operator_reference;
    lines.check_id = id_text;
    return eligibility::to_text(lines);
}

Result<CardSignature> sign(const CardCheckParts& parts, const std::string& message) {
    const smartcard::SignRequest request{as_bytes(message), Bytes(parts.known.certificate_der)};
    const auto* eye = std::get_if<ByEye>(&parts.opening);
    if (eye != nullptr) return parts.card.check_pinless(eye->use, request, Deadline::in(card_deadline));
    const auto& by_pin = std::get<ByPin>(parts.opening);
    auto checked = parts.card.check_pin(by_pin.pin, request, by_pin.last_try, Deadline::in(card_deadline));
    if (!checked) return fail(std::move(checked));
    const auto code = smartcard::error_code_of(*checked);
    if (!code) return std::move(std::get<CardSignature>(*checked));
    const auto* wrong = std::get_if<smartcard::CredentialWrong>(&*checked);
    if (wrong == nullptr) return fail(*code, "");
    const std::string tries = fmt::format("{}", wrong->tries_left);
    parts.session.console().remember("tries_left", tries);
    return fail(*code, "tries left: " + tries);
}

bool wants_fresh_challenge(ErrorCode code) {
    return code == ErrorCode::challenge_expired || code == ErrorCode::challenge_invalid ||
           code == ErrorCode::challenge_used;
}

// The same check id and signature travel each time, so that the hub answers once however often it is asked.
Task<Result<std::string>> send(const CardCheckParts& parts, eligibility::CardCheck check) {
    const std::string target = parts.purpose == eligibility::Purpose::capsule ? "/v1/capsules" : "/v1/checks";
    auto answer = co_await parts.hub.post(target, api::write_card_check(check), http::Replay::allowed);
    if (answer || answer.error().code != ErrorCode::certificate_needed) co_return answer;
    check.certificate = as_text(parts.known.certificate_der);
    auto with_certificate = co_await parts.hub.post(target, api::write_card_check(check), http::Replay::allowed);
    co_return with_certificate;
}

Task<Result<std::string>> check_once(const CardCheckParts& parts, const std::string& challenge,
                                     eligibility::Registration registration) {
    const auto serial = CertificateSerial::from_magnitude(as_bytes(parts.known.certificate.serial));
    if (!serial) co_return fail(serial.error().code, "the card's serial number");
    const CheckId id = CheckId::make(parts.session.random());
    const Date care_day = japan_day(parts.session.clock().now());
    const std::string message = signed_text(parts, challenge, id, care_day);
    auto signature = sign(parts, message);
    if (!signature) co_return fail(std::move(signature));
    const auto* eye = std::get_if<ByEye>(&parts.opening);
    eligibility::CardCheck check{.id = id,
                                 .challenge = challenge,
                                 .purpose = parts.purpose,
                                 .method = method_of(parts),
                                 .care_day = care_day,
                                 .operator_reference = eye == nullptr ? std::string_view() : eye->operator_reference,
                                 .visual_reason = eye == nullptr ? std::string_view() : eye->reason,
                                 .face_engine = {},
                                 .authority_key_id = parts.known.certificate.authority_key_id,
                                 .serial = *serial,
                                 .algorithm = signature->algorithm,
                                 .signature = as_text(signature->signature),
                                 .certificate = {},
                                 .registration = registration};
    auto answer = co_await send(parts, check);
    co_return answer;
}

}  // namespace

Result<KnownCard> read_known_card(smartcard::MyNumberCard& card) {
    auto overview = card.recognise(Deadline::in(card_deadline));
    if (!overview) return fail(std::move(overview));
    auto der = card.read_auth_certificate(Deadline::in(card_deadline));
    if (!der) return fail(std::move(der));
    auto certificate = pki::parse_certificate(*der);
    if (!certificate) return fail(std::move(certificate));
    return KnownCard{std::move(*der), std::move(*certificate), *overview};
}

Task<Result<std::string>> check_by_card(const CardCheckParts& parts, std::string challenge,
                                        eligibility::Registration registration) {
    for (int round = 1;; ++round) {
        if (challenge.empty()) {
            auto fetched = co_await fetch_challenge(parts.hub, parts.purpose);
            if (!fetched) co_return fail(std::move(fetched));
            challenge = std::move(*fetched);
        }
        auto answer = co_await check_once(parts, challenge, registration);
        if (answer || round == challenge_rounds_max || !wants_fresh_challenge(answer.error().code)) co_return answer;
        challenge.clear();
    }
}

Result<smartcard::LastTry> may_use_pin(const smartcard::CardOverview& overview, Console& console, bool spend_last_try) {
    switch (overview.pin) {
        case smartcard::PinState::usable: return smartcard::LastTry::keep;
        case smartcard::PinState::locked: return fail(ErrorCode::card_pin_locked, "");
        case smartcard::PinState::missing: return fail(ErrorCode::card_pin_missing, "");
        case smartcard::PinState::last_try: break;
    }
    if (spend_last_try) return smartcard::LastTry::spend;
    if (!console.interactive())
        return fail(ErrorCode::card_pin_last_try, "give --spend-last-try once the holder was told");
    auto agreed = console.ask_yes_or_no(console.label("label.ask_last_try"));
    if (!agreed) return fail(std::move(agreed));
    if (!*agreed) return fail(ErrorCode::card_pin_last_try, "");
    return smartcard::LastTry::spend;
}

}  // namespace onshi::cli
