#pragma once

// For tests of this folder: certificates of a small installation, and a server on loopback.
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "bench/limits.h"
#include "bench/load_generator.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/server.h"
#include "platform/pki/organisation_ca.h"
#include "platform/pki/private_key.h"
#include "platform/telemetry/metrics.h"

namespace onshi::bench::test {

inline pki::Validity validity() {
    const auto now = SystemClock().now();
    const Instant second{now.us / 1'000'000 * 1'000'000};
    return {second - std::chrono::hours(1), second + std::chrono::hours(24)};
}

// Server and organisation CA, one server and some terminals.
class TestTrust {
  public:
    explicit TestTrust(std::size_t terminals) {
        auto server_ca = pki::IssuingCa::create(pki::IssuingCa::Kind::server, "TEST server", validity(), random_);
        auto organisation_ca =
            pki::IssuingCa::create(pki::IssuingCa::Kind::organisation, "TEST organisation", validity(), random_);
        server_anchor = pki::to_pem(as_bytes(server_ca->certificate().der));
        organisation_anchor = pki::to_pem(as_bytes(organisation_ca->certificate().der));
        const auto server_key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
        const auto server_der =
            server_ca->issue_server({{"hub.test"}, {"127.0.0.1"}}, server_key, validity(), random_).value();
        server = {pki::to_pem(as_bytes(server_der)), server_key.to_pem()};
        for (std::size_t i = 0; i < terminals; ++i) {
            const auto key = pki::EcPrivateKey::generate(pki::EcPrivateKey::Curve::p256);
            const auto request = pki::make_terminal_request(key).value();
            const auto der = organisation_ca
                                 ->issue_terminal(as_bytes(request), {"1312345678", "T" + std::to_string(i + 1)},
                                                  validity(), random_)
                                 .value();
            this->terminals.push_back({pki::to_pem(as_bytes(der)), key.to_pem()});
        }
    }

    std::string server_anchor;
    std::string organisation_anchor;
    http::TlsIdentity server;
    std::vector<http::TlsIdentity> terminals;

  private:
    SystemRandom random_;
};

inline std::string another_anchor() {
    return TestTrust(0).server_anchor;
}

// What a TestServer was sent.
struct Seen {
    std::vector<std::pair<std::string, http::Fingerprint>> bodies;

    [[nodiscard]] std::size_t distinct_bodies() const {
        std::set<std::string> distinct;
        for (const auto& [body, certificate] : bodies) distinct.insert(body);
        return distinct.size();
    }
    [[nodiscard]] std::size_t certificates() const {
        std::set<http::Fingerprint> distinct;
        for (const auto& [body, certificate] : bodies) distinct.insert(certificate);
        return distinct.size();
    }
    // The most certificates that one lane's bodies (`body LANE/…`) came with.
    [[nodiscard]] std::size_t certificates_per_lane() const {
        std::map<std::string, std::set<http::Fingerprint>> lanes;
        for (const auto& [body, certificate] : bodies) lanes[body.substr(0, body.find('/'))].insert(certificate);
        std::size_t most = 0;
        for (const auto& [lane, distinct] : lanes) most = std::max(most, distinct.size());
        return most;
    }
};

// POST /v1/checks over mutual TLS on a loop of its own.
class TestServer {
  public:
    using Answer = std::function<Result<http::Response>(http::Request&)>;

    explicit TestServer(
        Answer answer, const std::function<void(http::Server&)>& add_routes = [](http::Server&) {},
        SecretBytes tickets = {})
        : answer_(std::move(answer)), trust_(3), loops_({}), server_(loops_, options(), metrics_, clock_, random_) {
        add_routes(server_);
        server_.route(http::Method::post, "/v1/checks", {},
                      [this](http::Request& request, Deadline) { return serve(request); });
        http::ListenerOptions listener;
        listener.tls = http::ServerTls{.identity = trust_.server.clone(),
                                       .client_anchors = {trust_.organisation_anchor},
                                       .client_certificate = http::ClientCertificate::required,
                                       .tickets = std::move(tickets)};
        port_ = server_.listen(std::move(listener)).value();
        loops_.start();
    }
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;
    ~TestServer() { stop(); }

    void stop() {
        server_.stop(std::chrono::milliseconds(0));
        loops_.stop();
        loops_.join();
    }
    [[nodiscard]] LoadTarget target(std::size_t identities) const {
        LoadTarget target;
        target.port = port_;
        target.server_name = "hub.test";
        target.server_anchors = {trust_.server_anchor};
        target.connections = 8;
        for (std::size_t i = 0; i < identities; ++i) target.identities.push_back(trust_.terminals[i].clone());
        return target;
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] const TestTrust& trust() const { return trust_; }
    [[nodiscard]] Seen seen() {
        const std::lock_guard lock(mutex_);
        return seen_;
    }

  private:
    static http::ServerOptions options() {
        http::ServerOptions options;
        options.access_log = http::AccessLog::off;
        options.admission.rate = {.per_second = 1e6, .burst = 1e6};
        // Tests make the loop wait on purpose.
        options.admission.queue_delay.target = std::chrono::seconds(10);
        options.admission.queue_delay.delay_max = std::chrono::seconds(10);
        return options;
    }
    Task<Result<http::Response>> serve(http::Request& request) {
        {
            const std::lock_guard lock(mutex_);
            seen_.bodies.emplace_back(request.body, *request.peer->certificate);
        }
        co_return answer_(request);
    }

    Answer answer_;
    TestTrust trust_;
    Metrics metrics_;
    SystemClock clock_;
    SystemRandom random_;
    EventLoops loops_;
    http::Server server_;
    std::uint16_t port_ = 0;
    std::mutex mutex_;
    Seen seen_;
};

}  // namespace onshi::bench::test
