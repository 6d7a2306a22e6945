#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "terminal/kiosk_machine.h"

// The kiosk's messages (contracts/kiosk_state.schema.json). Nothing in them is about a person (I1, I9): the machine
// knows nothing that could be.
namespace onshi::terminal::kiosk {

// Down to the page: which screen, what it offers, how long it stays. `desk`: how the desk serves while parts of the
// hub are away (organisations::DeskMode).
[[nodiscard]] std::string state_message(const Machine& machine, Moment now, std::string_view desk = "normal");

// Up from the page: `{"rev": 42, "event": "mode", "mode": "slow"}`.
struct PageEvent {
    std::uint64_t revision = 0;
    Input input;
};
inline constexpr std::size_t page_event_bytes_max = 4 * 1024;
// request.malformed, request.field: unknown events and members, and events that no page may send.
[[nodiscard]] Result<PageEvent> parse_page_event(std::string_view body);

// A revision by itself. request.malformed.
[[nodiscard]] Result<std::uint64_t> parse_revision(std::string_view text);

// What a member of staff typed in at the kiosk: `{"rev": 42, "operator": "staff-1", "password": "…", "reason": "…",
// "same_person": true}`.
struct VisualSubmit {
    std::uint64_t revision = 0;
    std::string operator_reference;
    SecretBytes password;
    std::string reason;
    bool same_person = false;
};
// request.malformed, request.field.
[[nodiscard]] Result<VisualSubmit> parse_visual(std::string_view body);

// One line of a script for `onshi terminal simulate`: the same members, any event, and `after_ms` for the time before
// it.
struct ScriptLine {
    Moment after{0};
    Input input;
};
[[nodiscard]] Result<ScriptLine> parse_script_line(std::string_view line);

}  // namespace onshi::terminal::kiosk
