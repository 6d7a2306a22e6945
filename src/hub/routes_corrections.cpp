// GET /v1/corrections; PUT, GET /v1/webhook, POST /v1/webhook/remove.
#include "domain/eligibility/corrections.h"
#include "domain/eligibility/webhooks.h"
#include "exchange/api/corrections.h"
#include "exchange/api/webhooks.h"
#include "hub/parts.h"
#include "hub/webhook_sender.h"
#include "platform/http/query.h"

namespace onshi::hub {

namespace {

using TerminalResult = Result<std::shared_ptr<const organisations::Terminal>>;

constexpr std::size_t body_bytes_max = 4 * 1024;

// A terminal of those who are told things at all.
Task<TerminalResult> checking_caller(const Context& context, const http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return terminal;
    const bool checks =
        (*terminal)->may(organisations::Role::check_card) || (*terminal)->may(organisations::Role::check_number);
    if (!checks) co_return fail(ErrorCode::role_missing, "check_card");
    co_return terminal;
}

Task<Result<http::Response>> list_corrections(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await checking_caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const auto text = http::query_value(request.query, "after");
    auto after = api::parse_after(text ? std::string_view(*text) : std::string_view("0"));
    if (!after) co_return fail(std::move(after));
    eligibility::Corrections corrections(context.database, context.clock);
    auto events = co_await corrections.list((*terminal)->organisation.key, *after, deadline);
    if (!events) co_return fail(std::move(events));
    co_return http::json_response(api::write_corrections(*events, context.secrets.receipt));
}

http::Response webhook_response(const Context& context, const eligibility::Webhook& webhook) {
    const std::string secret =
        eligibility::webhook_secret(context.secrets.pseudonym, webhook.organisation, webhook.generation);
    return http::json_response(api::write_webhook(webhook, secret));
}

Task<Result<http::Response>> put_webhook(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await checking_caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    auto url = api::parse_webhook(request.body);
    if (!url) co_return fail(std::move(url));
    auto address = eligibility::parse_webhook_url(*url, webhook_reach(context.settings));
    if (!address) co_return fail(std::move(address));
    const audit::Actor actor{(*terminal)->organisation.key, (*terminal)->key, "-"};
    eligibility::Webhooks webhooks(context.database, context.clock, context.random);
    auto webhook = co_await webhooks.put(actor, std::move(*url), deadline);
    if (!webhook) co_return fail(std::move(webhook));
    co_return webhook_response(context, *webhook);
}

Task<Result<http::Response>> show_webhook(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await checking_caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    eligibility::Webhooks webhooks(context.database, context.clock, context.random);
    auto webhook = co_await webhooks.find((*terminal)->organisation.key, deadline);
    if (!webhook) co_return fail(std::move(webhook));
    co_return webhook_response(context, *webhook);
}

Task<Result<http::Response>> remove_webhook(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await checking_caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const audit::Actor actor{(*terminal)->organisation.key, (*terminal)->key, "-"};
    eligibility::Webhooks webhooks(context.database, context.clock, context.random);
    auto removed = co_await webhooks.remove(actor, deadline);
    if (!removed) co_return fail(std::move(removed));
    co_return http::json_response(R"({"removed":true})");
}

}  // namespace

void add_correction_routes(http::Server& server, const Context& context) {
    http::RouteOptions options;
    options.body_bytes_max = body_bytes_max;
    server.route(http::Method::put, "/v1/webhook", options, [&context](http::Request& request, Deadline deadline) {
        return put_webhook(context, request, deadline);
    });
    server.route(http::Method::get, "/v1/webhook", options, [&context](http::Request& request, Deadline deadline) {
        return show_webhook(context, request, deadline);
    });
    server.route(
        http::Method::post, "/v1/webhook/remove", options,
        [&context](http::Request& request, Deadline deadline) { return remove_webhook(context, request, deadline); });
    server.route(http::Method::get, "/v1/corrections", {}, [&context](http::Request& request, Deadline deadline) {
        return list_corrections(context, request, deadline);
    });
}

}  // namespace onshi::hub
