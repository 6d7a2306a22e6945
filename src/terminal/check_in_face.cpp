// The holder's face and the card's photo (ux §13.3). Both stay in memory, and not for long.
#include <charconv>

#include "platform/event_loop/event_loop.h"
#include "platform/telemetry/log.h"
#include "terminal/check_in.h"
#include "terminal/limits.h"

namespace onshi::terminal {

namespace {

using kiosk::Code;
using kiosk::Event;
using kiosk::Input;

Input told(Event event) {
    Input input;
    input.event = event;
    return input;
}

// Back to the choice of a method; `again`: a face may still be tried.
Input face_failed(Code code, bool again) {
    Input input = told(Event::face_failed);
    input.code = code;
    input.face_available = again;
    return input;
}

}  // namespace

// While the card is read: whether a face can be checked at all, and what is missing for it.
void CheckIn::offer_face(Input& input) {
    if (parts_.face == nullptr || parts_.pinless == nullptr) return;
    input.face_failures = face_failures();
    if (input.face_failures >= kiosk::face_failures_max) {
        input.code = Code::face_locked;
        return;
    }
    auto state = parts_.face->look();
    if (!state || !state->ready) {
        if (!state) log_failure(Level::warn, "terminal.face_engine", state.error());
        if (state) log_event(Level::warn, "terminal.face_engine_not_ready");
        input.code = Code::camera_fault;
        return;
    }
    wants_photo_ = state->wants_photo;
    input.types_number_b = wants_photo_ && !state->scans;
    if (wants_photo_ && state->scans) {
        auto scanned = parts_.face->scan();
        if (!scanned) log_failure(Level::warn, "terminal.face_engine", scanned.error());
        if (scanned) number_b_ = std::move(*scanned);
        if (number_b_.empty()) {
            input.code = Code::front_unread;
            return;
        }
    }
    input.face_available = true;
}

std::optional<Input> CheckIn::aim_face(Order order) {
    if (parts_.face == nullptr) return std::nullopt;
    if (!order.number_b.empty()) number_b_ = std::move(order.number_b);
    const std::uint64_t aim = order.aim;
    const auto stopped = [this, aim] { return stopped_aims_.load() >= aim; };
    if (stopped()) return std::nullopt;
    auto failed = read_photo();
    if (failed) return failed;
    face_used_ = true;
    const std::uint64_t session = order.session.number;
    const auto hint = [this, session](face::Hint one) {
        Input input = told(Event::frame_hint);
        input.hint = one;
        input.session = session;
        tell_(input);
    };
    auto good = parts_.face->aim(stopped, hint);
    if (!good) {
        log_failure(Level::warn, "terminal.face_engine", good.error());
        return face_failed(Code::camera_fault, false);
    }
    if (*good && !stopped()) return told(Event::frame_good);
    // Whoever turned away leaves no picture behind.
    photo_ = SecretBytes();
    parts_.face->forget();
    face_used_ = false;
    return std::nullopt;
}

// The photo of the card's chip, opened with number B, whose counter is never brought to its end from here: a misread
// digit is no reason to lock a card. nullopt: it is there.
std::optional<Input> CheckIn::read_photo() {
    if (!wants_photo_ || !photo_.empty()) return std::nullopt;
    if (!card_ || number_b_.empty()) return face_failed(Code::front_unread, true);
    smartcard::MyNumberCard card(*card_->channel);
    auto read = card.read_surface(number_b_, parts_.photo_roots, parts_.random, smartcard::LastTry::keep,
                                  Deadline::in(card_deadline));
    if (!read) {
        log_failure(Level::warn, "kiosk.card_photo", read.error());
        number_b_ = SecretBytes();
        return face_failed(Code::front_unread, read.error().code == ErrorCode::card_pin_format);
    }
    if (auto* record = std::get_if<smartcard::SurfaceRecord>(&*read)) {
        photo_ = std::move(record->photo_jp2);
        return std::nullopt;
    }
    number_b_ = SecretBytes();
    return face_failed(Code::front_unread, std::holds_alternative<smartcard::CredentialWrong>(*read));
}

Input CheckIn::match_face() {
    if (parts_.face == nullptr || (wants_photo_ && photo_.empty())) return face_failed(Code::camera_fault, false);
    auto verdict = parts_.face->match(photo_);
    // Rule 7: wiped when the comparison is over; another try reads the photo again.
    photo_ = SecretBytes();
    parts_.face->forget();
    face_used_ = false;
    if (!verdict) {
        log_failure(Level::warn, "terminal.face_engine", verdict.error());
        return face_failed(Code::camera_fault, false);
    }
    if (*verdict == face::Verdict::matched) {
        set_face_failures(0);
        recognised_ = true;
        return told(Event::face_matched);
    }
    Input input = told(Event::face_unmatched);
    input.face_failures = face_failures();
    // A picture that says nothing is not held against anybody.
    if (*verdict == face::Verdict::not_matched) set_face_failures(++input.face_failures);
    return input;
}

int CheckIn::face_failures() {
    if (!card_) return 0;
    auto kept = run_to_end(
        parts_.store.find(LocalKind::face_failures, parts_.store.tag(LocalKind::face_failures, card_->name)));
    if (!kept) {
        log_failure(Level::error, "terminal.face_failures", kept.error());
        // Nobody knows how many there were: the other ways are as good.
        return kiosk::face_failures_max;
    }
    int count = 0;
    if (*kept) {
        const std::string& text = (*kept)->content;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (error != std::errc() || end != text.data() + text.size()) return kiosk::face_failures_max;
    }
    return count;
}

void CheckIn::set_face_failures(int count) {
    if (parts_.face == nullptr || !card_) return;
    if (count == 0 && face_failures() == 0) return;
    std::string key = parts_.store.tag(LocalKind::face_failures, card_->name);
    auto kept = count == 0 ? run_to_end(parts_.store.remove(LocalKind::face_failures, std::move(key)))
                           : run_to_end(parts_.store.put(LocalKind::face_failures, std::move(key),
                                                         std::to_string(count), parts_.clock.now()));
    if (!kept) log_failure(Level::error, "terminal.face_failures", kept.error());
}

void CheckIn::forget_face() {
    number_b_ = SecretBytes();
    photo_ = SecretBytes();
    recognised_ = false;
    if (face_used_) parts_.face->forget();
    face_used_ = false;
}

}  // namespace onshi::terminal
