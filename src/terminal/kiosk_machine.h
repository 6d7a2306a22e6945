#pragma once

#include <optional>
#include <vector>

#include "terminal/kiosk_model.h"

namespace onshi::terminal::kiosk {

// How long things take (ux §2.7); three times as long in slow mode, and not at all while help is called.
namespace limits {
inline constexpr Moment question{60'000};
inline constexpr Moment consent{120'000};
inline constexpr Moment pin{90'000};
inline constexpr Moment face_aim{30'000};
inline constexpr Moment face_match{3'000};
inline constexpr Moment visual{120'000};
inline constexpr Moment registration{120'000};
inline constexpr Moment reading{10'000};
inline constexpr Moment checking{3'000};
inline constexpr Moment submitting{5'000};
inline constexpr Moment phone{60'000};
inline constexpr Moment card_left{10'000};
inline constexpr Moment done_by_phone{5'000};
inline constexpr Moment thanks{3'000};
inline constexpr Moment trouble{15'000};
inline constexpr Moment early_removal{20'000};
inline constexpr Moment warning{20'000};
inline constexpr Moment session{600'000};
inline constexpr Moment help{300'000};
}  // namespace limits
inline constexpr int face_tries_per_session = 3;
inline constexpr int face_failures_max = 10;
inline constexpr int visual_passwords_max = 5;
inline constexpr int submit_retries = 2;
inline constexpr std::size_t subsidies_max = 16;

// What the patient decided; everything is refused until it was agreed to (I4).
struct Choices {
    std::array<bool, item_count> agreed{};
    std::vector<bool> subsidies;  // as many as were decided
    bool electronic_prescription = false;
    bool operator==(const Choices&) const = default;
};

// One patient, from the card to the way out.
struct Session {
    std::uint64_t number = 0;  // 1, 2, …; 0: nobody's
    Method method = Method::none;
    bool pin_available = true;
    int pin_tries = 3;
    bool last_try_confirmed = false;
    bool face_available = false;
    bool types_number_b = false;  // before the first try, for an engine that cannot read it
    bool number_b_given = false;
    int face_failures = 0;
    int face_tries = 0;
    std::optional<face::Hint> hint;  // while aiming
    int visual_passwords = 0;
    bool authenticated = false;  // the card has signed
    bool eligible = false;       // and the hub said yes
    bool by_phone = false;
    bool grace = false;
    bool certificate_notice = false;
    std::vector<Item> offered;  // of `consent`
    std::vector<State> questions;
    bool specified = false;               // whether the specified-disease certificate is asked about
    std::vector<std::string> programmes;  // asked about one by one
    int prescriptions = 0;
    int submits = 0;
    bool removed_early = false;
    bool kept = false;  // the hub was away, and the check follows by itself
    Code code = Code::none;
    Choices choices;
    // Whether the patient has said of every programme if it is used; using none is a decision, too.
    [[nodiscard]] bool subsidies_decided() const {
        return !programmes.empty() && choices.subsidies.size() == programmes.size();
    }
};

// The counter's kiosk as a value: an event and a moment go in, actions come out (ux §2.3). No input or output, no
// clock, no threads; every event is allowed in every state, and what has no meaning there changes nothing.
class Machine {
  public:
    explicit Machine(Settings settings) : settings_(settings) {}

    // `now` never goes back. Time is looked at before the event: one that comes too late finds its state gone.
    std::vector<Action> apply(const Input& input, Moment now);

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] Overlay overlay() const { return overlay_; }
    [[nodiscard]] const Session& session() const { return session_; }
    [[nodiscard]] Language language() const { return language_; }
    [[nodiscard]] Modes modes() const { return modes_; }
    [[nodiscard]] bool card_present() const { return card_; }
    // Counts every change that a page has to draw.
    [[nodiscard]] std::uint64_t revision() const { return revision_; }
    // What the screen offers now, by the page's events.
    [[nodiscard]] std::vector<Event> allowed() const;
    [[nodiscard]] bool allows(Event event) const;
    // How long this screen stays; nullopt while it may stay for ever or help is called.
    [[nodiscard]] std::optional<Moment> time_left(Moment now) const;
    // When time alone changes something next.
    [[nodiscard]] std::optional<Moment> next_change() const;
    // With one try left the warning stands before the first digit (I3).
    [[nodiscard]] bool warns_of_last_try() const { return state_ == State::pin && session_.pin_tries == 1; }
    // Whether the patient has to type number B before a face can be checked.
    [[nodiscard]] bool wants_number_b() const {
        return can_use_face() && session_.types_number_b && !session_.number_b_given;
    }
    [[nodiscard]] bool is_face_demo() const { return settings_.face_demo; }

  private:
    void on_event(const Input& input);
    void on_page(const Input& input);
    void on_overlay(const Input& input);
    void on_device(const Input& input);
    void on_card_out();
    void release_help();
    void on_hub(const Input& input);
    void on_checked(const Input& input);
    void on_method(const Input& input);
    void on_camera(const Input& input);
    void on_pin(Event event);
    void on_visual(const Input& input);
    void on_question(const Input& input);
    void on_phone(Event event);
    void pass_time();
    void state_timed_out();
    void go(State state);
    void start_limit();
    void start_session();
    void start_check(Method method);
    void next_question();
    void close_questions();
    void submit();
    void trouble(State state, Code code);
    void go_idle();
    void end_session();
    [[nodiscard]] bool can_use_face() const;
    [[nodiscard]] bool can_use_pin() const;
    [[nodiscard]] bool in_session() const;
    [[nodiscard]] bool before_submitting() const;
    [[nodiscard]] std::optional<Moment> limit_of(State state) const;
    void act(Action action) { actions_.push_back(action); }

    Settings settings_;
    State state_ = State::out_of_service;
    Overlay overlay_ = Overlay::none;
    Session session_;
    Language language_ = Language::ja;
    Modes modes_;
    bool card_ = false;
    std::uint64_t revision_ = 0;
    std::uint64_t sessions_ = 0;
    Moment now_{0};
    std::optional<Moment> state_ends_;
    std::optional<Moment> session_ends_;
    std::optional<Moment> removal_ends_;
    std::optional<Moment> help_ends_;
    Moment help_began_{0};
    std::vector<Action> actions_;
};

}  // namespace onshi::terminal::kiosk
