// POST /v1/checks/{receipt}/subsidies, /v1/checks/{receipt}/payments, /v1/checks/{receipt}/payments/reverse.
#include "domain/audit/rules.h"
#include "domain/eligibility/subsidies.h"
#include "exchange/api/subsidies.h"
#include "hub/parts.h"

namespace onshi::hub {

namespace {

constexpr std::size_t small_body_bytes_max = 4 * 1024;
constexpr std::chrono::milliseconds subsidy_deadline{5'000};

using ResponseResult = Result<http::Response>;

Result<audit::Place> answer_of(const Context& context, const http::Request& request) {
    const auto place = audit::parse_receipt(request.parameters[0], context.secrets.receipt);
    if (!place) return fail(ErrorCode::check_receipt, "not a receipt number");
    return *place;
}

eligibility::Subsidies subsidies_of(const Context& context) {
    return {context.database, context.clock, context.random, &context.municipal};
}

Task<ResponseResult> choose(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const auto place = answer_of(context, request);
    if (!place) co_return tl::unexpected(place.error());
    auto offers = api::parse_subsidy_choice(request.body);
    if (!offers) co_return fail(std::move(offers));
    auto subsidies = subsidies_of(context);
    auto told = co_await subsidies.choose(**terminal, *place, std::move(*offers), deadline);
    if (!told) co_return fail(std::move(told));
    co_return http::json_response(api::write_subsidies_chosen(*told, context.secrets.receipt));
}

Task<ResponseResult> post_payment(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const auto place = answer_of(context, request);
    if (!place) co_return tl::unexpected(place.error());
    const auto payment = api::parse_payment(request.body);
    if (!payment) co_return tl::unexpected(payment.error());
    auto subsidies = subsidies_of(context);
    auto told = co_await subsidies.post(**terminal, *place, *payment, deadline);
    if (!told) co_return fail(std::move(told));
    co_return http::json_response(api::write_payment(payment->id, *told, context.secrets.receipt));
}

Task<ResponseResult> reverse_payment(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const auto place = answer_of(context, request);
    if (!place) co_return tl::unexpected(place.error());
    const auto id = api::parse_payment_reversal(request.body);
    if (!id) co_return tl::unexpected(id.error());
    auto subsidies = subsidies_of(context);
    auto told = co_await subsidies.reverse(**terminal, *place, *id, deadline);
    if (!told) co_return fail(std::move(told));
    co_return http::json_response(api::write_payment(*id, *told, context.secrets.receipt));
}

}  // namespace

void add_subsidy_routes(http::Server& server, const Context& context) {
    http::RouteOptions small;
    small.body_bytes_max = small_body_bytes_max;
    small.deadline = subsidy_deadline;
    server.route(http::Method::post, "/v1/checks/{receipt}/subsidies", small,
                 [&context](http::Request& request, Deadline deadline) { return choose(context, request, deadline); });
    server.route(
        http::Method::post, "/v1/checks/{receipt}/payments", small,
        [&context](http::Request& request, Deadline deadline) { return post_payment(context, request, deadline); });
    server.route(
        http::Method::post, "/v1/checks/{receipt}/payments/reverse", small,
        [&context](http::Request& request, Deadline deadline) { return reverse_payment(context, request, deadline); });
}

}  // namespace onshi::hub
