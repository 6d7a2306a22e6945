#include "domain/cards/seen_cards.h"

#include <utility>

#include "base/bytes.h"
#include "domain/cards/store.h"

namespace onshi::cards {

void SeenCards::push(SeenCard seen) {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() < seen_cards_waiting_max) waiting_.push_back(std::move(seen));
}

std::vector<SeenCard> SeenCards::take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(waiting_, {});
}

Task<Result<void>> store_seen(audit::AuditedChanges& changes, const SeenCard& seen, Deadline deadline) {
    sql::WriteSet change(sql::Store::registry);
    store_seen_card(change, seen.card);
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(seen.card.person.value());
    writer.u32(static_cast<std::uint32_t>(seen.card.key.ca_id));
    writer.text(as_text(seen.card.key.serial.bytes()));
    const audit::Actor who{seen.organisation, seen.terminal, "-"};
    auto stored = co_await changes.apply(audit::Event::card_key_stored, who, payload, std::move(change), deadline);
    if (!stored) co_return fail(std::move(stored));
    co_return Result<void>();
}

}  // namespace onshi::cards
