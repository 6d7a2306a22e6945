// The patient's way: card, PIN, the hub's answer, consents, the result for the billing system.
#include "terminal/check_in.h"

#include <algorithm>

#include "platform/event_loop/event_loop.h"
#include "platform/telemetry/log.h"
#include "terminal/after_check.h"
#include "terminal/limits.h"
#include "terminal/number_visits.h"

namespace onshi::terminal {

namespace {

using kiosk::Action;
using kiosk::CheckResult;
using kiosk::Code;
using kiosk::Event;
using kiosk::Input;
using smartcard::PinState;

Input told(Event event) {
    Input input;
    input.event = event;
    return input;
}

Input pin_wrong(unsigned tries_left) {
    Input input = told(Event::pin_wrong);
    input.pin_tries = static_cast<int>(tries_left);
    return input;
}

Code code_of(ErrorCode code) {
    return code == ErrorCode::card_other || code == ErrorCode::card_old_resident ? Code::other_card : Code::unreadable;
}

bool opens_without_pin(kiosk::Method method) {
    return method == kiosk::Method::visual || method == kiosk::Method::face;
}

FaceConsents face_consents(const kiosk::Choices& choices) {
    const auto agreed = [&](kiosk::Item item) { return choices.agreed[static_cast<std::size_t>(item)]; };
    FaceConsents consents;
    consents.surgery = agreed(kiosk::Item::surgery);
    consents.medicines = agreed(kiosk::Item::care_and_medicine);
    consents.visits = agreed(kiosk::Item::care_and_medicine);
    consents.checkups = agreed(kiosk::Item::checkups);
    consents.specified_disease = agreed(kiosk::Item::specified_disease);
    return consents;
}

}  // namespace

std::optional<Input> CheckIn::carry_out(Order order) {
    const std::uint64_t session = order.session.number;
    std::optional<Input> outcome;
    switch (order.action) {
        case Action::read_card: outcome = read_card(); break;
        case Action::verify_pin: outcome = verify_pin(std::move(order)); break;
        case Action::check: outcome = check(order); break;
        case Action::register_card: outcome = register_card(order); break;
        case Action::submit: outcome = submit(order.session); break;
        case Action::forget_pin: pin_ = SecretBytes(); break;
        case Action::forget_session: forget_session(); break;
        case Action::aim_face: outcome = aim_face(std::move(order)); break;
        case Action::match_face: outcome = match_face(); break;
        case Action::stop_face:
        case Action::beep:
        case Action::alert_staff:
        case Action::reload_page: break;
    }
    if (outcome) outcome->session = session;
    return outcome;
}

Input CheckIn::read_card() {
    forget_session();
    auto opened = open_card();
    if (!opened) {
        log_failure(Level::info, "kiosk.card", opened.error());
        Input input = told(Event::read_failed);
        input.code = code_of(opened.error().code);
        return input;
    }
    smartcard::MyNumberCard card(*card_->channel);
    auto overview = card.recognise(Deadline::in(card_deadline));
    if (!overview) {
        Input input = told(Event::read_failed);
        input.code = code_of(overview.error().code);
        return input;
    }
    // While the patient chooses a method there is time for it.
    if (!ready_challenge() && !without_hub()) {
        auto fresh = fresh_challenge(Deadline::in(challenge_deadline));
        if (fresh) {
            challenge_ = std::move(*fresh);
            challenge_at_ = std::chrono::steady_clock::now();
        }
    }
    Input input = told(Event::read_ok);
    input.pin_available = overview->pin != PinState::missing;
    input.pin_tries = overview->pin == PinState::locked ? 0 : static_cast<int>(overview->pin_tries_left);
    offer_face(input);
    return input;
}

// I2, I3: the card hears of a PIN only from here, and of the last try only when the patient has confirmed it twice.
Input CheckIn::verify_pin(Order order) {
    const auto tries = static_cast<unsigned>(std::max(order.session.pin_tries, 0));
    pin_ = std::move(order.pin);
    if (!card_ || pin_.empty()) return pin_wrong(tries);
    order.session.method = kiosk::Method::pin;
    std::optional<std::string> challenge = ready_challenge();
    eligibility::Purpose purpose = eligibility::Purpose::check;
    if (!challenge) {
        purpose = eligibility::Purpose::deferred;
        challenge = take_held_challenge();
    }
    SignedCheck check = blank(order, purpose, challenge.value_or(""));
    const auto last_try = tries == 1 ? smartcard::LastTry::spend : smartcard::LastTry::keep;
    const std::string lines = signed_text(check);
    smartcard::MyNumberCard card(*card_->channel);
    const smartcard::SignRequest request{as_bytes(lines), Bytes(card_->certificate_der)};
    auto checked = card.check_pin(pin_, request, last_try, Deadline::in(card_deadline));
    if (!checked) {
        log_failure(Level::info, "kiosk.card", checked.error());
        pin_ = SecretBytes();
        return pin_wrong(tries);
    }
    if (auto* signature = std::get_if<smartcard::CardSignature>(&*checked)) {
        check.algorithm = signature->algorithm;
        check.signature = as_text(signature->signature);
        signed_ = std::move(check);
        // Who knows the PIN is not kept out by a camera that did not know them.
        set_face_failures(0);
        return told(Event::pin_ok);
    }
    pin_ = SecretBytes();
    if (const auto* wrong = std::get_if<smartcard::CredentialWrong>(&*checked)) return pin_wrong(wrong->tries_left);
    if (std::holds_alternative<smartcard::LastTryKept>(*checked)) return pin_wrong(1);
    return pin_wrong(0);
}

Input CheckIn::check(const Order& order) {
    // Registering was a check, too, and has its answer.
    if (answer_is_new_) {
        answer_is_new_ = false;
        return take_answer(std::move(answer_));
    }
    if (!card_) return *refused_input(ErrorCode::card_removed);
    if (opens_without_pin(order.session.method)) {
        signed_.reset();
        const auto ready = ready_challenge();
        if (!ready) return go_offline(order);
        SignedCheck check = blank(order, eligibility::Purpose::check, *ready);
        auto signing = sign(check);
        if (!signing) {
            log_failure(Level::warn, "kiosk.card", signing.error());
            return *refused_input(ErrorCode::method_not_allowed);
        }
        signed_ = std::move(check);
    }
    if (!signed_ || signed_->purpose == eligibility::Purpose::deferred || without_hub()) return go_offline(order);
    auto answer = ask(order, false);
    if (answer) return take_answer(std::move(*answer));
    const auto refused = refused_input(answer.error().code);
    if (!refused) return go_offline(order);
    log_failure(Level::warn, "kiosk.check_refused", answer.error());
    pin_ = SecretBytes();
    return *refused;
}

Input CheckIn::register_card(const Order& order) {
    auto answer = ask(order, true);
    pin_ = SecretBytes();
    if (!answer) {
        log_failure(Level::warn, "kiosk.registration", answer.error());
        return told(Event::unreachable);
    }
    answer_ = std::move(*answer);
    answer_is_new_ = true;
    return told(Event::registered);
}

Input CheckIn::take_answer(std::string answer) {
    auto view = JsonView::parse(answer);
    if (!view) {
        log_failure(Level::error, "kiosk.answer", view.error());
        return *refused_input(view.error().code);
    }
    answer_ = std::move(answer);
    published_ = false;
    challenge_ = view->root().object("next_challenge").text("challenge");
    challenge_at_ = std::chrono::steady_clock::now();
    const Input input = checked_input(view->root());
    if (input.result == CheckResult::not_registered) return input;
    pin_ = SecretBytes();
    keep_for_next_visit(view->root());
    // Nothing is left to ask the patient: the desk sees why at once.
    if (input.result == CheckResult::not_valid) publish_unanswered();
    return input;
}

void CheckIn::keep_for_next_visit(JsonItem answer) {
    if (parts_.last_visit_days <= 0 || !card_) return;
    const bool valid = answer.object("result").text("name") == "valid";
    auto kept = valid ? run_to_end(keep_last_visit(parts_.store, card_->name, answer_, parts_.clock.now()))
                      : run_to_end(forget_last_visit(parts_.store, card_->name));
    if (!kept) log_failure(Level::warn, "terminal.last_visit", kept.error());
    // A billing system may ask for the same person by number.
    std::string terms = visit_terms(answer);
    kept = valid ? run_to_end(keep_number_visit(parts_.store, std::move(terms), answer_, parts_.clock.now()))
                 : run_to_end(forget_number_visit(parts_.store, std::move(terms)));
    if (!kept) log_failure(Level::warn, "terminal.last_visit", kept.error());
}

Input CheckIn::submit(const kiosk::Session& session) {
    auto view = JsonView::parse(answer_);
    if (!view) return told(Event::unreachable);
    FaceConsents consents;
    std::string consented;
    const auto choices = choices_of(session);
    const PostToHub post = [this](std::string target, std::string body) {
        return parts_.hub.post(std::move(target), std::move(body), Deadline::in(consents_deadline));
    };
    const std::string receipt(view->root().text("receipt"));
    if (!choices.empty()) {
        auto recorded = run_to_end(send_consents(post, receipt, choices));
        if (!recorded && means_away(recorded.error().code)) return told(Event::submit_failed);
        // What the hub did not record was not agreed to.
        if (!recorded) log_failure(Level::warn, "kiosk.consents", recorded.error());
        if (recorded) {
            consents = face_consents(session.choices);
            consented = std::move(*recorded);
        }
    }
    std::string chosen;
    if (session.subsidies_decided()) {
        const auto used = used_offers(subsidy_offers(view->root()), session.choices.subsidies);
        auto recorded = run_to_end(send_subsidy_choice(post, receipt, used));
        if (!recorded && means_away(recorded.error().code)) return told(Event::submit_failed);
        // What the hub did not record is not used: the counter can still choose.
        if (!recorded) log_failure(Level::warn, "kiosk.subsidies", recorded.error());
        if (recorded) chosen = std::move(*recorded);
    }
    const Instant now = parts_.clock.now();
    auto published = publish_face(answer_, consents, consented, now, parts_.random);
    if (published && parts_.profile.subsidy_files && !chosen.empty()) {
        published = publish(make_subsidy_file(view->root(), std::move(chosen), now, parts_.random));
    }
    if (!published) log_failure(Level::warn, "terminal.folder", published.error());
    published_ = true;
    return told(Event::submitted);
}

void CheckIn::publish_unanswered() {
    if (answer_.empty() || published_) return;
    auto published = publish_face(answer_, {}, {}, parts_.clock.now(), parts_.random);
    if (!published) log_failure(Level::warn, "terminal.folder", published.error());
    published_ = true;
}

Result<void> CheckIn::publish_face(std::string_view answer, const FaceConsents& consents, std::string_view consented,
                                   Instant given_at, Random& random) {
    auto view = JsonView::parse(answer);
    if (!view) return fail(std::move(view));
    auto recorded = JsonView::parse(consented.empty() ? "{}" : consented);
    if (!recorded) return fail(std::move(recorded));
    const FindReference none = [](const oqs::PersonRecord&) { return std::string(); };
    const AnswerStyle style{parts_.profile, none, local_digits(given_at)};
    auto file = make_face_file(view->root(), consents, recorded->root(), given_at, style, random);
    if (!file) return fail(std::move(file));
    return publish(std::move(*file));
}

Result<void> CheckIn::publish(FaceFile file) {
    auto published = parts_.publish(file);
    if (!published && unpublished_.size() < unpublished_max) unpublished_.push_back(std::move(file));
    return published;
}

// I4: an answer whose questions nobody answered is told all the same, with nothing agreed to.
void CheckIn::forget_session() {
    if (!answer_is_new_) publish_unanswered();
    card_.reset();
    pin_ = SecretBytes();
    signed_.reset();
    answer_.clear();
    answer_is_new_ = false;
    published_ = false;
    forget_face();
}

}  // namespace onshi::terminal
