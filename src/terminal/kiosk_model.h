#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/face_engine/messages.h"

// The words of the kiosk (ux §2.3–2.7). Nothing here can hold a PIN, a picture, a name or a number of a person: what
// the machine does not know cannot leave it (I1, I9). What it is told of a subsidy is what the programme is called.
namespace onshi::terminal::kiosk {

// A moment of the machine's own clock, which only goes forward.
using Moment = std::chrono::milliseconds;

enum class State : std::uint8_t {
    out_of_service,
    idle,
    reading,
    method,
    face_aim,
    face_match,
    face_fail,
    pin,
    pin_locked,
    visual,
    checking,
    registration,
    registering,
    notice,
    consent,
    consent_pick,
    specified,
    subsidy,
    prescription_type,
    prescription_pick,
    submitting,
    done,
    end,
    thanks,
    card_left,
    ask_desk,
    certificate_dead,
    card_error,
    net_error,
    phone_type,
    phone_pin,
    phone_hold,
};
inline constexpr std::size_t state_count = 32;
[[nodiscard]] std::string_view to_string(State state);
// `K-07`: which screen a state is shown as.
[[nodiscard]] std::string_view screen_of(State state);

enum class Overlay : std::uint8_t { none, timeout_warning, help_called, language, confirm_cancel };
[[nodiscard]] std::string_view to_string(Overlay overlay);

enum class Method : std::uint8_t { none, pin, face, visual, phone };

// What a patient can be asked to agree to (ux §2.5); the specified-disease certificate is asked apart.
enum class Item : std::uint8_t { surgery, care_and_medicine, checkups, specified_disease };
inline constexpr std::size_t item_count = 4;
[[nodiscard]] std::string_view to_string(Item item);
[[nodiscard]] std::optional<Item> parse_item(std::string_view name);

enum class Language : std::uint8_t { ja, easy, en, zh, ko, pt, vi };
[[nodiscard]] std::string_view to_string(Language language);
[[nodiscard]] std::optional<Language> parse_language(std::string_view name);

struct Modes {
    bool voice = false;
    bool big = false;
    bool low = false;
    bool slow = false;  // three times as long
    bool operator==(const Modes&) const = default;
};
enum class Mode : std::uint8_t { voice, big, low, slow };

// What pages, devices and the hub tell the machine.
enum class Event : std::uint8_t {
    // the page
    touch,
    language,
    mode,
    face,
    pin,
    visual,
    phone,
    back,
    retry,
    pin_submit,
    visual_submit,
    cancel,
    confirm,
    dismiss,
    go_on,
    yes,
    no,
    next,
    all,
    none,
    pick,
    iphone,
    android,
    help,
    finish,
    // staff
    help_release,
    // devices
    ready,
    fault,
    card_in,
    card_out,
    read_ok,
    read_failed,
    frame_hint,
    frame_good,
    face_matched,
    face_unmatched,
    face_failed,
    pin_ok,
    pin_wrong,
    phone_ok,
    phone_failed,
    // the hub
    checked,
    unreachable,
    registered,
    submitted,
    submit_failed,
    // nothing but time
    tick,
};
inline constexpr std::size_t event_count = 47;
[[nodiscard]] std::string_view to_string(Event event);
[[nodiscard]] std::optional<Event> parse_event(std::string_view name);
// Whether a page may send it.
[[nodiscard]] bool is_page_event(Event event);

// Why staff are needed; the patient hears only that they are (ux §2.6).
enum class Code : std::uint8_t {
    none,
    unreadable,
    other_card,
    card_expired,
    front_unread,
    certificate_dead,
    pin_locked,
    face_locked,
    not_registered,
    lapsed,
    nothing_known,
    suspended_record,
    hub_away,
    camera_fault,
    phone_unreadable,
    visual_refused,
};
[[nodiscard]] std::string_view to_string(Code code);

// How a check came out, as far as a kiosk needs to know.
enum class CheckResult : std::uint8_t { ok, not_registered, certificate_dead, grace, expires_soon, not_valid };

// What comes with an event. Only the members that the event names are read.
struct Input {
    Event event = Event::tick;
    // Whose outcome it is: what was begun for one patient means nothing to the next. 0: the present one's.
    std::uint64_t session = 0;
    // read_ok
    bool pin_available = true;
    int pin_tries = 3;  // 0 … 3, also pin_wrong
    bool face_available = false;
    bool types_number_b = false;  // the engine cannot read it from the card's face
    int face_failures = 0;        // counted on the card's account, 10 lock
    // read_ok where no face can be checked, read_failed, face_failed, checked with not_valid
    Code code = Code::none;
    // frame_hint
    face::Hint hint = face::Hint::no_face;
    // face: number B was typed, and the devices have it
    bool number_b_given = false;
    // checked
    CheckResult result = CheckResult::ok;
    bool specified_certificate = false;
    std::vector<std::string> programmes;  // of the subsidies that may be chosen, in the order of the answer
    int prescriptions = 0;
    bool forty_or_older = false;
    bool medical_data = true;  // false: no medical data may be offered, whatever the patient would say
    // unreachable: the visit is on disk and signed, so it is checked afterwards without anybody doing anything
    bool kept = false;
    // language, mode
    Language language = Language::ja;
    Mode mode = Mode::voice;
    // visual_submit: the device has compared the password
    bool password_ok = false;
    bool same_person = false;
    bool reason_given = false;
    // next of consent_pick: what stands at "agree"
    std::vector<Item> picked;
};

// What devices, hub link and page are to do.
enum class Action : std::uint8_t {
    read_card,
    aim_face,
    stop_face,
    match_face,
    verify_pin,
    forget_pin,
    check,
    register_card,
    submit,
    beep,
    alert_staff,
    reload_page,
    forget_session,
};
[[nodiscard]] std::string_view to_string(Action action);

// What differs by facility.
struct Settings {
    bool phone_reader = false;
    bool face = false;
    bool face_demo = false;  // a simulated engine: the page says so for as long as it is there
    bool visual = true;
    std::array<bool, item_count> items{true, true, true, true};
    bool prescription_type = false;
    bool prescription_pick = false;  // pharmacies
};

}  // namespace onshi::terminal::kiosk
