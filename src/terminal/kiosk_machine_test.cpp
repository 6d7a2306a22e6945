// The kiosk's table, row by row, and its invariants over long random lives (ux §2.3).
#include "terminal/kiosk_machine.h"

#include <algorithm>
#include <array>
#include <set>

#include <gtest/gtest.h>

#include "base/random.h"

namespace onshi::terminal::kiosk {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

bool has(const std::vector<Action>& actions, Action wanted) {
    return std::ranges::find(actions, wanted) != actions.end();
}

Input event(Event which) {
    Input input;
    input.event = which;
    return input;
}

// A machine with its clock, for the tables.
class Desk {
  public:
    explicit Desk(Settings settings = all_on()) : machine(settings) { send(Event::ready); }
    static Settings all_on() {
        Settings settings;
        settings.phone_reader = true;
        settings.face = true;
        return settings;
    }
    std::vector<Action> send(const Input& input) { return machine.apply(input, now); }
    std::vector<Action> send(Event which) { return send(event(which)); }
    std::vector<Action> wait(Moment time) {
        now += time;
        return send(Event::tick);
    }
    Desk& card() {
        send(Event::card_in);
        Input read = event(Event::read_ok);
        read.face_available = true;
        send(read);
        return *this;
    }
    Desk& pin() {
        send(Event::pin);
        send(Event::pin_submit);
        send(Event::pin_ok);
        return *this;
    }
    std::vector<Action> checked(CheckResult result, bool specified = false, int subsidies = 0) {
        Input input = event(Event::checked);
        input.result = result;
        input.code = Code::lapsed;
        input.forty_or_older = true;
        input.specified_certificate = specified;
        for (int i = 0; i < subsidies; ++i) input.programmes.push_back("programme " + std::to_string(i));
        input.prescriptions = 2;
        return send(input);
    }
    [[nodiscard]] State state() const { return machine.state(); }
    Moment now{1'000};
    Machine machine;
};

TEST(Kiosk, a_card_and_its_pin_lead_to_an_answer_and_back_to_the_start) {
    Desk desk;
    EXPECT_EQ(desk.state(), State::idle);
    auto actions = desk.send(Event::card_in);
    EXPECT_TRUE(has(actions, Action::read_card) && has(actions, Action::beep));
    EXPECT_EQ(desk.state(), State::reading);
    desk.send(Event::read_ok);
    EXPECT_EQ(desk.state(), State::method);
    desk.send(Event::pin);
    EXPECT_EQ(desk.state(), State::pin);
    EXPECT_TRUE(has(desk.send(Event::pin_submit), Action::verify_pin));
    EXPECT_TRUE(has(desk.send(Event::pin_ok), Action::check));
    EXPECT_EQ(desk.state(), State::checking);
    desk.checked(CheckResult::ok);
    EXPECT_EQ(desk.state(), State::consent);
    EXPECT_TRUE(has(desk.send(Event::all), Action::submit));
    EXPECT_EQ(desk.machine.session().choices.agreed, (std::array<bool, item_count>{true, true, true, false}));
    desk.send(Event::submitted);
    EXPECT_EQ(desk.state(), State::done);
    desk.send(Event::card_out);
    EXPECT_EQ(desk.state(), State::thanks);
    actions = desk.wait(limits::thanks);
    EXPECT_EQ(desk.state(), State::idle);
    EXPECT_TRUE(has(actions, Action::reload_page) && has(actions, Action::forget_session));
}

TEST(Kiosk, a_wrong_pin_counts_down_to_the_lock) {
    Desk desk;
    desk.card().send(Event::pin);
    for (const int left : {2, 1}) {
        EXPECT_TRUE(has(desk.send(Event::pin_submit), Action::verify_pin));
        Input wrong = event(Event::pin_wrong);
        wrong.pin_tries = left;
        desk.send(wrong);
        EXPECT_EQ(desk.state(), State::pin);
    }
    EXPECT_TRUE(desk.machine.warns_of_last_try());
    EXPECT_FALSE(has(desk.send(Event::pin_submit), Action::verify_pin)) << "the last try wants a second tap";
    EXPECT_TRUE(has(desk.send(Event::pin_submit), Action::verify_pin));
    Input wrong = event(Event::pin_wrong);
    wrong.pin_tries = 0;
    desk.send(wrong);
    EXPECT_EQ(desk.state(), State::pin_locked);
    EXPECT_FALSE(desk.machine.allows(Event::pin));
    EXPECT_TRUE(desk.machine.allows(Event::visual));
}

TEST(Kiosk, three_faces_that_do_not_match_leave_the_other_ways) {
    Desk desk;
    desk.card().send(Event::face);
    for (int i = 0; i < face_tries_per_session; ++i) {
        EXPECT_EQ(desk.state(), State::face_aim);
        EXPECT_TRUE(has(desk.send(Event::frame_good), Action::match_face));
        desk.send(Event::face_unmatched);
        EXPECT_EQ(desk.state(), State::face_fail);
        desk.send(Event::retry);
    }
    EXPECT_EQ(desk.state(), State::face_fail);
    EXPECT_FALSE(desk.machine.allows(Event::retry));
    EXPECT_TRUE(desk.machine.allows(Event::pin) && desk.machine.allows(Event::visual));
}

TEST(Kiosk, the_camera_looks_only_while_the_screen_says_so) {
    Desk desk;
    EXPECT_TRUE(has(desk.card().send(Event::face), Action::aim_face));
    EXPECT_TRUE(has(desk.send(Event::back), Action::stop_face));
    EXPECT_TRUE(has(desk.send(Event::face), Action::aim_face));
    EXPECT_TRUE(has(desk.send(Event::pin), Action::stop_face));
    desk.send(Event::back);
    desk.send(Event::face);
    EXPECT_TRUE(has(desk.wait(limits::face_aim), Action::stop_face));
    EXPECT_EQ(desk.state(), State::face_fail);
    desk.send(Event::retry);
    const auto actions = desk.send(Event::frame_good);
    EXPECT_TRUE(has(actions, Action::match_face) && !has(actions, Action::stop_face));
    desk.send(Event::face_matched);
    EXPECT_EQ(desk.state(), State::checking);
    EXPECT_EQ(desk.machine.session().method, Method::face);
}

TEST(Kiosk, hints_are_shown_while_it_looks_and_only_then) {
    Desk desk;
    Input hint = event(Event::frame_hint);
    hint.hint = face::Hint::closer;
    desk.card();
    const auto before = desk.machine.revision();
    desk.send(hint);
    EXPECT_EQ(desk.machine.revision(), before);
    desk.send(Event::face);
    EXPECT_FALSE(desk.machine.session().hint);
    desk.send(hint);
    EXPECT_EQ(desk.machine.session().hint, face::Hint::closer);
    const auto shown = desk.machine.revision();
    desk.send(hint);
    EXPECT_EQ(desk.machine.revision(), shown) << "ten times a second the same is no news";
    desk.send(Event::back);
    desk.send(Event::face);
    EXPECT_FALSE(desk.machine.session().hint);
}

TEST(Kiosk, number_b_is_typed_before_a_face_that_nobody_can_scan) {
    Desk desk;
    desk.send(Event::card_in);
    Input read = event(Event::read_ok);
    read.face_available = true;
    read.types_number_b = true;
    desk.send(read);
    EXPECT_TRUE(desk.machine.wants_number_b());
    EXPECT_TRUE(desk.send(Event::face).empty());
    EXPECT_EQ(desk.state(), State::method);
    Input typed = event(Event::face);
    typed.number_b_given = true;
    EXPECT_TRUE(has(desk.send(typed), Action::aim_face));
    Input wrong = event(Event::face_failed);
    wrong.face_available = true;
    wrong.code = Code::front_unread;
    desk.send(wrong);
    EXPECT_EQ(desk.state(), State::method);
    EXPECT_EQ(desk.machine.session().code, Code::front_unread);
    EXPECT_TRUE(desk.machine.wants_number_b()) << "what was typed was wrong";
    desk.send(typed);
    EXPECT_EQ(desk.state(), State::face_aim);
}

TEST(Kiosk, a_camera_that_fails_leaves_the_other_ways_and_counts_against_nobody) {
    Desk desk;
    desk.card().send(Event::face);
    Input broken = event(Event::face_failed);
    broken.code = Code::camera_fault;
    desk.send(broken);
    EXPECT_EQ(desk.state(), State::method);
    EXPECT_FALSE(desk.machine.allows(Event::face));
    EXPECT_TRUE(desk.machine.allows(Event::pin) && desk.machine.allows(Event::visual));
    EXPECT_EQ(desk.machine.session().face_failures, 0);
    desk.pin();
    EXPECT_EQ(desk.machine.session().code, Code::none) << "it says nothing of what came after";
}

TEST(Kiosk, the_tenth_failure_of_a_face_locks_it) {
    Desk desk;
    desk.card().send(Event::face);
    desk.send(Event::frame_good);
    Input unmatched = event(Event::face_unmatched);
    unmatched.face_failures = face_failures_max;
    desk.send(unmatched);
    EXPECT_EQ(desk.state(), State::face_fail);
    EXPECT_EQ(desk.machine.session().code, Code::face_locked);
    EXPECT_FALSE(desk.machine.allows(Event::retry));
    EXPECT_TRUE(desk.machine.allows(Event::pin));
}

TEST(Kiosk, a_locked_face_is_not_offered) {
    Desk desk;
    desk.send(Event::card_in);
    Input read = event(Event::read_ok);
    read.face_available = true;
    read.face_failures = face_failures_max;
    desk.send(read);
    EXPECT_FALSE(desk.machine.allows(Event::face));
}

TEST(Kiosk, a_card_without_pin_is_opened_by_eye) {
    Desk desk;
    desk.send(Event::card_in);
    Input read = event(Event::read_ok);
    read.pin_available = false;
    desk.send(read);
    EXPECT_FALSE(desk.machine.allows(Event::pin));
    desk.send(Event::visual);
    Input eye = event(Event::visual_submit);
    eye.password_ok = true;
    eye.same_person = true;
    EXPECT_FALSE(has(desk.send(eye), Action::check)) << "a reason is wanted";
    eye.reason_given = true;
    EXPECT_TRUE(has(desk.send(eye), Action::check));
    EXPECT_EQ(desk.machine.session().method, Method::visual);
}

TEST(Kiosk, five_wrong_passwords_call_staff) {
    Desk desk;
    desk.card().send(Event::visual);
    for (int i = 1; i < visual_passwords_max; ++i)
        EXPECT_FALSE(has(desk.send(Event::visual_submit), Action::alert_staff));
    EXPECT_TRUE(has(desk.send(Event::visual_submit), Action::alert_staff));
    EXPECT_EQ(desk.state(), State::method);
}

TEST(Kiosk, every_outcome_has_its_screen) {
    const std::array rows{std::pair(CheckResult::not_registered, State::registration),
                          std::pair(CheckResult::certificate_dead, State::certificate_dead),
                          std::pair(CheckResult::not_valid, State::ask_desk),
                          std::pair(CheckResult::grace, State::notice),
                          std::pair(CheckResult::expires_soon, State::notice),
                          std::pair(CheckResult::ok, State::consent)};
    for (const auto& [result, state] : rows) {
        Desk desk;
        desk.card().pin().checked(result);
        EXPECT_EQ(desk.state(), state) << static_cast<int>(result);
    }
}

TEST(Kiosk, in_the_grace_time_no_medical_data_are_asked_for) {
    Desk desk;
    desk.card().pin().checked(CheckResult::grace, true);
    desk.send(Event::next);
    EXPECT_EQ(desk.state(), State::specified);
    EXPECT_TRUE(has(desk.send(Event::no), Action::submit));
}

TEST(Kiosk, questions_come_one_after_another) {
    Settings settings = Desk::all_on();
    settings.prescription_type = true;
    settings.prescription_pick = true;
    Desk desk(settings);
    desk.card().pin().checked(CheckResult::expires_soon, true, 2);
    EXPECT_EQ(desk.state(), State::notice);
    desk.send(Event::next);
    EXPECT_EQ(desk.state(), State::consent);
    desk.send(Event::pick);
    EXPECT_EQ(desk.state(), State::consent_pick);
    Input picked = event(Event::next);
    picked.picked = {Item::surgery, Item::specified_disease};
    desk.send(picked);
    EXPECT_EQ(desk.state(), State::specified);
    desk.send(Event::no);
    EXPECT_EQ(desk.state(), State::subsidy);
    desk.send(Event::yes);
    EXPECT_EQ(desk.state(), State::subsidy);
    desk.send(Event::no);
    EXPECT_EQ(desk.state(), State::prescription_type);
    desk.send(Event::yes);
    EXPECT_EQ(desk.state(), State::prescription_pick);
    EXPECT_TRUE(has(desk.send(Event::next), Action::submit));
    const Choices& choices = desk.machine.session().choices;
    EXPECT_EQ(choices.agreed, (std::array<bool, item_count>{true, false, false, false}))
        << "what was not shown is not agreed";
    EXPECT_EQ(choices.subsidies, (std::vector<bool>{true, false}));
    EXPECT_TRUE(choices.electronic_prescription);
}

TEST(Kiosk, which_subsidies_are_used_is_decided_when_each_was_asked_about) {
    Desk desk(Desk::all_on());
    desk.card().pin().checked(CheckResult::grace, false, 2);
    desk.send(Event::next);
    EXPECT_EQ(desk.state(), State::subsidy);
    desk.send(Event::no);
    EXPECT_FALSE(desk.machine.session().subsidies_decided());
    EXPECT_TRUE(has(desk.send(Event::no), Action::submit));
    EXPECT_TRUE(desk.machine.session().subsidies_decided()) << "none is a choice";
}

TEST(Kiosk, whoever_breaks_off_has_not_decided_on_subsidies) {
    Settings settings = Desk::all_on();
    settings.prescription_type = true;
    Desk desk(settings);
    desk.card().pin().checked(CheckResult::grace, false, 1);
    desk.send(Event::next);
    desk.send(Event::yes);
    EXPECT_EQ(desk.state(), State::prescription_type);
    desk.send(Event::cancel);
    EXPECT_TRUE(has(desk.send(Event::confirm), Action::submit));
    EXPECT_FALSE(desk.machine.session().subsidies_decided());
}

TEST(Kiosk, registering_asks_and_then_checks_again) {
    Desk desk;
    desk.card().pin().checked(CheckResult::not_registered);
    EXPECT_TRUE(has(desk.send(Event::yes), Action::register_card));
    EXPECT_TRUE(has(desk.send(Event::registered), Action::check));
    EXPECT_EQ(desk.state(), State::checking);
    Desk other;
    other.card().pin().checked(CheckResult::not_registered);
    other.send(Event::no);
    EXPECT_EQ(other.state(), State::ask_desk);
    EXPECT_EQ(other.machine.session().code, Code::not_registered);
}

TEST(Kiosk, a_hub_that_does_not_answer_in_three_seconds_is_away) {
    Desk desk;
    desk.card().pin();
    desk.wait(limits::checking - Moment(1));
    EXPECT_EQ(desk.state(), State::checking);
    desk.wait(Moment(1));
    EXPECT_EQ(desk.state(), State::net_error);
    EXPECT_EQ(desk.machine.session().code, Code::hub_away);
}

TEST(Kiosk, staff_hear_that_the_check_follows_by_itself_only_once_the_visit_is_kept) {
    Input kept = event(Event::unreachable);
    kept.kept = true;
    Desk desk;
    desk.card().pin();
    desk.send(kept);
    EXPECT_EQ(desk.state(), State::net_error);
    EXPECT_TRUE(desk.machine.session().kept);
    Desk lost;
    lost.card().pin();
    lost.send(Event::unreachable);
    EXPECT_EQ(lost.state(), State::net_error);
    EXPECT_FALSE(lost.machine.session().kept);
}

TEST(Kiosk, a_visit_that_is_kept_behind_the_time_out_changes_what_staff_see) {
    Desk desk;
    desk.card().pin();
    desk.wait(limits::checking);
    EXPECT_FALSE(desk.machine.session().kept);
    Input kept = event(Event::unreachable);
    kept.kept = true;
    kept.session = desk.machine.session().number;
    const auto drawn = desk.machine.revision();
    EXPECT_TRUE(desk.send(kept).empty()) << "staff were alerted already";
    EXPECT_EQ(desk.state(), State::net_error);
    EXPECT_TRUE(desk.machine.session().kept);
    EXPECT_GT(desk.machine.revision(), drawn);
    // The next patient's screen says nothing of this one.
    desk.send(Event::card_out);
    desk.send(kept);
    EXPECT_EQ(desk.state(), State::idle);
    EXPECT_FALSE(desk.machine.session().kept);
}

TEST(Kiosk, submitting_is_tried_three_times) {
    Desk desk;
    desk.card().pin().checked(CheckResult::ok);
    desk.send(Event::all);
    for (int i = 0; i < submit_retries; ++i) EXPECT_TRUE(has(desk.send(Event::submit_failed), Action::submit));
    EXPECT_FALSE(has(desk.send(Event::submit_failed), Action::submit));
    EXPECT_EQ(desk.state(), State::net_error);
}

TEST(Kiosk, a_card_that_is_left_is_called_for) {
    Desk desk;
    desk.card().pin().checked(CheckResult::ok);
    desk.send(Event::none);
    desk.send(Event::submitted);
    desk.wait(limits::card_left);
    EXPECT_EQ(desk.state(), State::card_left);
    EXPECT_TRUE(has(desk.wait(limits::card_left), Action::beep));
    EXPECT_TRUE(has(desk.wait(limits::card_left), Action::beep));
    desk.send(Event::card_out);
    EXPECT_EQ(desk.state(), State::idle);
}

TEST(Kiosk, a_phone_that_cannot_be_read_says_so) {
    Desk desk;
    desk.send(Event::phone);
    EXPECT_EQ(desk.state(), State::phone_type);
    desk.send(Event::android);
    EXPECT_EQ(desk.state(), State::phone_pin);
    desk.send(Event::pin_submit);
    EXPECT_EQ(desk.state(), State::phone_hold);
    desk.send(Event::phone_failed);
    EXPECT_EQ(desk.state(), State::card_error);
    EXPECT_EQ(desk.machine.session().code, Code::phone_unreadable);
    EXPECT_FALSE(Desk(Settings()).machine.allows(Event::phone)) << "without a reader for phones it is not offered";
}

TEST(Kiosk, twenty_seconds_before_the_end_it_warns_and_a_tap_gives_the_time_anew) {
    Desk desk;
    desk.card();
    for (int i = 0; i < 12; ++i) {
        EXPECT_TRUE(has(desk.wait(limits::question - limits::warning), Action::beep));
        EXPECT_EQ(desk.machine.overlay(), Overlay::timeout_warning);
        desk.send(Event::go_on);
        EXPECT_EQ(desk.machine.overlay(), Overlay::none);
        EXPECT_EQ(desk.state(), State::method);
    }
    desk.wait(limits::question);
    EXPECT_NE(desk.state(), State::method);
}

TEST(Kiosk, more_time_is_three_times_the_time) {
    Desk desk;
    Input slow = event(Event::mode);
    slow.mode = Mode::slow;
    desk.send(slow);
    desk.card();
    desk.wait(limits::question * 3 - Moment(1));
    EXPECT_EQ(desk.state(), State::method);
    desk.wait(Moment(1));
    EXPECT_EQ(desk.state(), State::end);
}

TEST(Kiosk, names_of_events_go_both_ways) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < event_count; ++i) {
        const auto which = static_cast<Event>(i);
        EXPECT_FALSE(to_string(which).empty());
        EXPECT_EQ(parse_event(to_string(which)), which);
        EXPECT_TRUE(names.insert(to_string(which)).second);
    }
    EXPECT_EQ(parse_event(""), std::nullopt);
    EXPECT_TRUE(is_page_event(Event::finish));
    EXPECT_FALSE(is_page_event(Event::help_release));
    for (std::size_t i = 0; i < state_count; ++i) EXPECT_TRUE(screen_of(static_cast<State>(i)).starts_with("K-"));
}

// --- random lives. The seeds are fixed, so that what fails once fails always; each is one long day at the counter.

constexpr int seeds = 60;
constexpr int events_per_seed = 3'000;

class Life {
  public:
    explicit Life(std::uint64_t seed) : random_(seed), machine(settings()) {}

    Input draw() {
        Input input;
        input.event = static_cast<Event>(below(event_count));
        // Devices and the hub answer what was asked rather more often than anything at random.
        if (below(4) != 0) input.event = likely();
        if (input.event == Event::fault && below(10) != 0) input.event = Event::ready;
        input.pin_available = below(5) != 0;
        input.pin_tries = static_cast<int>(below(4));
        input.face_available = below(2) != 0;
        input.face_failures = static_cast<int>(below(12));
        input.types_number_b = below(3) == 0;
        input.number_b_given = below(2) != 0;
        input.hint = static_cast<face::Hint>(below(7));
        input.code = Code::unreadable;
        input.result = static_cast<CheckResult>(below(6));
        input.specified_certificate = below(2) != 0;
        input.programmes.resize(below(subsidies_max + 2), "programme");
        input.prescriptions = static_cast<int>(below(3));
        input.forty_or_older = below(2) != 0;
        input.language = static_cast<Language>(below(7));
        input.mode = static_cast<Mode>(below(4));
        input.password_ok = below(2) != 0;
        input.same_person = below(2) != 0;
        input.reason_given = below(2) != 0;
        for (std::size_t i = 0; i < item_count; ++i) {
            if (below(2) != 0) input.picked.push_back(static_cast<Item>(i));
        }
        return input;
    }
    Moment jump() {
        constexpr std::array jumps{10, 500, 1'000, 2'999, 3'000, 5'000, 19'999, 20'000, 60'000, 121'000, 600'000};
        return below(4) != 0 ? Moment(0) : Moment(jumps[below(jumps.size())]);
    }
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.next() % bound); }

  private:
    Settings settings() {
        Settings wanted;
        wanted.phone_reader = below(2) != 0;
        wanted.face = below(2) != 0;
        wanted.visual = below(4) != 0;
        wanted.prescription_type = below(2) != 0;
        wanted.prescription_pick = below(2) != 0;
        for (auto& item : wanted.items) item = below(3) != 0;
        return wanted;
    }
    Event likely() {
        auto allowed = machine.allowed();
        // Most people go on.
        std::erase_if(allowed, [&](Event one) {
            const bool turns_away = one == Event::cancel || one == Event::help || one == Event::back ||
                                    one == Event::language || one == Event::mode || one == Event::touch;
            return turns_away && below(5) != 0;
        });
        if (below(2) == 0 || allowed.empty()) return answer();
        return allowed[below(allowed.size())];
    }
    // What devices and the hub would say now.
    Event answer() {
        switch (machine.state()) {
            case State::out_of_service: return Event::ready;
            case State::reading: return below(6) == 0 ? Event::read_failed : Event::read_ok;
            case State::face_aim:
                if (below(3) == 0) return below(2) == 0 ? Event::frame_hint : Event::face_failed;
                return Event::frame_good;
            case State::face_match: return below(2) == 0 ? Event::face_matched : Event::face_unmatched;
            case State::pin: return below(2) == 0 ? Event::pin_ok : Event::pin_wrong;
            case State::checking: return Event::checked;
            case State::registering: return Event::registered;
            case State::submitting: return below(4) == 0 ? Event::submit_failed : Event::submitted;
            case State::phone_hold: return Event::phone_ok;
            default: return below(3) == 0 ? Event::card_out : Event::card_in;
        }
    }
    SeededRandom random_;

  public:
    Machine machine;
    Moment now{0};
};

bool nothing_agreed(const Choices& choices) {
    return std::ranges::none_of(choices.agreed, std::identity()) &&
           std::ranges::none_of(choices.subsidies, std::identity()) && !choices.electronic_prescription;
}

// Calls `check(life, input, before, actions)` for every event of every life; time passes apart from events.
template <class Check>
void live(Check check) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE(seed);
        Life life(seed);
        for (int i = 0; i < events_per_seed; ++i) {
            const Machine before_time = life.machine;
            life.now += life.jump();
            const Input tick;
            const auto passed = life.machine.apply(tick, life.now);
            check(life, tick, before_time, passed);
            const Machine before = life.machine;
            const Input input = life.draw();
            const auto actions = life.machine.apply(input, life.now);
            check(life, input, before, actions);
            if (testing::Test::HasFailure())
                FAIL() << "event " << i << " " << to_string(input.event) << " in " << to_string(before.state());
        }
    }
}

TEST(KioskInvariants, every_state_is_reached_by_these_lives) {
    std::set<State> seen;
    std::set<Overlay> overlays;
    live([&](Life& life, const Input&, const Machine&, const auto&) {
        seen.insert(life.machine.state());
        overlays.insert(life.machine.overlay());
    });
    for (std::size_t i = 0; i < state_count; ++i) {
        EXPECT_TRUE(seen.contains(static_cast<State>(i))) << to_string(static_cast<State>(i));
    }
    EXPECT_GE(overlays.size(), 4U);
}

TEST(KioskInvariants, i2_i3_the_pin_is_verified_only_for_the_confirm_key_and_the_last_time_for_two) {
    live([](Life& life, const Input& input, const Machine& before, const auto& actions) {
        if (has(actions, Action::verify_pin)) {
            EXPECT_EQ(input.event, Event::pin_submit);
            EXPECT_EQ(before.state(), State::pin);
            if (before.session().pin_tries == 1) EXPECT_TRUE(before.session().last_try_confirmed);
        }
        if (life.machine.state() == State::pin && life.machine.session().pin_tries == 1) {
            EXPECT_TRUE(life.machine.warns_of_last_try());
        }
        if (life.machine.state() == State::pin) EXPECT_GT(life.machine.session().pin_tries, 0);
    });
}

// A face opens a card only where the engine looked, on that screen and after it was asked for.
TEST(KioskInvariants, a_check_by_face_follows_a_comparison_and_a_camera_never_looks_for_nobody) {
    live([](Life& life, const Input& input, const Machine& before, const auto& actions) {
        const Session& session = life.machine.session();
        const bool new_one = session.method == Method::face && before.session().method != Method::face;
        if (has(actions, Action::check) && new_one) {
            EXPECT_EQ(before.state(), State::face_match);
            EXPECT_EQ(input.event, Event::face_matched);
        }
        if (has(actions, Action::aim_face)) {
            EXPECT_TRUE(is_page_event(input.event));
            EXPECT_LT(before.session().face_failures, face_failures_max);
            EXPECT_LT(before.session().face_tries, face_tries_per_session);
            EXPECT_TRUE(!session.types_number_b || session.number_b_given);
        }
        if (before.state() == State::face_aim && life.machine.state() != State::face_aim) {
            EXPECT_TRUE(has(actions, Action::stop_face) || has(actions, Action::match_face) ||
                        has(actions, Action::forget_session));
        }
    });
}

TEST(KioskInvariants, i4_i5_nothing_is_agreed_to_but_by_a_hand_on_what_was_shown) {
    live([](Life& life, const Input& input, const Machine& before, const auto& actions) {
        const Session& session = life.machine.session();
        if (before.state() == State::checking && life.machine.state() == State::consent) {
            EXPECT_TRUE(nothing_agreed(session.choices));
        }
        for (std::size_t i = 0; i < item_count; ++i) {
            const bool new_one = session.choices.agreed[i] && !before.session().choices.agreed[i];
            if (!new_one) continue;
            const auto item = static_cast<Item>(i);
            const bool asked =
                item == Item::specified_disease
                    ? before.state() == State::specified && input.event == Event::yes
                    : std::ranges::find(before.session().offered, item) != before.session().offered.end();
            EXPECT_TRUE(asked);
            EXPECT_TRUE(is_page_event(input.event));
        }
        if (has(actions, Action::submit)) {
            const bool by_nobody = input.event == Event::tick || input.event == Event::card_out ||
                                   input.event == Event::confirm || input.event == Event::checked;
            if (by_nobody) EXPECT_TRUE(nothing_agreed(session.choices));
        }
    });
}

TEST(KioskInvariants, i6_i12_the_next_patient_finds_nothing_of_the_last_one) {
    live([](Life& life, const Input& input, const Machine& before, const auto& actions) {
        if (life.machine.state() == State::idle && before.state() != State::idle) {
            EXPECT_EQ(life.machine.session().method, Method::none);
            EXPECT_EQ(life.machine.language(), Language::ja);
            EXPECT_EQ(life.machine.modes(), Modes());
            EXPECT_TRUE(nothing_agreed(life.machine.session().choices));
            EXPECT_TRUE(has(actions, Action::reload_page));
        }
        if (before.state() == State::reading && input.event == Event::read_ok) {
            EXPECT_EQ(life.machine.state(), State::method);
        }
    });
}

TEST(KioskInvariants, i7_a_card_that_is_taken_ends_what_it_has_not_signed_and_keeps_what_it_has) {
    live([](Life& life, const Input& input, const Machine& before, const auto&) {
        if (input.event != Event::card_out || !before.card_present() || before.session().by_phone) return;
        const bool underway = before.allows(Event::cancel) || before.overlay() == Overlay::confirm_cancel;
        if (!underway) return;
        if (!before.session().authenticated) EXPECT_EQ(life.machine.state(), State::idle);
        if (!before.session().eligible) return;
        EXPECT_EQ(life.machine.state(), before.state());
        Machine later = life.machine;
        later.apply(Input(), life.now + limits::early_removal);
        EXPECT_TRUE(nothing_agreed(later.session().choices));
        EXPECT_NE(later.state(), before.state());
    });
}

// A reader that was slow for one patient answers while the next one's card is being read.
TEST(KioskInvariants, what_was_begun_for_one_patient_means_nothing_to_the_next) {
    Desk desk;
    desk.send(Event::card_in);
    Input late = event(Event::read_ok);
    late.session = desk.machine.session().number;
    late.pin_tries = 1;
    desk.send(Event::card_out);
    EXPECT_EQ(desk.machine.state(), State::idle);
    desk.send(Event::card_in);
    EXPECT_NE(desk.machine.session().number, late.session);
    desk.send(late);
    EXPECT_EQ(desk.machine.state(), State::reading) << "the card that is gone says nothing about this one";
    late.session = desk.machine.session().number;
    desk.send(late);
    EXPECT_EQ(desk.machine.state(), State::method);
}

TEST(KioskInvariants, i5_no_medical_data_are_asked_for_where_the_hub_gives_none) {
    Desk desk;
    desk.card().pin();
    Input input = event(Event::checked);
    input.forty_or_older = true;
    input.medical_data = false;
    desk.send(input);
    EXPECT_EQ(desk.machine.state(), State::submitting);
    EXPECT_TRUE(desk.machine.session().offered.empty());
}

TEST(KioskInvariants, i8_left_alone_every_state_ends_at_the_start) {
    live([](Life& life, const Input& input, const Machine&, const auto&) {
        if (input.event == Event::tick) return;
        Machine alone = life.machine;
        Moment at = life.now;
        for (int i = 0; i < 60; ++i) {
            at += seconds(30);
            alone.apply(Input(), at);
        }
        // A card that nobody takes cannot take itself away: it is called for until somebody does.
        const bool home = alone.state() == State::idle || alone.state() == State::out_of_service ||
                          (alone.state() == State::card_left && alone.card_present());
        EXPECT_TRUE(home) << to_string(alone.state());
        Machine at_once = life.machine;
        at_once.apply(Input(), life.now + minutes(30));
        EXPECT_EQ(at_once.state(), alone.state()) << "time passes the same in one step";
    });
}

TEST(KioskInvariants, i10_cancelling_is_possible_before_submitting_and_costs_nothing) {
    live([](Life& life, const Input& input, const Machine&, const auto&) {
        if (input.event == Event::tick || !life.machine.allows(Event::cancel)) return;
        Machine cancelled = life.machine;
        const int tries = cancelled.session().pin_tries;
        auto first = cancelled.apply(event(Event::cancel), life.now);
        EXPECT_EQ(cancelled.overlay(), Overlay::confirm_cancel);
        Machine kept = cancelled;
        kept.apply(event(Event::dismiss), life.now);
        EXPECT_EQ(kept.state(), life.machine.state());
        auto second = cancelled.apply(event(Event::confirm), life.now);
        EXPECT_FALSE(has(first, Action::verify_pin) || has(second, Action::verify_pin));
        EXPECT_EQ(cancelled.session().pin_tries, tries);
        EXPECT_TRUE(nothing_agreed(cancelled.session().choices));
        const State state = cancelled.state();
        EXPECT_TRUE(state == State::end || state == State::thanks || state == State::submitting) << to_string(state);
    });
}

TEST(KioskInvariants, i11_help_can_be_called_everywhere_and_stops_the_clock) {
    live([](Life& life, const Input& input, const Machine&, const auto&) {
        if (input.event == Event::tick || life.machine.overlay() == Overlay::help_called) return;
        Machine called = life.machine;
        EXPECT_TRUE(called.allows(Event::help));
        EXPECT_TRUE(has(called.apply(event(Event::help), life.now), Action::alert_staff));
        const State state = called.state();
        called.apply(Input(), life.now + limits::help - Moment(1));
        EXPECT_EQ(called.state(), state);
        EXPECT_EQ(called.overlay(), Overlay::help_called);
        EXPECT_EQ(called.time_left(life.now), std::nullopt);
        Machine released = called;
        released.apply(event(Event::help_release), life.now + limits::help - Moment(1));
        EXPECT_EQ(released.overlay(), Overlay::none);
        EXPECT_EQ(released.state(), state);
        called.apply(Input(), life.now + limits::help);
        EXPECT_NE(called.overlay(), Overlay::help_called);
    });
}

TEST(KioskInvariants, what_is_not_allowed_changes_nothing) {
    live([](Life& life, const Input& input, const Machine& before, const auto& actions) {
        const bool refused = is_page_event(input.event) && !before.allows(input.event);
        if (!refused) return;
        EXPECT_EQ(life.machine.revision(), before.revision());
        EXPECT_EQ(life.machine.state(), before.state());
        EXPECT_TRUE(actions.empty());
    });
}

}  // namespace
}  // namespace onshi::terminal::kiosk
