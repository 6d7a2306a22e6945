#include "domain/organisations/accounts.h"

#include "base/bytes.h"
#include "domain/audit/intents.h"
#include "domain/organisations/store.h"

namespace onshi::organisations {

namespace {

std::string payload_of(OrganisationKey organisation, const Account& account) {
    std::string payload;
    ByteWriter writer(payload);
    writer.i64(organisation.value());
    writer.text(account.reference);
    writer.u8(account.active ? 1 : 0);
    writer.i64(account.visual_checks_per_day);
    return payload;
}

}  // namespace

Task<Result<void>> AccountService::put(const AccountOrder& order, const audit::Actor& actor, Deadline deadline) {
    const std::string& reference = order.account.reference;
    const bool sane =
        !reference.empty() && reference.size() <= account_reference_max && !contains_individual_number(reference);
    if (!sane) co_return fail(ErrorCode::account_unknown, "reference");
    sql::ReadBatch batch;
    const auto organisation = load_organisation(batch, order.kind, order.code);
    auto read = co_await database_.read(batch, deadline);
    if (!read) co_return read;
    if (!organisation) co_return fail(ErrorCode::organisation_unknown, "no organisation has this code");
    sql::WriteSet set(sql::Store::registry);
    put_account(set, organisation->key, order.account);
    audit::AuditedChanges changes(database_, clock_, random_);
    const std::string payload = payload_of(organisation->key, order.account);
    auto applied = co_await changes.apply(audit::Event::account_changed, actor, payload, std::move(set), deadline);
    if (!applied) co_return fail(std::move(applied));
    co_return Result<void>();
}

}  // namespace onshi::organisations
