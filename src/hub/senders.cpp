#include "hub/senders.h"

#include "domain/organisations/store.h"

namespace onshi::hub {

Task<Result<Sender>> sender(const Context& context, const http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const auto& organisation = (*terminal)->organisation;
    const auto insurer = InsurerNumber::from_key(organisation.code);
    const bool may = (*terminal)->may(organisations::Role::send_members) &&
                     organisation.kind == organisations::Kind::insurer && insurer;
    if (!may) co_return fail(ErrorCode::role_missing, "send_members");
    co_return Sender{std::move(*terminal), *insurer};
}

Task<Result<void>> known_operator(const Context& context, const Sender& from, std::string_view reference,
                                  Deadline deadline) {
    const bool sane = !reference.empty() && reference.size() <= organisations::account_reference_max;
    if (!sane) co_return fail(ErrorCode::account_unknown, "operator");
    sql::ReadBatch batch;
    const auto account = organisations::load_account(batch, from.terminal->organisation.key, reference);
    auto read = co_await context.database.read(batch, deadline);
    if (!read) co_return read;
    if (!account || !account->active) co_return fail(ErrorCode::account_unknown, "operator");
    co_return Result<void>();
}

}  // namespace onshi::hub
