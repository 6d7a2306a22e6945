// GET /v1/corrections.
#include "domain/eligibility/corrections.h"
#include "exchange/api/corrections.h"
#include "hub/parts.h"
#include "platform/http/query.h"

namespace onshi::hub {

namespace {

Task<Result<http::Response>> list_corrections(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const bool checks =
        (*terminal)->may(organisations::Role::check_card) || (*terminal)->may(organisations::Role::check_number);
    if (!checks) co_return fail(ErrorCode::role_missing, "check_card");
    const auto text = http::query_value(request.query, "after");
    auto after = api::parse_after(text ? std::string_view(*text) : std::string_view("0"));
    if (!after) co_return fail(std::move(after));
    eligibility::Corrections corrections(context.database, context.clock);
    auto events = co_await corrections.list((*terminal)->organisation.key, *after, deadline);
    if (!events) co_return fail(std::move(events));
    co_return http::json_response(api::write_corrections(*events, context.secrets.receipt));
}

}  // namespace

void add_correction_routes(http::Server& server, const Context& context) {
    server.route(http::Method::get, "/v1/corrections", {}, [&context](http::Request& request, Deadline deadline) {
        return list_corrections(context, request, deadline);
    });
}

}  // namespace onshi::hub
