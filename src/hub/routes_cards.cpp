// POST /v1/cards/suspend, /v1/cards/resume.
#include "domain/cards/service.h"
#include "exchange/api/terminals.h"
#include "hub/parts.h"

namespace onshi::hub {

namespace {

constexpr std::size_t body_bytes_max = 4 * 1024;

Task<Result<http::Response>> change_suspension(const Context& context, cards::SuspensionWish wish,
                                               http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    if (!(*terminal)->may(organisations::Role::card_desk)) co_return fail(ErrorCode::role_missing, "card_desk");
    auto name = api::parse_card_name(request.body);
    if (!name) co_return fail(std::move(name));
    const auto ca_id = context.authorities.find(name->authority_key_id);
    if (!ca_id) co_return fail(ErrorCode::card_authority_unknown, "authority_key_id");
    const CardKey key{*ca_id, name->serial};
    const audit::Actor actor{(*terminal)->organisation.key, (*terminal)->key, "-"};
    cards::SuspensionService service(context.database, context.clock, context.random);
    auto changed = co_await service.apply(key, wish, actor, deadline);
    if (!changed) co_return fail(std::move(changed));
    co_return http::json_response(api::write_suspension(*changed, context.secrets.receipt));
}

}  // namespace

void add_card_routes(http::Server& server, const Context& context) {
    http::RouteOptions options;
    options.body_bytes_max = body_bytes_max;
    server.route(http::Method::post, "/v1/cards/suspend", options,
                 [&context](http::Request& request, Deadline deadline) {
                     return change_suspension(context, cards::SuspensionWish::suspend, request, deadline);
                 });
    server.route(http::Method::post, "/v1/cards/resume", options,
                 [&context](http::Request& request, Deadline deadline) {
                     return change_suspension(context, cards::SuspensionWish::resume, request, deadline);
                 });
}

}  // namespace onshi::hub
