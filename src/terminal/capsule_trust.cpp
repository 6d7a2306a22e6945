#include "terminal/capsule_trust.h"

#include "platform/telemetry/log.h"
#include "platform/text_formats/json_view.h"

namespace onshi::terminal {

namespace {

constexpr const char* list_key = "capsule";

}  // namespace

Task<Result<std::optional<capsule::Trust>>> held_trust(LocalStore& store) {
    auto found = co_await store.find(LocalKind::trust, list_key);
    if (!found) co_return fail(std::move(found));
    if (!*found) co_return std::optional<capsule::Trust>();
    // Its signature was looked at when it came, and it lies sealed since.
    auto trust = capsule::read_trust((*found)->content, nullptr);
    if (!trust) co_return fail(std::move(trust));
    co_return std::optional<capsule::Trust>(std::move(*trust));
}

Task<Result<void>> refresh_trust(HubLink& hub, LocalStore& store, Instant now, Deadline deadline) {
    auto held = co_await held_trust(store);
    if (!held) co_return fail(std::move(held));
    auto answer = co_await hub.get("/v1/capsule-trust", deadline);
    if (!answer) co_return fail(std::move(answer));
    auto view = JsonView::parse(*answer);
    if (!view) co_return fail(std::move(view));
    std::string list(view->root().text("list"));
    auto trust = capsule::read_trust(list, *held ? &**held : nullptr);
    if (!trust && trust.error().code == ErrorCode::signature_invalid) {
        // This terminal was away while keys changed twice. The hub itself is known by its certificate.
        log_event(Level::warn, "terminal.capsule_keys_new");
        trust = capsule::read_trust(list, nullptr);
    }
    if (!trust) co_return fail(std::move(trust));
    if (*held && trust->issued_at < (*held)->issued_at) co_return Result<void>();
    auto kept = co_await store.put(LocalKind::trust, list_key, std::move(list), now);
    co_return kept;
}

}  // namespace onshi::terminal
