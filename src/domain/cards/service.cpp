#include "domain/cards/service.h"

#include "base/bytes.h"
#include "domain/audit/chain.h"
#include "domain/cards/renewal.h"
#include "domain/cards/store.h"

namespace onshi::cards {

Task<Result<SuspensionResult>> SuspensionService::apply_once(const CardKey& key, SuspensionWish wish,
                                                             const audit::Actor& actor, Deadline deadline) {
    sql::ReadBatch batch;
    const auto card = load_card(batch, key);
    const auto stored = load_suspension(batch, key);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    PersonKey person = card ? card->person : PersonKey(0);
    if (!card) {
        auto renewed_from = co_await find_renewed_from(database_, key, clock_.now(), deadline);
        if (!renewed_from) co_return fail(std::move(renewed_from));
        if (!*renewed_from) co_return fail(ErrorCode::card_unknown, "no card of this CA has this serial");
        person = (*renewed_from)->person;
    }
    const Suspension before = stored ? *stored : Suspension();
    const bool wanted = wish == SuspensionWish::suspend;
    if (before.suspended == wanted) co_return SuspensionResult{before, {}};

    const Instant now = clock_.now();
    sql::WriteSet set(sql::Store::ledger);
    put_suspension(set, key, before, wanted, now);
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(person.value());
    writer.u32(static_cast<std::uint32_t>(key.ca_id));
    writer.text(as_text(key.serial.bytes()));
    const auto event = wanted ? audit::Event::card_suspended : audit::Event::card_resumed;
    audit::attach_record(set, event, actor, now, payload, random_);
    auto committed = co_await database_.commit(std::move(set), deadline);
    if (!committed) co_return fail(std::move(committed));
    co_return SuspensionResult{{wanted, now, before.version + 1}, *committed};
}

// Two callers who want the same are both told that it is so: who lost the race looks again.
Task<Result<SuspensionResult>> SuspensionService::apply(const CardKey& key, SuspensionWish wish,
                                                        const audit::Actor& actor, Deadline deadline) {
    for (int tries = 1;; ++tries) {
        auto result = co_await apply_once(key, wish, actor, deadline);
        const bool lost = !result && result.error().code == ErrorCode::store_conflict;
        if (!lost || tries == suspension_attempts_max) co_return result;
    }
}

}  // namespace onshi::cards
