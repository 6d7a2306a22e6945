#include "domain/coverage/service_protection.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "domain/audit/intents.h"
#include "domain/identity/store.h"
#include "domain/identity/store_merge.h"
#include "domain/identity/store_numbers.h"

namespace onshi::coverage {

namespace {

std::string payload_of(PersonKey person, const ProtectionStanding& after) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(person.value());
    writer.u8(after.flags.exchange_history_hidden ? 1 : 0);
    writer.u8(after.flags.self_information_blocked ? 1 : 0);
    writer.u8(after.waiting.exchange_history_hidden ? 1 : 0);
    writer.u8(after.waiting.self_information_blocked ? 1 : 0);
    return payload;
}

// Of the flags that are set, those that somebody asked to clear not too long ago.
identity::Protection waiting_of(const std::vector<VoidWish>& wishes, const identity::Protection& flags, Instant now) {
    identity::Protection waiting;
    for (const VoidWish& wish : wishes) {
        if (now - wish.asked_at > void_wish_life) continue;
        waiting = with_flag(waiting, wish.flag, ProtectionWish::set);
    }
    waiting.exchange_history_hidden = waiting.exchange_history_hidden && flags.exchange_history_hidden;
    waiting.self_information_blocked = waiting.self_information_blocked && flags.self_information_blocked;
    return waiting;
}

}  // namespace

identity::Protection with_flag(identity::Protection before, ProtectionFlag flag, ProtectionWish wish) {
    const bool value = wish == ProtectionWish::set;
    if (flag == ProtectionFlag::hide_history) before.exchange_history_hidden = value;
    if (flag == ProtectionFlag::block_self_information) before.self_information_blocked = value;
    return before;
}

Task<Result<ProtectionStanding>> ProtectionService::apply(const MemberName& member, ProtectionFlag flag,
                                                          ProtectionWish wish, const audit::Actor& actor,
                                                          Deadline deadline) {
    // Otherwise two calls by nobody would be two persons.
    const bool named = wish == ProtectionWish::set || !actor.reference.empty();
    if (!named) co_return fail(ErrorCode::intake_required, "operator");
    for (int tries = 1;; ++tries) {
        auto applied = co_await apply_once(member, flag, wish, actor, deadline);
        const bool lost = !applied && applied.error().code == ErrorCode::store_conflict;
        if (lost && tries < protection_attempts_max) continue;
        if (lost) co_return fail(ErrorCode::intake_busy, "the person's data");
        co_return applied;
    }
}

Task<Result<ProtectionStanding>> ProtectionService::apply_once(const MemberName& member, ProtectionFlag flag,
                                                               ProtectionWish wish, const audit::Actor& actor,
                                                               Deadline deadline) {
    auto found = co_await find_member(database_, member, deadline);
    if (!found) co_return fail(std::move(found));
    sql::ReadBatch batch;
    const auto now_sections = identity::load_now(batch, found->person);
    const auto wishes = load_void_wishes(batch, found->person);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    auto person = identity::person_of(found->person, now_sections);
    const auto* section = identity::find_section(now_sections, identity::Section::identity);
    if (!person || section == nullptr) co_return fail(ErrorCode::store_corrupt, "a person's identity section");
    const Instant now = clock_.now();
    const identity::Protection before = person->protection;
    ProtectionStanding standing{with_flag(before, flag, wish), waiting_of(wishes.get(), before, now)};
    const bool waits = with_flag(standing.waiting, flag, ProtectionWish::clear) != standing.waiting;
    const bool changes = standing.flags != before;
    // Nothing to set and nothing to take back, or nothing to clear.
    if (!changes && !(wish == ProtectionWish::set && waits)) co_return standing;

    sql::WriteSet set(sql::Store::registry);
    const auto asked = std::ranges::find(wishes.get(), flag, &VoidWish::flag);
    if (wish == ProtectionWish::clear && !waits) {
        identity::expect_section(set, found->person, identity::Section::identity, section->version);
        put_void_wish(set, found->person, {flag, now, std::string(actor.reference)});
        standing.flags = before;
        standing.waiting = with_flag(standing.waiting, flag, ProtectionWish::set);
    } else {
        const bool own = waits && asked->asked_by == actor.reference;
        if (own && wish == ProtectionWish::clear) co_return fail(ErrorCode::intake_second_person, "its own wish");
        if (waits) end_void_wish(set, found->person, *asked);
        standing.waiting = with_flag(standing.waiting, flag, ProtectionWish::clear);
        person->protection = standing.flags;
        if (changes) identity::change_person(set, *person, section->version);
    }
    audit::AuditedChanges audited(database_, clock_, random_);
    const std::string payload = payload_of(found->person, standing);
    auto applied = co_await audited.apply(audit::Event::person_protected, actor, payload, std::move(set), deadline);
    if (!applied) co_return fail(std::move(applied));
    co_return standing;
}

}  // namespace onshi::coverage
