#include "terminal/kiosk_model.h"

#include <algorithm>

namespace onshi::terminal::kiosk {

namespace {

struct StateNames {
    std::string_view name;
    std::string_view screen;
};
// In the order of the enumerators.
constexpr std::array<StateNames, state_count> states{{
    {"OUT_OF_SERVICE", "K-00"}, {"IDLE", "K-01"},       {"READING", "K-02"},   {"METHOD", "K-03"},
    {"FACE_AIM", "K-04"},       {"FACE_MATCH", "K-05"}, {"FACE_FAIL", "K-06"}, {"PIN", "K-07"},
    {"PIN_LOCKED", "K-08"},     {"VISUAL", "K-09"},     {"CHECKING", "K-10"},  {"REGISTER", "K-11"},
    {"REGISTERING", "K-10"},    {"NOTICE", "K-12"},     {"CONSENT", "K-13"},   {"CONSENT_PICK", "K-14"},
    {"SPECIFIED", "K-15"},      {"SUBSIDY", "K-16"},    {"RX_TYPE", "K-17"},   {"RX_PICK", "K-18"},
    {"SUBMITTING", "K-10"},     {"DONE", "K-19"},       {"END", "K-19"},       {"THANKS", "K-19"},
    {"CARD_LEFT", "K-20"},      {"ASK_DESK", "K-21"},   {"CERT_DEAD", "K-22"}, {"CARD_ERROR", "K-23"},
    {"NET_ERROR", "K-24"},      {"PHONE_TYPE", "K-25"}, {"PHONE_PIN", "K-26"}, {"PHONE_HOLD", "K-27"},
}};

constexpr std::array<std::string_view, event_count> events{
    "touch",          "lang",        "mode",       "face",          "pin",          "visual",       "phone",
    "back",           "retry",       "pin.submit", "visual.submit", "cancel",       "confirm",      "dismiss",
    "continue",       "yes",         "no",         "next",          "all",          "none",         "pick",
    "iphone",         "android",     "help",       "finish",        "help.release", "ready",        "fault",
    "card.in",        "card.out",    "read.ok",    "read.failed",   "frame.hint",   "frame.good",   "face.matched",
    "face.unmatched", "face.failed", "pin.ok",     "pin.wrong",     "phone.ok",     "phone.failed", "checked",
    "unreachable",    "registered",  "submitted",  "submit.failed", "tick"};
// The first of them; the staff's and the devices' follow.
constexpr std::size_t page_events = 25;

constexpr std::array<std::string_view, item_count> items{"surgery", "care_and_medicine", "checkups",
                                                         "specified_disease"};
constexpr std::array<std::string_view, 7> languages{"ja", "easy", "en", "zh", "ko", "pt", "vi"};

template <class T, std::size_t N>
std::optional<T> find_name(const std::array<std::string_view, N>& names, std::string_view name) {
    const auto found = std::ranges::find(names, name);
    if (name.empty() || found == names.end()) return std::nullopt;
    return static_cast<T>(found - names.begin());
}

}  // namespace

std::string_view to_string(State state) {
    return states[static_cast<std::size_t>(state)].name;
}
std::string_view screen_of(State state) {
    return states[static_cast<std::size_t>(state)].screen;
}
std::string_view to_string(Event event) {
    return events[static_cast<std::size_t>(event)];
}
std::optional<Event> parse_event(std::string_view name) {
    return find_name<Event>(events, name);
}
bool is_page_event(Event event) {
    return static_cast<std::size_t>(event) < page_events;
}
std::string_view to_string(Item item) {
    return items[static_cast<std::size_t>(item)];
}
std::optional<Item> parse_item(std::string_view name) {
    return find_name<Item>(items, name);
}
std::string_view to_string(Language language) {
    return languages[static_cast<std::size_t>(language)];
}
std::optional<Language> parse_language(std::string_view name) {
    return find_name<Language>(languages, name);
}

std::string_view to_string(Overlay overlay) {
    switch (overlay) {
        case Overlay::none: return "none";
        case Overlay::timeout_warning: return "TIMEOUT_WARN";
        case Overlay::help_called: return "HELP_CALLED";
        case Overlay::language: return "LANGUAGE";
        case Overlay::confirm_cancel: return "CONFIRM_CANCEL";
    }
    return "none";
}

std::string_view to_string(Code code) {
    switch (code) {
        case Code::none: return "";
        case Code::unreadable: return "K-E001";
        case Code::other_card: return "K-E002";
        case Code::card_expired: return "K-E003";
        case Code::front_unread: return "K-E004";
        case Code::certificate_dead: return "K-E006";
        case Code::pin_locked: return "K-E007";
        case Code::face_locked: return "K-E008";
        case Code::not_registered: return "K-E010";
        case Code::lapsed: return "K-E011";
        case Code::nothing_known: return "K-E012";
        case Code::suspended_record: return "K-E013";
        case Code::hub_away: return "K-E020";
        case Code::camera_fault: return "K-E030";
        case Code::phone_unreadable: return "K-E031";
        case Code::visual_refused: return "K-E015";
    }
    return "";
}

std::string_view to_string(Action action) {
    switch (action) {
        case Action::read_card: return "read_card";
        case Action::aim_face: return "aim_face";
        case Action::stop_face: return "stop_face";
        case Action::match_face: return "match_face";
        case Action::verify_pin: return "verify_pin";
        case Action::forget_pin: return "forget_pin";
        case Action::check: return "check";
        case Action::register_card: return "register_card";
        case Action::submit: return "submit";
        case Action::beep: return "beep";
        case Action::alert_staff: return "alert_staff";
        case Action::reload_page: return "reload_page";
        case Action::forget_session: return "forget_session";
    }
    return "";
}

}  // namespace onshi::terminal::kiosk
