#include "cli/exit.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace onshi::cli {

namespace {

// Areas whose failures mean one thing to a script, whatever their HTTP status.
struct Area {
    std::string_view name;
    Exit exit;
};
constexpr std::array areas{
    Area{"command", Exit::usage},
    Area{"config", Exit::configuration},
    Area{"secret", Exit::configuration},
    Area{"key", Exit::configuration},
    Area{"certificate", Exit::configuration},
    Area{"terminal", Exit::configuration},
    Area{"peer", Exit::try_again},
    Area{"overload", Exit::try_again},
    Area{"deadline", Exit::try_again},
    Area{"reader", Exit::try_again},
    Area{"audit", Exit::failed},
};

Exit exit_of_status(std::uint16_t status) {
    switch (status) {
        case 403: return Exit::not_allowed;
        case 404: return Exit::not_found;
        case 409: return Exit::conflict;
        case 429:
        case 503: return Exit::try_again;
        default: return Exit::failed;
    }
}

}  // namespace

Exit exit_of(ErrorCode code) {
    const ErrorEntry& entry = catalogue_entry(code);
    if (code == ErrorCode::command_interrupted) return Exit::interrupted;
    // Nothing is known to contradict anything: somebody has to put the card (back) on the reader.
    if (code == ErrorCode::card_absent || code == ErrorCode::card_removed) return Exit::try_again;
    const auto area = entry.name.substr(0, entry.name.find('.'));
    const auto found = std::ranges::find(areas, area, &Area::name);
    if (found != areas.end()) return found->exit;
    return exit_of_status(entry.http_status);
}

}  // namespace onshi::cli
