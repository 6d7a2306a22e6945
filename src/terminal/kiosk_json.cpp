#include "terminal/kiosk_json.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "platform/text_formats/json_reader.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::terminal::kiosk {

namespace {

constexpr std::int64_t revision_max = std::int64_t{1} << 53U;
constexpr std::size_t operator_bytes_max = 64;
constexpr std::size_t password_bytes_max = 128;
constexpr std::size_t reason_bytes_max = 200;
constexpr std::size_t programme_bytes_max = 200;
constexpr std::int64_t after_ms_max = 24LL * 3600 * 1000;

void write_params(JsonWriter& writer, const Machine& machine) {
    const Session& session = machine.session();
    writer.begin_object("params");
    if (session.code != Code::none) writer.member("code", to_string(session.code));
    switch (machine.state()) {
        case State::pin:
        case State::method:
            writer.member("tries_left", session.pin_tries);
            if (machine.warns_of_last_try()) writer.member("last_try", true);
            if (machine.wants_number_b()) writer.member("number_b", true);
            break;
        case State::face_aim:
            if (session.hint) writer.member("hint", face::to_string(*session.hint));
            break;
        case State::face_fail:
            writer.member("tries_left", std::max(face_tries_per_session - session.face_tries, 0));
            break;
        case State::consent:
        case State::consent_pick: {
            writer.begin_array("items");
            for (const Item item : session.offered) writer.text(to_string(item));
            writer.end_array();
            break;
        }
        case State::notice: writer.member("grace", session.grace); break;
        case State::subsidy:
            writer.member("programme", session.programmes[session.choices.subsidies.size()]);
            writer.member("number", static_cast<std::int64_t>(session.choices.subsidies.size()) + 1);
            writer.member("count", static_cast<std::int64_t>(session.programmes.size()));
            break;
        case State::prescription_pick: writer.member("count", session.prescriptions); break;
        case State::done: writer.member("success", true); break;
        case State::net_error:
            if (session.kept) writer.member("kept", true);
            break;
        default: break;
    }
    if (session.removed_early && session.eligible) writer.member("removed_early", true);
    writer.end_object();
}

CheckResult parse_check_result(JsonObject& object) {
    const auto name = object.optional_text("result", 32).value_or("ok");
    if (name == "ok") return CheckResult::ok;
    if (name == "not_registered") return CheckResult::not_registered;
    if (name == "certificate_dead") return CheckResult::certificate_dead;
    if (name == "grace") return CheckResult::grace;
    if (name == "expires_soon") return CheckResult::expires_soon;
    if (name != "not_valid") object.reject("result", ErrorCode::field_value);
    return CheckResult::not_valid;
}

Mode parse_mode(JsonObject& object) {
    const auto name = object.text("mode", 16);
    if (name == "voice") return Mode::voice;
    if (name == "big") return Mode::big;
    if (name == "low") return Mode::low;
    if (name != "slow") object.reject("mode", ErrorCode::field_value);
    return Mode::slow;
}

void read_picked(JsonObject& object, std::vector<Item>& picked) {
    object.optional_objects("picked", item_count, [&](JsonObject& entry) {
        const auto item = parse_item(entry.text("item", 32));
        if (!item) entry.reject("item", ErrorCode::field_value);
        if (item) picked.push_back(*item);
    });
}

// What a page may tell with its events. A PIN is not among it: digits go their own way to the card.
void read_page_data(JsonObject& data, Input& input) {
    switch (input.event) {
        case Event::language: {
            const auto language = parse_language(data.text("language", 8));
            if (!language) data.reject("language", ErrorCode::field_value);
            input.language = language.value_or(Language::ja);
            return;
        }
        case Event::mode: input.mode = parse_mode(data); return;
        case Event::visual_submit:
            input.same_person = data.optional_boolean("same_person").value_or(false);
            input.reason_given = data.optional_boolean("reason_given").value_or(false);
            return;
        case Event::next: read_picked(data, input.picked); return;
        default: return;
    }
}

// What devices and the hub tell, in a script.
void read_device_data(JsonObject& data, Input& input) {
    const auto number = [&](std::string_view name, std::int64_t max, int fallback) {
        return static_cast<int>(data.optional_integer(name, 0, max).value_or(fallback));
    };
    switch (input.event) {
        case Event::read_ok:
            input.pin_available = data.optional_boolean("pin_available").value_or(true);
            input.pin_tries = number("pin_tries", 3, 3);
            input.face_available = data.optional_boolean("face_available").value_or(false);
            input.types_number_b = data.optional_boolean("types_number_b").value_or(false);
            input.face_failures = number("face_failures", face_failures_max, 0);
            return;
        case Event::face_unmatched: input.face_failures = number("face_failures", face_failures_max, 0); return;
        case Event::face_failed:
            input.face_available = data.optional_boolean("face_available").value_or(false);
            input.code = input.face_available ? Code::front_unread : Code::camera_fault;
            return;
        case Event::frame_hint: {
            const auto hint = face::parse_hint(data.text("hint", 16));
            if (!hint) data.reject("hint", ErrorCode::field_value);
            input.hint = hint.value_or(face::Hint::no_face);
            return;
        }
        case Event::face: input.number_b_given = data.optional_boolean("number_b_given").value_or(false); return;
        case Event::pin_wrong: input.pin_tries = number("pin_tries", 3, 2); return;
        case Event::visual_submit: input.password_ok = data.optional_boolean("password_ok").value_or(false); return;
        case Event::read_failed: input.code = Code::unreadable; return;
        case Event::unreachable: input.kept = data.optional_boolean("kept").value_or(false); return;
        case Event::checked:
            input.result = parse_check_result(data);
            if (input.result == CheckResult::not_valid) input.code = Code::nothing_known;
            input.specified_certificate = data.optional_boolean("specified_certificate").value_or(false);
            input.forty_or_older = data.optional_boolean("forty_or_older").value_or(false);
            data.optional_objects("subsidies", subsidies_max, [&](JsonObject& entry) {
                input.programmes.emplace_back(entry.text("name", programme_bytes_max));
            });
            input.prescriptions = number("prescriptions", 100, 0);
            return;
        default: return;
    }
}

Event read_event(JsonObject& object) {
    const auto event = parse_event(object.text("event", 32));
    if (!event) object.reject("event", ErrorCode::field_value);
    return event.value_or(Event::tick);
}

}  // namespace

std::string state_message(const Machine& machine, Moment now, std::string_view desk) {
    std::string body;
    JsonWriter writer(body);
    writer.begin_object();
    writer.member("rev", static_cast<std::int64_t>(machine.revision()));
    writer.member("state", to_string(machine.state()));
    writer.member("screen", screen_of(machine.state()));
    if (machine.overlay() != Overlay::none) writer.member("overlay", to_string(machine.overlay()));
    write_params(writer, machine);
    writer.begin_array("allow");
    for (const Event event : machine.allowed()) writer.text(to_string(event));
    writer.end_array();
    const auto left = machine.time_left(now);
    if (left) writer.member("deadline_ms", left->count());
    writer.member("lang", to_string(machine.language()));
    const Modes modes = machine.modes();
    writer.begin_object("modes");
    writer.member("voice", modes.voice);
    writer.member("big", modes.big);
    writer.member("low", modes.low);
    writer.member("slow", modes.slow);
    writer.end_object();
    if (desk != "normal") writer.member("desk", desk);
    if (machine.is_face_demo()) writer.member("face_demo", true);
    writer.end_object();
    return body;
}

Result<PageEvent> parse_page_event(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    PageEvent event;
    auto read = document->read([&](JsonObject& object) {
        event.revision = static_cast<std::uint64_t>(object.integer("rev", 0, revision_max).value_or(0));
        event.input.event = read_event(object);
        if (!is_page_event(event.input.event)) object.reject("event", ErrorCode::field_value);
        read_page_data(object, event.input);
    });
    if (!read) return fail(std::move(read));
    return event;
}

Result<std::uint64_t> parse_revision(std::string_view text) {
    std::uint64_t revision = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), revision);
    if (error != std::errc() || end != text.data() + text.size())
        return fail(ErrorCode::request_malformed, "rev is to be a number");
    return revision;
}

Result<VisualSubmit> parse_visual(std::string_view body) {
    auto document = JsonDocument::parse(body);
    if (!document) return fail(std::move(document));
    VisualSubmit submit;
    auto read = document->read([&](JsonObject& object) {
        submit.revision = static_cast<std::uint64_t>(object.integer("rev", 0, revision_max).value_or(0));
        submit.operator_reference = object.text("operator", operator_bytes_max);
        submit.password = SecretBytes(as_bytes(object.text("password", password_bytes_max)));
        submit.reason = object.optional_text("reason", reason_bytes_max).value_or("");
        submit.same_person = object.optional_boolean("same_person").value_or(false);
    });
    if (!read) return fail(std::move(read));
    return submit;
}

Result<ScriptLine> parse_script_line(std::string_view line) {
    auto document = JsonDocument::parse(line);
    if (!document) return fail(std::move(document));
    ScriptLine script;
    auto read = document->read([&](JsonObject& object) {
        script.after = Moment(object.optional_integer("after_ms", 0, after_ms_max).value_or(0));
        script.input.event = read_event(object);
        read_page_data(object, script.input);
        read_device_data(object, script.input);
    });
    if (!read) return fail(std::move(read));
    return script;
}

}  // namespace onshi::terminal::kiosk
