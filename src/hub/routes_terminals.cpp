// POST /v1/terminals (an operator adds one), /v1/terminals/disable, /v1/terminals/enrol (with a one-time code),
// /v1/terminals/renew.
#include "domain/organisations/enrolment.h"
#include "exchange/api/terminals.h"
#include "hub/parts.h"

namespace onshi::hub {

namespace {

constexpr std::size_t body_bytes_max = 16 * 1024;

using ResponseResult = Result<http::Response>;

organisations::EnrolmentService enrolment(const Context& context) {
    return {context.database, context.audited_changes, context.clock, context.random};
}

Task<ResponseResult> add_terminal(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    if (!(*terminal)->may(organisations::Role::administer)) co_return fail(ErrorCode::role_missing, "administer");
    auto order = api::parse_terminal_order(request.body);
    if (!order) co_return fail(std::move(order));
    const bool wants_face = (order->methods & organisations::bit(organisations::Method::face)) != 0;
    if (wants_face && context.settings.face_engines.empty()) {
        co_return fail(ErrorCode::method_not_allowed, "face: this hub admits no engine of face comparison");
    }
    const audit::Actor actor{(*terminal)->organisation.key, (*terminal)->key, "-"};
    auto service = enrolment(context);
    auto added = co_await service.add(*order, actor, deadline);
    if (!added) co_return fail(std::move(added));
    co_return http::json_response(api::write_terminal_added(*added), 201);
}

Task<ResponseResult> disable_terminal(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    if (!(*terminal)->may(organisations::Role::administer)) co_return fail(ErrorCode::role_missing, "administer");
    auto key = api::parse_terminal_name(request.body);
    if (!key) co_return fail(std::move(key));
    const audit::Actor actor{(*terminal)->organisation.key, (*terminal)->key, "-"};
    auto service = enrolment(context);
    auto disabled = co_await service.disable(*key, actor, deadline);
    if (!disabled) co_return fail(std::move(disabled));
    co_return http::json_response(api::write_terminal_disabled(*disabled));
}

Task<ResponseResult> enrol_terminal(const Context& context, http::Request& request, Deadline deadline) {
    if (context.organisation_ca == nullptr) co_return fail(ErrorCode::config_missing, "organisation_ca_key");
    auto wanted = api::parse_enrol_request(request.body, api::EnrolKind::enrol);
    if (!wanted) co_return fail(std::move(wanted));
    auto service = enrolment(context);
    const Bytes request_der = as_bytes(wanted->request_der);
    auto enrolled = co_await service.enrol(wanted->code, request_der, *context.organisation_ca, deadline);
    if (!enrolled) co_return fail(std::move(enrolled));
    co_return http::json_response(api::write_terminal_enrolled(*enrolled, context.settings.hub_id), 201);
}

Task<ResponseResult> renew_terminal(const Context& context, http::Request& request, Deadline deadline) {
    auto terminal = co_await caller(context, request, deadline);
    if (!terminal) co_return fail(std::move(terminal));
    if (context.organisation_ca == nullptr) co_return fail(ErrorCode::config_missing, "organisation_ca_key");
    auto wanted = api::parse_enrol_request(request.body, api::EnrolKind::renew);
    if (!wanted) co_return fail(std::move(wanted));
    auto service = enrolment(context);
    const Bytes request_der = as_bytes(wanted->request_der);
    auto renewed = co_await service.renew(*request.peer->certificate, request_der, *context.organisation_ca, deadline);
    if (!renewed) co_return fail(std::move(renewed));
    co_return http::json_response(api::write_terminal_enrolled(*renewed, context.settings.hub_id), 201);
}

}  // namespace

void add_terminal_routes(http::Server& server, const Context& context) {
    http::RouteOptions options;
    options.body_bytes_max = body_bytes_max;
    http::RouteOptions without_certificate = options;
    without_certificate.certificate = http::ClientCertificate::optional;
    without_certificate.admission = http::AdmissionClass::bulk;
    server.route(http::Method::post, "/v1/terminals", options, [&context](http::Request& request, Deadline deadline) {
        return add_terminal(context, request, deadline);
    });
    server.route(
        http::Method::post, "/v1/terminals/disable", options,
        [&context](http::Request& request, Deadline deadline) { return disable_terminal(context, request, deadline); });
    server.route(
        http::Method::post, "/v1/terminals/enrol", without_certificate,
        [&context](http::Request& request, Deadline deadline) { return enrol_terminal(context, request, deadline); });
    server.route(
        http::Method::post, "/v1/terminals/renew", options,
        [&context](http::Request& request, Deadline deadline) { return renew_terminal(context, request, deadline); });
}

}  // namespace onshi::hub
