#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/texts.h"
#include "base/time.h"
#include "platform/event_loop/event_loop.h"
#include "platform/telemetry/trace_id.h"

namespace onshi::http {

// `other` never matches a route.
enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };
[[nodiscard]] std::string_view to_string(Method method) noexcept;

// SHA-256 over the DER form of a client certificate: what a terminal is known by.
using Fingerprint = std::array<std::uint8_t, 32>;

// Who is at the other end. Made once per connection, also when its TLS session was resumed. The certificate has been
// verified against the listener's organisation CAs and was valid when the connection began.
struct Peer {
    std::optional<Fingerprint> certificate;
    std::string address;  // numeric, without port
};

struct HeaderView {
    std::string_view name;  // as received
    std::string_view value;
};

// A body that its handler takes piece by piece (RouteOptions::body), so that its size costs no memory. Belongs to the
// connection, like the request. Not thread-safe.
class RequestBody {
  public:
    virtual ~RequestBody() = default;
    // The next piece, at most read_bytes; empty at the end. It lives until the next call. A body that ends early, comes
    // too slowly, is malformed or too large is an error, and the connection ends with the answer.
    [[nodiscard]] virtual Task<Result<std::string_view>> next_piece() = 0;
};

// One request. All views point into the connection's buffers and live until the handler has returned.
// Not thread-safe; belongs to the connection's loop.
struct Request {
    Method method = Method::other;
    std::string_view path;   // as received, without the query
    std::string_view query;  // as received, without `?`; see query.h
    std::string_view body;
    RequestBody* pieces = nullptr;  // instead of `body` where the route takes it in pieces
    // The decoded values of the pattern's `{…}` in their order.
    std::span<const std::string_view> parameters;
    std::span<const HeaderView> headers;
    const Peer* peer = nullptr;
    TraceId trace_id;
    Language language = Language::ja;  // from Accept-Language; Japanese unless English is preferred
    SteadyTime received_at;

    // Case-insensitive; the first of several; nullopt when absent.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

// The way out of an answer that has no end yet (server-sent events, long lists). Belongs to the connection.
// Not thread-safe, but for `alarm()`, which any thread may ring to wake the writer.
class ResponseStream {
  public:
    virtual ~ResponseStream() = default;
    // Sends; false when the peer is gone or the server drains: return then. Waits while the peer reads slowly, but not
    // longer than the server's transfer time.
    [[nodiscard]] virtual Task<bool> write(std::string_view bytes) = 0;
    [[nodiscard]] virtual bool open() const = 0;
    // Wait here between writes; draining rings it too. Shared, so that a publisher may hold it longer than the
    // connection.
    [[nodiscard]] virtual const std::shared_ptr<Alarm>& alarm() const = 0;
};

using StreamBody = std::function<Task<void>(ResponseStream&)>;

struct ResponseHeader {
    std::string_view name;  // a literal
    std::string value;
};

// One answer; plain values. Exactly one of `body`, `shared_body` and `stream` is used, in the order stream, shared,
// body.
struct Response {
    std::uint16_t status = 200;                          // 200 … 599
    std::string_view content_type = "application/json";  // a literal; none is sent for an empty body
    std::string body;                                    // moved through to the socket, never copied when large
    std::shared_ptr<const std::string> shared_body;      // pages and other bytes that many answers share
    StreamBody stream;
    // In addition to date, length, type, trace-id and the listener's own; a value with a control character is our own
    // fault and becomes 500. `cache-control: no-store` is sent unless one is given here.
    std::vector<ResponseHeader> headers;
};

[[nodiscard]] Response json_response(std::string body, std::uint16_t status = 200);
[[nodiscard]] Response empty_response(std::uint16_t status = 204);

// A handler's failure becomes problem+json (problem.h). `deadline` is the earlier of the route's and the caller's.
// A handler is a coroutine of the connection's loop; what it captures outlives the server's drain.
using Handler = std::function<Task<Result<Response>>(Request& request, Deadline deadline)>;

}  // namespace onshi::http
