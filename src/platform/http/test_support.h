#pragma once

// Inside this folder only.

// For tests of this folder: certificates made on the spot, a running server, and a client that sends raw bytes.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

#include "base/random.h"
#include "base/time.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/client.h"
#include "platform/http/server.h"
#include "platform/http/tls.h"
#include "platform/telemetry/metrics.h"

namespace onshi::http::test {

// A P-256 CA made when constructed. Issues leaf certificates of the given validity around the system's time.
class TestCa {
  public:
    explicit TestCa(const std::string& name);
    [[nodiscard]] TrustAnchors anchors() const { return {pem_}; }
    [[nodiscard]] TlsIdentity issue(const std::string& name,
                                    std::chrono::seconds valid_for = std::chrono::hours(1)) const;
    [[nodiscard]] TlsIdentity issue_server() const { return issue("localhost"); }

  private:
    std::shared_ptr<EVP_PKEY> key_;
    std::shared_ptr<X509> certificate_;
    std::string pem_;
};

// Two CAs that live as long as the program, since making keys takes time.
[[nodiscard]] const TestCa& server_ca();
[[nodiscard]] const TestCa& organisation_ca();
// Another one with the name of the organisation CA.
[[nodiscard]] const TestCa& strange_ca();

[[nodiscard]] Fingerprint fingerprint_of(const TlsIdentity& identity);
[[nodiscard]] std::string rsa_identity_key_pem();
[[nodiscard]] SecretBytes ticket_secret(std::uint8_t seed = 1);

// A server on loopback; routes are added to `server` before start().
class TestServer {
  public:
    explicit TestServer(ServerOptions options = quick(), std::size_t loops = 1);
    ~TestServer();

    // Limits of milliseconds, so that no test has to wait.
    [[nodiscard]] static ServerOptions quick();
    [[nodiscard]] static ListenerOptions tls_listener(ClientCertificate wanted = ClientCertificate::required);
    [[nodiscard]] static ListenerOptions plain_listener();

    void start(ListenerOptions listener);
    void start() { start(tls_listener()); }
    // Waits until `reached` holds, at most five seconds.
    template <class Condition>
    [[nodiscard]] bool eventually(Condition reached) const {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!reached()) {
            if (std::chrono::steady_clock::now() > end) return false;
            rest();
        }
        return true;
    }

    EventLoops loops;
    Metrics metrics;
    ManualClock clock;
    SystemRandom random;
    std::unique_ptr<Server> server;
    std::uint16_t port = 0;
    bool running = false;

  private:
    static void rest();
};

[[nodiscard]] RouteOptions open_route();
[[nodiscard]] Handler answer_with(std::string body);
// Answers with the request's body.
[[nodiscard]] Handler echo();

[[nodiscard]] ClientOptions client_options(std::uint16_t port, const TlsIdentity* identity);
[[nodiscard]] Client make_client(std::uint16_t port);
[[nodiscard]] ClientRequest get(std::string target);
[[nodiscard]] ClientRequest post(std::string target, std::string body);
// One request on a private loop, with an own connection.
[[nodiscard]] Result<ClientResponse> send_once(const ClientOptions& options, const ClientRequest& request,
                                               std::chrono::milliseconds deadline = std::chrono::seconds(5));

// Sends exactly the bytes it is told to, over TLS 1.3 or plain, blocking, at most five seconds per step.
class RawClient {
  public:
    struct Options {
        const TlsIdentity* identity = nullptr;
        SSL_SESSION* session = nullptr;
        int tls_version_max = TLS1_3_VERSION;
        std::string alpn;  // wire format
        bool tls = true;
        int receive_buffer = 0;
    };
    explicit RawClient(std::uint16_t port) : RawClient(port, Options()) {}
    RawClient(std::uint16_t port, const Options& options);
    ~RawClient();
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] bool send(std::string_view bytes);
    // Head and body of the next answer (by content-length or chunked up to the last chunk); empty when the stream
    // ended.
    [[nodiscard]] std::string read_answer();
    [[nodiscard]] std::string read_some();
    // Everything until the server closes; nullopt when it does not within five seconds.
    [[nodiscard]] std::optional<std::string> read_to_end();
    [[nodiscard]] std::string alpn() const;
    [[nodiscard]] bool resumed() const { return SSL_session_reused(ssl_) == 1; }
    // The newest ticket; the caller frees it. Null without one.
    [[nodiscard]] SSL_SESSION* ticket();
    void end_sending();

  private:
    SSL_CTX* context_ = nullptr;
    SSL* ssl_ = nullptr;
    int socket_ = -1;
    bool connected_ = false;
    bool timed_out_ = false;
    std::string buffer_;
};

// A terminal's certificate, made once.
[[nodiscard]] const TlsIdentity& terminal();
[[nodiscard]] RawClient::Options with_certificate(const TlsIdentity& identity = terminal());
[[nodiscard]] RawClient::Options plain();

// Lets a test decide when its handler goes on.
struct Gate {
    std::atomic<bool> open = false;
    std::atomic<int> waiting = 0;

    [[nodiscard]] Handler handler();
};

[[nodiscard]] std::string request_text(std::string_view method, std::string_view target, std::string_view body = {});
[[nodiscard]] int status_of(std::string_view answer);
[[nodiscard]] bool contains(std::string_view text, std::string_view part);

}  // namespace onshi::http::test
