// What the hub said, what the patient is asked, and what time does.
#include <algorithm>

#include "terminal/kiosk_machine.h"

namespace onshi::terminal::kiosk {

void Machine::on_hub(const Input& input) {
    switch (input.event) {
        case Event::checked:
            if (state_ == State::checking) on_checked(input);
            return;
        case Event::unreachable: {
            const bool waiting =
                state_ == State::checking || state_ == State::registering || state_ == State::submitting;
            // Behind a time-out that has said so already: now it is known whether the check follows by itself.
            const bool was_said = state_ == State::net_error;
            if (!waiting && !was_said) return;
            if (input.kept && !session_.kept) {
                session_.kept = true;
                ++revision_;
            }
            if (waiting) trouble(State::net_error, Code::hub_away);
            return;
        }
        case Event::registered:
            if (state_ != State::registering) return;
            act(Action::check);
            return go(State::checking);
        case Event::submitted:
            if (state_ == State::submitting) go(State::done);
            return;
        case Event::submit_failed:
            if (state_ != State::submitting) return;
            if (++session_.submits > submit_retries) return trouble(State::net_error, Code::hub_away);
            return submit();
        default: return;
    }
}

void Machine::on_checked(const Input& input) {
    switch (input.result) {
        case CheckResult::not_registered:
            // The card must sign once more for it.
            if (!card_ && !session_.by_phone) return trouble(State::ask_desk, Code::not_registered);
            return go(State::registration);
        case CheckResult::certificate_dead: return trouble(State::certificate_dead, Code::certificate_dead);
        case CheckResult::not_valid: return trouble(State::ask_desk, input.code);
        default: break;
    }
    session_.eligible = true;
    session_.grace = input.result == CheckResult::grace;
    session_.programmes = input.programmes;
    if (session_.programmes.size() > subsidies_max) session_.programmes.resize(subsidies_max);
    session_.choices.subsidies.clear();
    session_.prescriptions = std::max(input.prescriptions, 0);
    // I5: only what is offered here can be agreed to. In the grace time no medical data are offered (F14).
    session_.offered.clear();
    for (const Item item : {Item::surgery, Item::care_and_medicine, Item::checkups}) {
        const bool asked = settings_.items[static_cast<std::size_t>(item)] && !session_.grace && input.medical_data &&
                           (item != Item::checkups || input.forty_or_older);
        if (asked) session_.offered.push_back(item);
    }
    auto& questions = session_.questions;
    questions.clear();
    if (input.result != CheckResult::ok) questions.push_back(State::notice);
    if (!session_.offered.empty()) questions.push_back(State::consent);
    session_.specified =
        input.specified_certificate && settings_.items[static_cast<std::size_t>(Item::specified_disease)];
    if (session_.specified) questions.push_back(State::specified);
    questions.insert(questions.end(), session_.programmes.size(), State::subsidy);
    if (settings_.prescription_type) questions.push_back(State::prescription_type);
    if (settings_.prescription_pick && session_.prescriptions > 0) questions.push_back(State::prescription_pick);
    if (session_.removed_early) removal_ends_ = now_ + limits::early_removal;
    next_question();
}

void Machine::next_question() {
    if (session_.questions.empty()) return submit();
    const State next = session_.questions.front();
    session_.questions.erase(session_.questions.begin());
    go(next);
}

void Machine::on_question(const Input& input) {
    auto& agreed = session_.choices.agreed;
    const auto agree = [&](Item item) { agreed[static_cast<std::size_t>(item)] = true; };
    switch (state_) {
        case State::registration:
            if (input.event == Event::no) return trouble(State::ask_desk, Code::not_registered);
            act(Action::register_card);
            return go(State::registering);
        case State::consent:
            if (input.event == Event::pick) return go(State::consent_pick);
            if (input.event == Event::all) std::ranges::for_each(session_.offered, agree);
            return next_question();
        case State::consent_pick:
            if (input.event == Event::back) return go(State::consent);
            for (const Item item : input.picked) {
                if (std::ranges::find(session_.offered, item) != session_.offered.end()) agree(item);
            }
            return next_question();
        case State::specified:
            if (input.event == Event::yes) agree(Item::specified_disease);
            return next_question();
        case State::subsidy: session_.choices.subsidies.push_back(input.event == Event::yes); return next_question();
        case State::prescription_type:
            session_.choices.electronic_prescription = input.event == Event::yes;
            return next_question();
        case State::notice:
        case State::prescription_pick: return next_question();
        default: return;
    }
}

void Machine::submit() {
    removal_ends_.reset();
    act(Action::submit);
    go(State::submitting);
}

// I4: time-out, removal and cancelling agree to nothing, whatever was touched before. Which subsidies are used stays
// undecided then: it can be said at the counter.
void Machine::close_questions() {
    session_.choices.agreed.fill(false);
    session_.choices.subsidies.clear();
    session_.choices.electronic_prescription = false;
    session_.questions.clear();
    submit();
}

std::optional<Moment> Machine::limit_of(State state) const {
    switch (state) {
        case State::reading: return limits::reading;
        case State::method:
        case State::face_fail:
        case State::pin_locked:
        case State::notice:
        case State::specified:
        case State::subsidy:
        case State::prescription_type:
        case State::prescription_pick: return limits::question;
        case State::face_aim: return limits::face_aim;
        case State::face_match: return limits::face_match;
        case State::pin: return limits::pin;
        case State::visual: return limits::visual;
        case State::checking:
        case State::registering: return limits::checking;
        case State::registration: return limits::registration;
        case State::consent:
        case State::consent_pick: return limits::consent;
        case State::submitting: return limits::submitting;
        case State::done: return session_.by_phone ? limits::done_by_phone : limits::card_left;
        case State::end:
        case State::card_left: return limits::card_left;
        case State::thanks: return limits::thanks;
        case State::ask_desk:
        case State::certificate_dead:
        case State::card_error:
        case State::net_error: return limits::trouble;
        case State::phone_type:
        case State::phone_pin:
        case State::phone_hold: return limits::phone;
        case State::out_of_service:
        case State::idle: return std::nullopt;
    }
    return std::nullopt;
}

namespace {

// Machines are not made slower by slow people.
bool is_persons_time(State state) {
    switch (state) {
        case State::reading:
        case State::face_match:
        case State::checking:
        case State::registering:
        case State::submitting:
        case State::thanks:
        case State::card_left: return false;
        default: return true;
    }
}

bool warns(State state) {
    return is_persons_time(state) && state != State::face_aim && state != State::visual && state != State::done &&
           state != State::end && state != State::ask_desk && state != State::certificate_dead &&
           state != State::card_error && state != State::net_error;
}

}  // namespace

void Machine::start_limit() {
    auto limit = limit_of(state_);
    if (limit && modes_.slow && is_persons_time(state_)) *limit *= 3;
    state_ends_.reset();
    if (limit) state_ends_ = now_ + *limit;
}

void Machine::start_session() {
    session_ = Session();
    session_.number = ++sessions_;
    session_ends_ = now_ + limits::session;
}

void Machine::go(State state) {
    // The camera looks only while the screen says so.
    if (state_ == State::face_aim && state != State::face_match) act(Action::stop_face);
    if (state == State::face_aim) {
        session_.hint.reset();
        session_.code = Code::none;
        act(Action::aim_face);
    }
    state_ = state;
    // Who called for help waits for it, whatever the devices do meanwhile.
    if (overlay_ != Overlay::help_called) overlay_ = Overlay::none;
    ++revision_;
    if (state == State::reading) start_session();
    if ((state == State::done || state == State::end) && !card_ && !session_.by_phone) state_ = State::thanks;
    if (state == State::end && session_.by_phone) state_ = State::thanks;
    start_limit();
}

// I6, I12: the next patient begins with nothing of this one.
void Machine::end_session() {
    if (state_ != State::idle) act(Action::forget_session);
    session_ = Session();
    session_ends_.reset();
    removal_ends_.reset();
    help_ends_.reset();
    overlay_ = Overlay::none;
    language_ = Language::ja;
    modes_ = Modes();
}

void Machine::go_idle() {
    end_session();
    act(Action::reload_page);
    go(State::idle);
}

void Machine::state_timed_out() {
    switch (state_) {
        case State::reading: return trouble(State::card_error, Code::unreadable);
        case State::face_aim: return go(State::face_fail);
        case State::face_match: {
            ++session_.face_tries;
            return go(State::face_fail);
        }
        case State::checking:
        case State::registering:
        case State::submitting: return trouble(State::net_error, Code::hub_away);
        case State::registration: return trouble(State::ask_desk, Code::not_registered);
        case State::done:
            if (session_.by_phone) return go_idle();
            return go(State::card_left);
        case State::end: return go(State::card_left);
        case State::card_left:
            // Again and again until somebody takes it.
            act(Action::beep);
            act(Action::alert_staff);
            return start_limit();
        case State::thanks:
        case State::ask_desk:
        case State::certificate_dead:
        case State::card_error:
        case State::net_error: return go_idle();
        case State::idle:
        case State::out_of_service: return;
        default: break;
    }
    if (session_.eligible) return close_questions();
    act(Action::forget_pin);
    go(State::end);
}

// Whatever became due since the last event, in its order.
void Machine::pass_time() {
    const Moment until = now_;
    for (int steps = 0; steps < 1'000; ++steps) {
        const auto due = next_change();
        if (!due || *due > until) break;
        now_ = *due;
        if (overlay_ == Overlay::help_called) {
            release_help();
            ++revision_;
        } else if (removal_ends_ && *removal_ends_ <= now_) {
            close_questions();
        } else if (state_ends_ && *state_ends_ <= now_) {
            state_timed_out();
        } else if (session_ends_ && *session_ends_ <= now_ && before_submitting()) {
            session_ends_.reset();
            act(Action::forget_pin);
            if (session_.eligible) {
                close_questions();
            } else {
                go(State::end);
            }
        } else if (session_ends_ && *session_ends_ <= now_) {
            session_ends_.reset();
        } else {
            overlay_ = Overlay::timeout_warning;
            act(Action::beep);
            ++revision_;
        }
    }
    now_ = until;
}

std::optional<Moment> Machine::next_change() const {
    if (overlay_ == Overlay::help_called) return help_ends_;
    std::optional<Moment> next = state_ends_;
    const auto sooner = [&next](std::optional<Moment> other) {
        if (other && (!next || *other < *next)) next = other;
    };
    sooner(session_ends_);
    sooner(removal_ends_);
    const bool warn = state_ends_ && overlay_ != Overlay::timeout_warning && warns(state_);
    if (warn) sooner(*state_ends_ - limits::warning);
    return next;
}

std::optional<Moment> Machine::time_left(Moment now) const {
    if (overlay_ == Overlay::help_called) return std::nullopt;
    auto ends = state_ends_;
    if (removal_ends_ && (!ends || *removal_ends_ < *ends)) ends = removal_ends_;
    if (!ends) return std::nullopt;
    return std::max(*ends - now, Moment(0));
}

bool Machine::allows(Event event) const {
    if (overlay_ == Overlay::help_called) return event == Event::help_release;
    if (state_ == State::out_of_service) return event == Event::help;
    switch (event) {
        case Event::help_release: return false;
        case Event::help: return true;
        case Event::touch: return in_session();
        case Event::language:
        case Event::mode: return state_ == State::idle || before_submitting();
        case Event::cancel: return before_submitting() && overlay_ != Overlay::confirm_cancel;
        case Event::confirm:
        case Event::dismiss: return overlay_ == Overlay::confirm_cancel;
        case Event::go_on: return overlay_ == Overlay::timeout_warning;
        case Event::phone: return state_ == State::idle && settings_.phone_reader && !card_;
        default: break;
    }
    if (overlay_ == Overlay::confirm_cancel) return false;
    switch (state_) {
        case State::method:
            if (event == Event::face) return can_use_face();
            if (event == Event::pin) return can_use_pin();
            return event == Event::visual && settings_.visual;
        case State::face_aim: return event == Event::back || (event == Event::pin && can_use_pin());
        case State::face_fail:
            if (event == Event::retry) return can_use_face();
            if (event == Event::pin) return can_use_pin();
            if (event == Event::visual) return settings_.visual;
            return event == Event::back;
        case State::pin: return event == Event::pin_submit || event == Event::back;
        case State::pin_locked:
            if (event == Event::face) return can_use_face();
            if (event == Event::visual) return settings_.visual;
            return event == Event::finish;
        case State::visual: return event == Event::visual_submit || event == Event::back;
        case State::registration:
        case State::specified:
        case State::subsidy:
        case State::prescription_type: return event == Event::yes || event == Event::no;
        case State::notice:
        case State::prescription_pick: return event == Event::next;
        case State::consent: return event == Event::all || event == Event::none || event == Event::pick;
        case State::consent_pick: return event == Event::next || event == Event::back;
        case State::phone_type: return event == Event::iphone || event == Event::android || event == Event::back;
        case State::phone_pin: return event == Event::pin_submit || event == Event::back;
        default: return false;
    }
}

std::vector<Event> Machine::allowed() const {
    std::vector<Event> found;
    for (std::size_t i = 0; i < event_count; ++i) {
        const auto event = static_cast<Event>(i);
        if (is_page_event(event) && allows(event)) found.push_back(event);
    }
    return found;
}

}  // namespace onshi::terminal::kiosk
