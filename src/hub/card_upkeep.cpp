#include "hub/card_upkeep.h"

#include "platform/telemetry/log.h"

namespace onshi::hub {

namespace {

constexpr std::chrono::milliseconds store_deadline{10'000};

}  // namespace

Task<void> keep_seen_cards(const Context& context, Alarm& alarm) {
    while (true) {
        const auto woke = co_await alarm.wait_until(std::chrono::steady_clock::now() + seen_cards_every);
        if (woke == Alarm::Woke::by_ring) co_return;
        const auto seen = context.seen_cards.take();
        for (const auto& card : seen) {
            const Deadline deadline = Deadline::in(store_deadline);
            auto stored = co_await cards::store_seen(context.audited_changes, card, deadline);
            // Another check of the same card was quicker: its key is there.
            const bool failed = !stored && stored.error().code != ErrorCode::store_conflict;
            if (failed) log_failure(Level::warn, "cards.key_not_stored", stored.error());
            if (failed) break;
        }
    }
}

}  // namespace onshi::hub
