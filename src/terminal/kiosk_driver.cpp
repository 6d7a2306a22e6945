#include "terminal/kiosk_driver.h"

#include "platform/telemetry/log.h"
#include "terminal/limits.h"
#include "terminal/visual_accounts.h"

namespace onshi::terminal {

void KioskDriver::start(std::function<void(const kiosk::Input&)> tell) {
    tell_ = std::move(tell);
    check_in_.listen(tell_);
    thread_ = std::thread([this] { work(); });
    const auto tell_event = [this](kiosk::Event event) {
        kiosk::Input input;
        input.event = event;
        tell_(input);
    };
    if (!settings_.reader) return tell_event(kiosk::Event::ready);
    watch_ = std::make_unique<CardWatch>(*settings_.reader, tell_event);
}

void KioskDriver::stop() {
    watch_.reset();
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    check_in_.stop_aiming();
    woken_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void KioskDriver::take_pin(SecretBytes pin) {
    pin_ = std::move(pin);
}

void KioskDriver::take_number_b(SecretBytes digits) {
    number_b_ = std::move(digits);
}

bool KioskDriver::take_visual(VisualClaim claim) {
    operator_.clear();
    reason_.clear();
    if (!is_visual_password(settings_.visual_accounts, claim.operator_reference, claim.password)) return false;
    operator_ = std::move(claim.operator_reference);
    reason_ = std::move(claim.reason);
    return true;
}

void KioskDriver::carry_out(kiosk::Action action, const kiosk::Session& session) {
    switch (action) {
        case kiosk::Action::stop_face: return check_in_.stop_aiming();
        case kiosk::Action::beep:
        case kiosk::Action::alert_staff:
        case kiosk::Action::reload_page: return;
        default: break;
    }
    Order order;
    order.action = action;
    order.session = session;
    if (action == kiosk::Action::verify_pin) order.pin = std::move(pin_);
    if (action == kiosk::Action::aim_face) {
        order.number_b = std::move(number_b_);
        order.aim = check_in_.begin_aim();
    }
    if (session.method == kiosk::Method::visual) order.operator_reference = operator_;
    if (session.method == kiosk::Method::visual) order.visual_reason = reason_;
    if (action == kiosk::Action::forget_session) {
        check_in_.stop_aiming();
        pin_ = SecretBytes();
        number_b_ = SecretBytes();
        operator_.clear();
        reason_.clear();
    }
    {
        const std::scoped_lock lock(mutex_);
        // A page cannot bring so many about in a session's time; what counts is that nothing is forgotten.
        if (orders_.size() >= orders_max && action != kiosk::Action::forget_session) {
            return log_event(Level::error, "kiosk.orders_full");
        }
        orders_.push_back(std::move(order));
    }
    woken_.notify_all();
}

std::optional<Order> KioskDriver::next_order(SteadyTime until) {
    std::unique_lock lock(mutex_);
    woken_.wait_until(lock, until, [this] { return stopping_ || !orders_.empty(); });
    if (orders_.empty()) return std::nullopt;
    Order order = std::move(orders_.front());
    orders_.pop_front();
    return order;
}

void KioskDriver::work() {
    SteadyTime catch_up_at = std::chrono::steady_clock::now();
    for (;;) {
        auto order = next_order(catch_up_at);
        if (order) {
            const auto outcome = check_in_.carry_out(std::move(*order));
            if (outcome) tell_(*outcome);
            continue;
        }
        {
            const std::scoped_lock lock(mutex_);
            if (stopping_) break;
        }
        const auto wait = check_in_.catch_up();
        catch_up_at = std::chrono::steady_clock::now() + wait;
    }
    check_in_.close();
}

}  // namespace onshi::terminal
