#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/http/limits.h"
#include "platform/http/message.h"
#include "platform/http/tls.h"
#include "platform/telemetry/trace_id.h"

namespace onshi::http {

// Where a request without TLS may go.
enum class PlainText : std::uint8_t {
    loopback_only,
    anywhere,  // for answers that prove themselves
};

struct ClientOptions {
    std::string host;  // name or numeric address
    std::uint16_t port = 443;
    std::optional<ClientTls> tls;  // none: plain HTTP, where `plain` allows it
    PlainText plain = PlainText::loopback_only;
    std::size_t response_bytes_max = default_response_bytes_max;
    std::size_t idle_connections_max = default_idle_connections_max;
    std::size_t connections_max = default_client_connections_max;
    // Longest part of a deadline that connecting (name, TCP, TLS) may take.
    std::chrono::milliseconds connect_time_max{5'000};
    // An idle connection older than this is not used again; shorter than the server's idle time.
    std::chrono::milliseconds idle_time_max{60'000};
};

// May this request be sent a second time when it is not known whether the first one was carried out? Yes for reads and
// for requests that carry their own identity (check id).
enum class Replay : std::uint8_t { forbidden, allowed };

struct ClientRequest {
    Method method = Method::get;
    std::string target;  // path and query, without personal data
    std::string body;
    std::string_view content_type = "application/json";
    std::vector<ResponseHeader> headers;
    TraceId trace_id;  // none: no traceparent is sent
    Language language = Language::ja;
    Replay replay = Replay::forbidden;
};

struct ClientHeader {
    std::string name;  // lower case
    std::string value;
};

struct ClientResponse {
    std::uint16_t status = 0;
    std::string body;
    std::vector<ClientHeader> headers;
    TraceId trace_id;  // what the server calls it

    [[nodiscard]] std::optional<std::string_view> header(std::string_view lower_case_name) const;
};

// Talks HTTP/1.1 to one server over kept connections.
// One client per loop (or per thread with run_to_end); not thread-safe; owns its connections; outlives its requests and
// is destroyed before its loop, on its loop or after that has ended.
class Client {
  public:
    // Fails with `config.certificate` for unusable TLS material.
    [[nodiscard]] static Result<Client> make(ClientOptions options);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    // Sends and waits for the whole answer. An answer of 400 and above is an error: its catalogue code when it is
    // problem+json with a code that we know (then with its detail, fields and advice), else `peer.refused` (4xx),
    // `peer.unavailable` (5xx). `deadline.passed`, `peer.unavailable`, `peer.untrusted`: the request was not carried
    // out. `peer.outcome_unknown`: it may have been. `peer.protocol`: the answer was not understood or too large. Uses
    // the remaining time as `onshi-deadline-ms`.
    [[nodiscard]] Task<Result<ClientResponse>> send(const ClientRequest& request, Deadline deadline);

    // Closes kept connections; requests under way go on.
    void close_idle();

  private:
    struct Impl;
    explicit Client(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace onshi::http
