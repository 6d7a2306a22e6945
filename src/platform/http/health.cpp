#include "platform/http/health.h"

namespace onshi::http {

namespace {

RouteOptions open_to_all() {
    RouteOptions options;
    options.admission = AdmissionClass::exempt;
    options.certificate = ClientCertificate::none;
    options.body_bytes_max = 0;
    return options;
}

Task<Result<Response>> say_alive(Request&, Deadline) {
    co_return json_response(R"({"status":"ok"})");
}

}  // namespace

void add_health_routes(Server& server, const Metrics& metrics) {
    server.route(Method::get, "/healthz", open_to_all(), &say_alive);
    const auto say_metrics = [&metrics](Request&, Deadline) -> Task<Result<Response>> {
        Response response;
        response.content_type = metrics_content_type;
        response.body = metrics.text();
        co_return response;
    };
    server.route(Method::get, "/metrics", open_to_all(), say_metrics);
}

}  // namespace onshi::http
