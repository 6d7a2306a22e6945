// GET /readyz: a named check per dependency, without personal data. GET /v1/openapi.yaml: the contract.
#include <mutex>
#include <optional>
#include <utility>

#include "hub/clock_watch.h"
#include "hub/contract.h"
#include "hub/parts.h"
#include "platform/text_formats/json_writer.h"

namespace onshi::hub {

namespace {

constexpr std::chrono::seconds probe_age_max{1};
constexpr std::chrono::milliseconds probe_deadline{2'000};

// A store is asked by a commit of nothing, through its committer, so that no event loop waits for the disk. Several
// watchers share one answer for a second; who comes while the stores are being asked gets the last answer, and a
// refusal when they take too long. Thread-safe.
class Readiness {
  public:
    explicit Readiness(const Context& context) : context_(context) {}

    Task<Result<http::Response>> answer() {
        if (begin_probe()) {
            auto registry = co_await probe(sql::Store::registry, registry_refusals_);
            auto ledger = co_await probe(sql::Store::ledger, ledger_refusals_);
            end_probe(std::move(registry), std::move(ledger));
        }
        co_return write_answer();
    }

  private:
    // A commit of nothing is small and may find room where a check's does not, so refusals since the last look count
    // too.
    Task<Result<void>> probe(sql::Store store, std::uint64_t& refusals_seen) {
        sql::WriteSet nothing(store);
        const Deadline deadline = Deadline::in(probe_deadline);
        auto committed = co_await context_.database.commit(std::move(nothing), deadline);
        const std::uint64_t refusals = context_.database.counters(store).refusals;
        const bool refused = std::exchange(refusals_seen, refusals) != refusals;
        if (!committed) co_return fail(std::move(committed));
        if (refused) co_return fail(ErrorCode::store_unavailable, "writes were refused a moment ago");
        co_return Result<void>();
    }
    bool begin_probe() {
        const std::scoped_lock lock(mutex_);
        const auto now = std::chrono::steady_clock::now();
        if (probing_since_ || (probed_at_ && now - *probed_at_ <= probe_age_max)) return false;
        probing_since_ = now;
        return true;
    }
    void end_probe(Result<void> registry, Result<void> ledger) {
        const std::scoped_lock lock(mutex_);
        registry_ = std::move(registry);
        ledger_ = std::move(ledger);
        probed_at_ = std::chrono::steady_clock::now();
        probing_since_.reset();
    }
    http::Response write_answer() const {
        const std::scoped_lock lock(mutex_);
        const auto now = std::chrono::steady_clock::now();
        const bool known = probed_at_ && !(probing_since_ && now - *probing_since_ > probe_deadline);
        const Result<void> silent = fail(ErrorCode::deadline_passed, "the store has not answered yet");
        std::string body;
        JsonWriter writer(body);
        bool ready = true;
        writer.begin_object();
        writer.begin_array("checks");
        write(writer, ready, "registry", known ? registry_ : silent);
        write(writer, ready, "ledger", known ? ledger_ : silent);
        write_facts(writer, ready);
        writer.end_array();
        writer.member("ready", ready);
        writer.end_object();
        return http::json_response(std::move(body), ready ? 200 : 503);
    }
    void write_facts(JsonWriter& writer, bool& ready) const {
        const Instant now = context_.clock.now();
        const bool steady = !is_clock_step(context_.clock.step());
        write(writer, ready, "clock", steady ? Result<void>() : fail(ErrorCode::config_value, "the clock stepped"));
        const bool insurers = context_.directory.insurers()->size() > 0;
        write(writer, ready, "insurers", insurers ? Result<void>() : fail(ErrorCode::config_missing, "none loaded"));
        write(writer, ready, "card_status", card_status(now));
        write(writer, ready, "audit", context_.vital_signs.audit(now));
        for (const auto& certificate : context_.vital_signs.certificates()) {
            const auto days = days_left(certificate.not_after, now);
            const bool good = now < certificate.not_after;
            begin(writer, ready, certificate.kind + "_certificate",
                  good ? Result<void>() : fail(ErrorCode::certificate_expired, ""));
            writer.member("days_left", days);
            writer.end_object();
        }
    }
    // A demo serves on with old lists, as its answers say; in production somebody must hear of it.
    Result<void> card_status(Instant now) const {
        if (context_.settings.profile != Profile::production) return {};
        for (const std::int32_t ca_id : context_.authorities.ca_ids()) {
            if (context_.status_sources.is_fresh(ca_id, now)) continue;
            return fail(ErrorCode::revocation_stale, "a card CA's list of revoked certificates is older than 24 hours");
        }
        return {};
    }
    static void begin(JsonWriter& writer, bool& ready, std::string_view name, const Result<void>& result) {
        ready = ready && result.has_value();
        writer.begin_object();
        writer.member("name", name);
        writer.member("ok", result.has_value());
        if (!result) {
            writer.member("code", error_name(result.error().code));
            writer.member("detail", result.error().detail);
        }
    }
    static void write(JsonWriter& writer, bool& ready, std::string_view name, const Result<void>& result) {
        begin(writer, ready, name, result);
        writer.end_object();
    }
    const Context& context_;
    // Of the one coroutine that asks.
    std::uint64_t registry_refusals_ = 0;
    std::uint64_t ledger_refusals_ = 0;
    mutable std::mutex mutex_;
    std::optional<SteadyTime> probing_since_;
    std::optional<SteadyTime> probed_at_;
    Result<void> registry_;
    Result<void> ledger_;
};

Task<Result<http::Response>> give(http::Response response) {
    co_return response;
}

}  // namespace

void add_readiness_route(http::Server& server, const Context& context) {
    auto readiness = std::make_shared<Readiness>(context);
    http::RouteOptions options;
    options.admission = http::AdmissionClass::exempt;
    options.certificate = http::ClientCertificate::none;
    server.route(http::Method::get, "/readyz", options,
                 [readiness](http::Request&, Deadline) { return readiness->answer(); });
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
