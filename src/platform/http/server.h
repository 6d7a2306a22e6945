#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/limits.h"
#include "platform/http/message.h"
#include "platform/http/tls.h"
#include "platform/telemetry/metrics.h"

namespace onshi::http {

// Who waits when there is not enough for all. Under overload `bulk` is refused first and `urgent` last; each has its
// own bound on requests in flight. `exempt` is for health and metrics: never refused, never counted.
enum class AdmissionClass : std::uint8_t { urgent, normal, bulk, exempt };
inline constexpr std::size_t admission_classes = 3;

// Whether a handler gets the whole body or takes it piece by piece from Request::pieces.
enum class BodyDelivery : std::uint8_t { whole, in_pieces };

struct RouteOptions {
    std::size_t body_bytes_max = default_body_bytes_max;
    BodyDelivery body = BodyDelivery::whole;
    std::chrono::milliseconds deadline = default_deadline;
    AdmissionClass admission = AdmissionClass::normal;
    // `required` refuses a connection without a certificate by `request.certificate_required`.
    ClientCertificate certificate = ClientCertificate::required;
};

// Requests per second of one peer (its certificate, or its address without one) and how many it may save up.
struct RateLimit {
    double per_second = 200;
    double burst = 400;
};

// When a loop is too busy: a probe event measures how long work waits for its turn. While every measurement of
// `interval` was above `target`, requests of class normal are refused whenever the last one is (bulk: half of target,
// urgent: twice), until all of one interval were below. Beyond `delay_max` everything but `exempt` is refused at once.
struct QueueDelay {
    std::chrono::microseconds target{20'000};
    std::chrono::microseconds interval{100'000};
    std::chrono::microseconds delay_max{200'000};
    std::chrono::microseconds probe_every{5'000};
};

struct AdmissionOptions {
    // Per loop; the loops share the sum.
    std::size_t requests_in_flight_max = default_requests_in_flight_max;
    // Of these: urgent, normal, bulk.
    std::array<std::size_t, admission_classes> class_in_flight_max{
        default_requests_in_flight_max, default_requests_in_flight_max * 3 / 4, default_requests_in_flight_max / 4};
    RateLimit rate;
    QueueDelay queue_delay;
    std::size_t body_bytes_in_flight_max = default_body_bytes_in_flight_max;
    std::size_t connections_max = default_connections_max;
    std::size_t connections_per_address_max = default_connections_per_address_max;
    std::size_t streams_max = default_streams_max;
    std::uint32_t handshakes_per_second_max = default_handshakes_per_second_max;
    // Per loop. How those who were refused by `overload.busy` are told to come back: spread over so many per second,
    // as long as that is not later than `return_wait_max`.
    std::uint32_t returns_per_second_max = default_returns_per_second_max;
    std::chrono::milliseconds return_wait_max = default_return_wait_max;
};

struct TimeLimits {
    std::chrono::milliseconds handshake = default_handshake_time_max;
    std::chrono::milliseconds header = default_header_time_max;
    std::chrono::milliseconds transfer = default_transfer_time_max;
    std::size_t bytes_per_second_min = default_bytes_per_second_min;
    std::chrono::milliseconds idle = default_idle_time_max;
    std::chrono::milliseconds connection_age = default_connection_age_max;
    // How often limits are looked at; they are kept to this precision.
    std::chrono::milliseconds tick{100};
};

enum class AccessLog : std::uint8_t { off, failures, all };

struct ServerOptions {
    AdmissionOptions admission;
    TimeLimits times;
    AccessLog access_log = AccessLog::all;
};

struct ListenerOptions {
    std::string address = "127.0.0.1";  // numeric
    std::uint16_t port = 0;             // 0: the system chooses; see listen()
    std::optional<ServerTls> tls;       // none: plain HTTP, allowed on loopback addresses only
    std::string name = "main";          // in logs and metrics
    // Not empty: the Host field must name one of these (without port), and a browser's Origin must be this very host.
    // For pages on loopback, against DNS rebinding and other sites (ux §2.2).
    std::vector<std::string> hosts;
    // Sent with every answer, for example a content security policy. Names and values are literals of the program.
    std::vector<ResponseHeader> response_headers;
    // A socket that already listens (systemd socket activation); address and port are not used then. Stays the
    // caller's.
    std::optional<int> inherited_socket;
};

// What a test or a status page wants to know. Counted since the start.
struct ServerCounts {
    std::uint64_t connections_open = 0;
    std::uint64_t connections_refused = 0;
    std::uint64_t handshakes_failed = 0;
    std::uint64_t sessions_resumed = 0;
    std::uint64_t requests = 0;
    std::uint64_t requests_shed = 0;
    std::uint64_t timeouts = 0;
};

// HTTP/1.1 server on all loops (each accepts by itself through SO_REUSEPORT; a connection stays on its loop).
//
// Fixed behaviour (tests in server_*test.cpp): malformed request → 400 and close; unknown path → 404; wrong method →
// 405 with Allow; header too large → 431 and close; body too large → 413 and close; slow header or body → 408 and
// close; idle → close; too many connections → closed after accept; wrong or missing client certificate → TLS alert;
// overload → 503 overload.busy, the connection is kept but not read before the advised time; rate → 429; handler throws
// → 500 and a log line; a client that does not read → reset. HEAD is answered from GET routes.
//
// Owns listeners and connections, shares them with its coroutines. Routes are set before listen(); listen() before the
// loops run or from any thread; stop(), counts() and replace_tls() are thread-safe. `loops`, `metrics`, `clock` and
// `random` outlive the drain.
class Server {
  public:
    Server(EventLoops& loops, ServerOptions options, Metrics& metrics, const Clock& clock, Random& random);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // Does stop(0) if nobody did. Does not wait: the loops end the rest.
    ~Server();

    // `pattern` like `/v1/checks/{receipt}/consents`; `{name*}` as last segment takes the rest of the path. Literal
    // segments win over parameters. A pattern that is malformed or already there is our own bug (ENSURE).
    void route(Method method, std::string_view pattern, RouteOptions options, Handler handler);

    // Opens the listener on every loop and returns the port. Fails with `config.listen` or `config.certificate`.
    [[nodiscard]] Result<std::uint16_t> listen(ListenerOptions options);
    // New connections of the listener of that name use this from now on (renewed certificate, changed CAs).
    [[nodiscard]] Result<void> replace_tls(std::string_view listener, ServerTls tls);

    // Stops accepting, closes idle connections, lets requests in flight end with `connection: close`, and cuts off what
    // is left after `bound`. Returns at once; idempotent.
    void stop(std::chrono::milliseconds bound);
    // Waits until the last connection has ended; false when `bound` passes first. Not from a loop.
    [[nodiscard]] bool wait_stopped(std::chrono::milliseconds bound);

    [[nodiscard]] ServerCounts counts() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace onshi::http
