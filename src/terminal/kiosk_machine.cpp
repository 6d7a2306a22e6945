// What happens on the screen and at the devices.
#include "terminal/kiosk_machine.h"

#include <algorithm>

namespace onshi::terminal::kiosk {

bool Machine::can_use_face() const {
    return settings_.face && session_.face_available && session_.face_failures < face_failures_max &&
           session_.face_tries < face_tries_per_session;
}

bool Machine::can_use_pin() const {
    return session_.pin_available && session_.pin_tries > 0;
}

bool Machine::in_session() const {
    return state_ != State::out_of_service && state_ != State::idle;
}

// Where overlays may lie and cancelling makes sense.
bool Machine::before_submitting() const {
    switch (state_) {
        case State::reading:
        case State::method:
        case State::face_aim:
        case State::face_match:
        case State::face_fail:
        case State::pin:
        case State::pin_locked:
        case State::visual:
        case State::checking:
        case State::registration:
        case State::registering:
        case State::notice:
        case State::consent:
        case State::consent_pick:
        case State::specified:
        case State::subsidy:
        case State::prescription_type:
        case State::prescription_pick:
        case State::phone_type:
        case State::phone_pin:
        case State::phone_hold: return true;
        default: return false;
    }
}

std::vector<Action> Machine::apply(const Input& input, Moment now) {
    actions_.clear();
    now_ = std::max(now_, now);
    pass_time();
    if (input.event != Event::tick) on_event(input);
    return std::move(actions_);
}

void Machine::on_event(const Input& input) {
    if (input.session != 0 && input.session != session_.number) return;
    if (input.event == Event::fault) {
        if (state_ == State::out_of_service) return;
        end_session();
        return go(State::out_of_service);
    }
    if (input.event == Event::card_in || input.event == Event::card_out) {
        const bool in = input.event == Event::card_in;
        if (card_ == in) return;
        card_ = in;
        ++revision_;
        if (!in) return on_card_out();
        if (state_ != State::idle) return;
        act(Action::beep);
        act(Action::read_card);
        return go(State::reading);
    }
    if (is_page_event(input.event) || input.event == Event::help_release) {
        if (!allows(input.event)) return;
        // Whoever touches is there, and has the screen's time anew.
        if (overlay_ == Overlay::timeout_warning) overlay_ = Overlay::none;
        if (state_ends_ && input.event != Event::help_release) start_limit();
        ++revision_;
        return on_page(input);
    }
    if (input.event == Event::ready) {
        if (state_ == State::out_of_service) go_idle();
        return;
    }
    on_device(input);
    on_hub(input);
}

void Machine::on_page(const Input& input) {
    switch (input.event) {
        case Event::touch:
        case Event::go_on: return;
        case Event::language:
            language_ = input.language;
            if (overlay_ == Overlay::language) overlay_ = Overlay::none;
            return;
        case Event::mode: {
            bool* const modes[] = {&modes_.voice, &modes_.big, &modes_.low, &modes_.slow};
            bool& mode = *modes[static_cast<std::size_t>(input.mode)];
            mode = !mode;
            return;
        }
        case Event::help:
        case Event::help_release:
        case Event::cancel:
        case Event::confirm:
        case Event::dismiss: return on_overlay(input);
        case Event::phone: {
            start_session();
            session_.by_phone = true;
            return go(State::phone_type);
        }
        default: break;
    }
    switch (state_) {
        case State::method:
        case State::face_aim:
        case State::face_fail:
        case State::pin_locked: return on_method(input);
        case State::pin: return on_pin(input.event);
        case State::visual: return on_visual(input);
        case State::phone_type:
        case State::phone_pin: return on_phone(input.event);
        case State::submitting:
        case State::done:
        case State::end: return;
        default: return on_question(input);
    }
}

void Machine::on_overlay(const Input& input) {
    switch (input.event) {
        case Event::help:
            overlay_ = Overlay::help_called;
            help_began_ = now_;
            help_ends_ = now_ + limits::help;
            act(Action::alert_staff);
            return;
        case Event::help_release: return release_help();
        case Event::cancel: overlay_ = Overlay::confirm_cancel; return;
        case Event::dismiss: overlay_ = Overlay::none; return;
        default: break;
    }
    // Confirmed: what was already found out stays, nothing was agreed to.
    overlay_ = Overlay::none;
    if (session_.eligible) return close_questions();
    act(Action::forget_pin);
    go(State::end);
}

// Nobody loses the time that staff needed to come.
void Machine::release_help() {
    const Moment paused = now_ - help_began_;
    if (state_ends_) *state_ends_ += paused;
    if (session_ends_) *session_ends_ += paused;
    if (removal_ends_) *removal_ends_ += paused;
    help_ends_.reset();
    overlay_ = Overlay::none;
}

void Machine::on_card_out() {
    if (overlay_ == Overlay::help_called) release_help();
    switch (state_) {
        case State::out_of_service:
        case State::idle:
        case State::thanks: return;
        case State::done:
        case State::end: return go(State::thanks);
        case State::card_left:
        case State::ask_desk:
        case State::certificate_dead:
        case State::card_error:
        case State::net_error: return go_idle();
        case State::submitting: return;
        default: break;
    }
    if (session_.by_phone) return;
    // I7: before the card has signed, nothing is kept; registering needs it again.
    if (!session_.authenticated || state_ == State::registration || state_ == State::registering) return go_idle();
    session_.removed_early = true;
    if (session_.eligible) removal_ends_ = now_ + limits::early_removal;
}

void Machine::on_device(const Input& input) {
    switch (input.event) {
        case Event::read_ok:
            if (state_ != State::reading) return;
            session_.pin_available = input.pin_available;
            session_.pin_tries = input.pin_tries;
            session_.face_available = input.face_available;
            session_.types_number_b = input.types_number_b;
            session_.face_failures = input.face_failures;
            if (settings_.face) session_.code = input.code;
            return go(State::method);
        case Event::read_failed:
            if (state_ == State::reading) trouble(State::card_error, input.code);
            return;
        case Event::frame_hint:
        case Event::frame_good:
        case Event::face_matched:
        case Event::face_unmatched:
        case Event::face_failed: return on_camera(input);
        case Event::pin_ok:
            if (state_ == State::pin) start_check(Method::pin);
            return;
        case Event::pin_wrong:
            if (state_ != State::pin) return;
            session_.pin_tries = std::min(session_.pin_tries, input.pin_tries);
            session_.last_try_confirmed = false;
            return go(session_.pin_tries > 0 ? State::pin : State::pin_locked);
        case Event::phone_ok:
            if (state_ == State::phone_hold) start_check(Method::phone);
            return;
        case Event::phone_failed: {
            const bool waiting =
                state_ == State::phone_hold || state_ == State::phone_pin || state_ == State::phone_type;
            if (waiting) trouble(State::card_error, Code::phone_unreadable);
            return;
        }
        default: return;
    }
}

void Machine::on_camera(const Input& input) {
    switch (input.event) {
        case Event::frame_hint:
            if (state_ != State::face_aim || session_.hint == input.hint) return;
            session_.hint = input.hint;
            ++revision_;
            return;
        case Event::frame_good:
            if (state_ != State::face_aim) return;
            act(Action::match_face);
            return go(State::face_match);
        case Event::face_matched:
            if (state_ == State::face_match) start_check(Method::face);
            return;
        case Event::face_unmatched:
            if (state_ != State::face_match) return;
            session_.face_failures = std::max(session_.face_failures, input.face_failures);
            ++session_.face_tries;
            if (session_.face_failures >= face_failures_max) session_.code = Code::face_locked;
            return go(State::face_fail);
        case Event::face_failed:
            // The machine failed, not the person: what was typed may be typed again, a broken camera is not offered.
            if (state_ != State::face_aim && state_ != State::face_match) return;
            ++session_.face_tries;
            session_.number_b_given = false;
            session_.face_available = input.face_available;
            session_.code = input.code;
            return go(State::method);
        default: return;
    }
}

void Machine::on_method(const Input& input) {
    switch (input.event) {
        case Event::face:
            if (input.number_b_given) session_.number_b_given = true;
            if (session_.types_number_b && !session_.number_b_given) return;
            return go(State::face_aim);
        case Event::retry: return go(State::face_aim);
        case Event::pin: return go(State::pin);
        case Event::visual: return go(State::visual);
        case Event::back: return go(State::method);
        case Event::finish: return go(State::end);
        default: return;
    }
}

// I2: VERIFY follows from the confirm key and from nothing else. I3: the last try wants it twice.
void Machine::on_pin(Event event) {
    if (event == Event::back) {
        act(Action::forget_pin);
        return go(State::method);
    }
    if (event != Event::pin_submit) return;
    if (session_.pin_tries == 1 && !session_.last_try_confirmed) {
        session_.last_try_confirmed = true;
        return;
    }
    act(Action::verify_pin);
}

void Machine::on_visual(const Input& input) {
    if (input.event == Event::back) return go(State::method);
    if (input.event != Event::visual_submit) return;
    if (!input.password_ok) {
        if (++session_.visual_passwords < visual_passwords_max) return;
        session_.visual_passwords = 0;
        act(Action::alert_staff);
        return go(State::method);
    }
    if (input.same_person && input.reason_given) start_check(Method::visual);
}

void Machine::on_phone(Event event) {
    if (event == Event::back) return state_ == State::phone_pin ? go(State::phone_type) : go_idle();
    if (event == Event::iphone) return go(State::phone_hold);
    if (event == Event::android) return go(State::phone_pin);
    if (event == Event::pin_submit) return go(State::phone_hold);
}

void Machine::start_check(Method method) {
    session_.method = method;
    session_.authenticated = true;
    session_.code = Code::none;
    act(Action::check);
    go(State::checking);
}

void Machine::trouble(State state, Code code) {
    session_.code = code;
    act(Action::alert_staff);
    go(state);
}

}  // namespace onshi::terminal::kiosk
