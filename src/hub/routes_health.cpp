// GET /readyz: a named check per dependency, without personal data. GET /v1/openapi.yaml: the contract.
#include <mutex>

#include "hub/contract.h"
#include "hub/parts.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::hub {

namespace {

constexpr std::chrono::seconds probe_age_max{1};
constexpr std::chrono::seconds clock_step_max{5};

// A probe writes to the disk, so several watchers share one answer for a second.
class Readiness {
  public:
    explicit Readiness(const Context& context) : context_(context) {}

    http::Response answer() {
        const std::scoped_lock lock(mutex_);
        const auto now = std::chrono::steady_clock::now();
        if (body_.empty() || now - probed_at_ > probe_age_max) probe(now);
        return http::json_response(body_, ready_ ? 200 : 503);
    }

  private:
    void probe(SteadyTime now) {
        probed_at_ = now;
        ready_ = true;
        body_.clear();
        JsonWriter writer(body_);
        writer.begin_object();
        writer.begin_array("checks");
        write(writer, "registry", context_.database.probe(sql::Store::registry));
        write(writer, "ledger", context_.database.probe(sql::Store::ledger));
        const auto step = context_.clock.step();
        const bool steady = step < clock_step_max && step > -clock_step_max;
        write(writer, "clock", steady ? Result<void>() : Result<void>(fail(ErrorCode::config_value, "the clock stepped")));
        const bool insurers = context_.directory.insurers()->size() > 0;
        write(writer, "insurers", insurers ? Result<void>() : Result<void>(fail(ErrorCode::config_missing, "none loaded")));
        writer.end_array();
        writer.member("ready", ready_);
        writer.end_object();
    }
    void write(JsonWriter& writer, std::string_view name, const Result<void>& result) {
        ready_ = ready_ && result.has_value();
        writer.begin_object();
        writer.member("name", name);
        writer.member("ok", result.has_value());
        if (!result) {
            writer.member("code", error_name(result.error().code));
            writer.member("detail", result.error().detail);
        }
        writer.end_object();
    }
    const Context& context_;
    std::mutex mutex_;
    SteadyTime probed_at_;
    bool ready_ = false;
    std::string body_;
};

Task<Result<http::Response>> give(http::Response response) { co_return response; }

}  // namespace

void add_readiness_route(http::Server& server, const Context& context) {
    auto readiness = std::make_shared<Readiness>(context);
    http::RouteOptions options;
    options.admission = http::AdmissionClass::exempt;
    options.certificate = http::ClientCertificate::none;
    server.route(http::Method::get, "/readyz", options,
                 [readiness](http::Request&, Deadline) { return give(readiness->answer()); });
}

void add_contract_routes(http::Server& server) {
    auto contract = std::make_shared<const std::string>(openapi_yaml());
    http::RouteOptions options;
    options.certificate = http::ClientCertificate::optional;
    server.route(http::Method::get, "/v1/openapi.yaml", options, [contract](http::Request&, Deadline) {
        http::Response response;
        response.content_type = "application/yaml";
        response.shared_body = contract;
        return give(std::move(response));
    });
}

}  // namespace onshi::hub
