#include "terminal/hub_modes.h"

#include <algorithm>

#include "platform/telemetry/log.h"
#include "platform/text_formats/json_view.h"
#include "terminal/limits.h"

namespace onshi::terminal {

namespace {

using organisations::DeskMode;

constexpr std::size_t word_bytes_max = 64;

DeskMode parse_mode(std::string_view name) {
    for (const DeskMode mode : {DeskMode::coverage_only, DeskMode::answers_late, DeskMode::without_hub}) {
        if (to_string(mode) == name) return mode;
    }
    return DeskMode::normal;
}

}  // namespace

void HubModes::replace(std::vector<ToldOutage> outages) {
    DeskMode strictest = DeskMode::normal;
    for (const auto& outage : outages) strictest = std::max(strictest, outage.mode);
    {
        const std::scoped_lock lock(mutex_);
        outages_ = std::move(outages);
    }
    const DeskMode before = mode_.exchange(strictest, std::memory_order_relaxed);
    if (before != strictest) {
        log_event(strictest == DeskMode::normal ? Level::info : Level::warn, "terminal.mode",
                  {{"kind", open_text(to_string(strictest))}});
    }
}

std::vector<ToldOutage> HubModes::outages() const {
    const std::scoped_lock lock(mutex_);
    return outages_;
}

Result<std::vector<ToldOutage>> read_modes(std::string_view body) {
    auto view = JsonView::parse(body);
    if (!view) return fail(ErrorCode::peer_protocol, "modes");
    std::vector<ToldOutage> outages;
    for (const auto& item : view->root().objects("outages")) {
        const auto dependency = item.text("dependency");
        if (dependency.empty() || dependency.size() > word_bytes_max || outages.size() == outages_max) {
            return fail(ErrorCode::peer_protocol, "modes");
        }
        outages.push_back({std::string(dependency), std::string(item.text("since").substr(0, word_bytes_max)),
                           parse_mode(item.text("mode"))});
    }
    return outages;
}

Task<Result<void>> refresh_modes(HubLink& hub, HubModes& modes, Deadline deadline) {
    auto answer = co_await hub.get("/v1/modes", deadline);
    if (!answer) co_return fail(std::move(answer));
    auto outages = read_modes(*answer);
    if (!outages) co_return fail(std::move(outages));
    modes.replace(std::move(*outages));
    co_return Result<void>();
}

}  // namespace onshi::terminal
