// POST /v1/use-registrations (signed by the card), POST /v1/use-registrations/cancel and GET, POST /v1/paper-orders…
// (an insurer's), GET /v1/counter-cases.
#include "domain/coverage/service_paper.h"
#include "exchange/api/checks.h"
#include "exchange/api/corrections.h"
#include "exchange/api/members.h"
#include "exchange/api/uses.h"
#include "hub/senders.h"
#include "platform/http/query.h"

namespace onshi::hub {

namespace {

using ResponseResult = Result<http::Response>;

constexpr std::size_t card_body_bytes_max = 16 * 1024;
constexpr std::size_t body_bytes_max = 4 * 1024;

coverage::PaperService papers(const Context& context) {
    return {context.database, context.clock, context.random};
}

Task<ResponseResult> change_use(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto message = api::parse_card_check(request.body);
    if (!message) co_return fail(std::move(message));
    auto changed = co_await context.checks.change_use(**terminal, (*message)->check, deadline);
    if (!changed) co_return fail(std::move(changed));
    co_return http::json_response(api::write_use(*changed, context.secrets.receipt));
}

Task<ResponseResult> cancel_use(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto wanted = api::parse_cancel(request.body);
    if (!wanted) co_return fail(std::move(wanted));
    auto known = co_await known_operator(context, *from, wanted->operator_reference, deadline);
    if (!known) co_return fail(std::move(known));
    const coverage::MemberName member{from->insurer, wanted->insured, wanted->branch, wanted->birth};
    const audit::Actor actor = from->actor(wanted->operator_reference);
    auto service = papers(context);
    auto cancelled = co_await service.cancel(member, wanted->wish, actor, deadline);
    if (!cancelled) co_return fail(std::move(cancelled));
    co_return http::json_response(api::write_cancelled(*cancelled));
}

Task<ResponseResult> list_orders(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    const auto text = http::query_value(request.query, "after");
    auto after = api::parse_after(text ? std::string_view(*text) : std::string_view("0"));
    if (!after) co_return fail(std::move(after));
    auto service = papers(context);
    auto page = co_await service.list(from->insurer, CoverageKey(*after), deadline);
    if (!page) co_return fail(std::move(page));
    co_return http::json_response(api::write_orders(*page));
}

Task<ResponseResult> note_issued(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    auto record = api::parse_record(request.parameters[0]);
    if (!record) co_return fail(std::move(record));
    auto wanted = api::parse_issued(request.body);
    if (!wanted) co_return fail(std::move(wanted));
    auto known = co_await known_operator(context, *from, wanted->operator_reference, deadline);
    if (!known) co_return fail(std::move(known));
    const audit::Actor actor = from->actor(wanted->operator_reference);
    auto service = papers(context);
    auto use = co_await service.issued(from->insurer, *record, wanted->valid_to, actor, deadline);
    if (!use) co_return fail(std::move(use));
    co_return http::json_response(api::write_issued(*record, *use));
}

Task<ResponseResult> list_cases(const Context& context, http::Request& request, Deadline deadline) {
    auto from = co_await sender(context, request, deadline);
    if (!from) co_return fail(std::move(from));
    const auto text = http::query_value(request.query, "after");
    auto after =
        api::parse_after_receipt(text ? std::string_view(*text) : std::string_view("0"), context.secrets.receipt);
    if (!after) co_return fail(std::move(after));
    auto cases = co_await eligibility::list_counter_cases(context.database, from->insurer, *after, deadline);
    if (!cases) co_return fail(std::move(cases));
    co_return http::json_response(api::write_counter_cases(*cases, context.secrets.receipt));
}

using UseHandler = Task<ResponseResult> (*)(const Context&, http::Request&, Deadline);

}  // namespace

void add_use_routes(http::Server& server, const Context& context) {
    http::RouteOptions small;
    small.body_bytes_max = body_bytes_max;
    http::RouteOptions card = small;
    card.body_bytes_max = card_body_bytes_max;
    const auto add = [&](http::Method method, std::string_view path, const http::RouteOptions& options,
                         UseHandler handler) {
        server.route(method, path, options, [&context, handler](http::Request& request, Deadline deadline) {
            return handler(context, request, deadline);
        });
    };
    add(http::Method::post, "/v1/use-registrations", card, &change_use);
    add(http::Method::post, "/v1/use-registrations/cancel", small, &cancel_use);
    add(http::Method::get, "/v1/counter-cases", small, &list_cases);
    add(http::Method::get, "/v1/paper-orders", small, &list_orders);
    add(http::Method::post, "/v1/paper-orders/{record}/issued", small, &note_issued);
}

}  // namespace onshi::hub
