#include "domain/coverage/service_protection.h"

#include "base/bytes.h"
#include "domain/audit/intents.h"
#include "domain/identity/store.h"
#include "domain/identity/store_numbers.h"

namespace onshi::coverage {

namespace {

std::string payload_of(PersonKey person, const identity::Protection& after) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(person.value());
    writer.u8(after.exchange_history_hidden ? 1 : 0);
    writer.u8(after.self_information_blocked ? 1 : 0);
    return payload;
}

}  // namespace

identity::Protection with_flag(identity::Protection before, ProtectionFlag flag, ProtectionWish wish) {
    const bool value = wish == ProtectionWish::set;
    if (flag == ProtectionFlag::hide_history) before.exchange_history_hidden = value;
    if (flag == ProtectionFlag::block_self_information) before.self_information_blocked = value;
    return before;
}

Task<Result<identity::Protection>> ProtectionService::apply(const MemberName& member, ProtectionFlag flag,
                                                            ProtectionWish wish, const audit::Actor& actor,
                                                            Deadline deadline) {
    for (int tries = 1;; ++tries) {
        auto applied = co_await apply_once(member, flag, wish, actor, deadline);
        const bool lost = !applied && applied.error().code == ErrorCode::store_conflict;
        if (lost && tries < protection_attempts_max) continue;
        if (lost) co_return fail(ErrorCode::intake_busy, "the person's data");
        co_return applied;
    }
}

Task<Result<identity::Protection>> ProtectionService::apply_once(const MemberName& member, ProtectionFlag flag,
                                                                 ProtectionWish wish, const audit::Actor& actor,
                                                                 Deadline deadline) {
    auto found = co_await find_member(database_, member, deadline);
    if (!found) co_return fail(std::move(found));
    sql::ReadBatch batch;
    const auto now = identity::load_now(batch, found->person);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return fail(std::move(read));
    auto person = identity::person_of(found->person, now);
    const auto* section = identity::find_section(now, identity::Section::identity);
    if (!person || section == nullptr) co_return fail(ErrorCode::store_corrupt, "a person's identity section");
    const identity::Protection after = with_flag(person->protection, flag, wish);
    if (after == person->protection) co_return after;
    person->protection = after;
    sql::WriteSet set(sql::Store::registry);
    identity::change_person(set, *person, section->version);
    audit::AuditedChanges changes(database_, clock_, random_);
    const std::string payload = payload_of(found->person, after);
    auto applied = co_await changes.apply(audit::Event::person_protected, actor, payload, std::move(set), deadline);
    if (!applied) co_return fail(std::move(applied));
    co_return after;
}

}  // namespace onshi::coverage
