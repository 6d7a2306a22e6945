// POST /v1/payments/estimate.
#include "domain/payments/rules.h"
#include "exchange/api/payments.h"
#include "hub/parts.h"

namespace onshi::hub {

namespace {

// A calculation on what the caller gives: nobody is looked up and nothing is disclosed, so nothing is recorded.
Task<Result<http::Response>> estimate(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    const auto claim = api::parse_estimate(request.body);
    if (!claim) co_return tl::unexpected(claim.error());
    const auto& tables = payments::builtin_tables();
    payments::Steps steps;
    const auto result = payments::evaluate_claim(*claim, tables, &steps);
    if (!result) co_return fail(result.error());
    co_return http::json_response(
        api::write_estimate(*payments::find_limit_table(tables, claim->care_month), *result, steps));
}

}  // namespace

void add_payment_routes(http::Server& server, const Context& context) {
    http::RouteOptions options;
    options.body_bytes_max = api::estimate_body_max;
    server.route(
        http::Method::post, "/v1/payments/estimate", options,
        [&context](http::Request& request, Deadline deadline) { return estimate(context, request, deadline); });
}

}  // namespace onshi::hub
