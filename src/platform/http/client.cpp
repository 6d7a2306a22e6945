#include "platform/http/client.h"

#include <algorithm>
#include <array>
#include <functional>
#include <list>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/x509_vfy.h>

#include "base/random.h"
#include "platform/event_loop/event_loop.h"
#include "platform/http/input_buffer.h"
#include "platform/http/problem.h"
#include "platform/http/response_parser.h"
#include "platform/http/tls_context.h"
#include "platform/http/transport.h"

namespace onshi::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds pause_max{5'000};
constexpr std::size_t response_read_bytes = 4 * 1024;

// The alerts by which a server says that it does not accept our certificate, or the lack of one.
bool refuses_certificate(int reason) {
    constexpr std::array alerts{SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
                                SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
                                SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
                                SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
                                SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
                                SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
                                SSL_R_TLSV1_ALERT_UNKNOWN_CA,
                                SSL_R_TLSV1_ALERT_ACCESS_DENIED,
                                SSL_R_TLSV1_ALERT_DECRYPT_ERROR};
    return std::ranges::find(alerts, reason) != alerts.end();
}

bool is_sendable(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_sendable(const ClientRequest& request) {
    const auto token = [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7F;
    };
    return request.method != Method::other && request.target.starts_with('/') &&
           std::ranges::all_of(request.target, token) &&
           std::ranges::all_of(request.headers, [](const ResponseHeader& field) { return is_sendable(field.value); });
}

// Calls `cancel` when the time has come, unless it has been destroyed before. The shared part outlives a callback that
// is already queued.
class Timeout {
  public:
    Timeout(const LoopExecutor& executor, SteadyTime until, std::function<void()> cancel)
        : state_(std::make_shared<State>(executor)) {
        state_->cancel = std::move(cancel);
        state_->timer.expires_at(until);
        state_->timer.async_wait([state = state_](const error_code& error) {
            if (error || !state->cancel) return;
            state->fired = true;
            state->cancel();
        });
    }
    Timeout(const Timeout&) = delete;
    Timeout& operator=(const Timeout&) = delete;
    ~Timeout() {
        state_->cancel = nullptr;
        state_->timer.cancel();
    }
    [[nodiscard]] bool fired() const { return state_->fired; }

  private:
    struct State {
        explicit State(const LoopExecutor& executor) : timer(executor) {}
        asio::steady_timer timer;
        std::function<void()> cancel;
        bool fired = false;
    };
    std::shared_ptr<State> state_;
};

// One connection to the server.
struct Link {
    Link(LoopExecutor given, tcp::socket socket) : executor(std::move(given)), transport(std::move(socket)) {}

    LoopExecutor executor;
    Transport transport;
    InputBuffer input;
    SteadyTime idle_since{};
    SteadyTime ready_at{};  // the server has asked for patience until then
    bool used_before = false;
    bool keep_alive = false;  // after the answer just read
};

}  // namespace

std::optional<std::string_view> ClientResponse::header(std::string_view lower_case_name) const {
    for (const ClientHeader& field : headers) {
        if (field.name == lower_case_name) return field.value;
    }
    return std::nullopt;
}

struct Client::Impl {
    using LinkPtr = std::unique_ptr<Link>;

    // How an exchange ended on the wire.
    enum class Ended : std::uint8_t { complete, closed_before_answer, broken, timed_out, malformed, too_large };

    [[nodiscard]] LinkPtr take_idle(const LoopExecutor& executor);
    [[nodiscard]] bool still_usable(Link& link, const LoopExecutor& executor, SteadyTime now) const;
    [[nodiscard]] Task<Result<LinkPtr>> connect(Deadline deadline);
    [[nodiscard]] Task<Result<std::vector<tcp::endpoint>>> resolve(SteadyTime until);
    [[nodiscard]] Task<Result<tcp::socket>> open_socket(SteadyTime until);
    [[nodiscard]] Task<Result<void>> secure(Link& link, SteadyTime until);
    [[nodiscard]] std::string compose(const ClientRequest& request, Deadline deadline);
    [[nodiscard]] Task<Ended> exchange(Link& link, const ClientRequest& request, Deadline deadline,
                                       ClientResponse& response);
    [[nodiscard]] Task<Ended> receive(Link& link, ResponseParser& parser, bool& any);
    [[nodiscard]] Error failure(const Link& link, Ended ended) const;
    [[nodiscard]] Result<ClientResponse> conclude(LinkPtr link, ClientResponse response);
    void keep(LinkPtr link);

    ClientOptions options;
    std::shared_ptr<const TlsContext> tls;
    SessionSlot session;
    std::list<LinkPtr> idle;
    std::size_t open = 0;  // links of requests under way
    std::uint64_t spans = 0;
};

bool Client::Impl::still_usable(Link& link, const LoopExecutor& executor, SteadyTime now) const {
    if (link.executor != executor || now - link.idle_since > options.idle_time_max) return false;
    // Nothing may have come since the last answer; usually it is the end of the stream.
    std::array<char, 1> unexpected;
    return link.input.empty() && link.transport.try_read(unexpected).state == Io::want_read;
}

Client::Impl::LinkPtr Client::Impl::take_idle(const LoopExecutor& executor) {
    const SteadyTime now = steady_clock::now();
    for (auto at = idle.begin(); at != idle.end();) {
        if ((*at)->ready_at > now) {
            ++at;
            continue;
        }
        LinkPtr link = std::move(*at);
        at = idle.erase(at);
        if (still_usable(*link, executor, now)) return link;
    }
    return nullptr;
}

Task<Result<std::vector<tcp::endpoint>>> Client::Impl::resolve(SteadyTime until) {
    std::vector<tcp::endpoint> endpoints;
    error_code error;
    const asio::ip::address address = asio::ip::make_address(options.host, error);
    if (!error) {
        endpoints.emplace_back(address, options.port);
        co_return endpoints;
    }
    const LoopExecutor executor = co_await asio::this_coro::executor;
    tcp::resolver resolver(executor);
    const Timeout timeout(executor, until, [&resolver] { resolver.cancel(); });
    const std::string port = std::to_string(options.port);
    auto [failed, found] = co_await resolver.async_resolve(options.host, port, no_throw);
    if (failed) co_return fail(ErrorCode::peer_unavailable, "name lookup: " + failed.message());
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    co_return endpoints;
}

Task<Result<tcp::socket>> Client::Impl::open_socket(SteadyTime until) {
    auto endpoints = co_await resolve(until);
    if (!endpoints) co_return fail(std::move(endpoints));
    const LoopExecutor executor = co_await asio::this_coro::executor;
    tcp::socket socket(executor);
    const Timeout timeout(executor, until, [&socket] {
        error_code ignored;
        socket.close(ignored);
    });
    std::string reason = "no address";
    for (const tcp::endpoint& endpoint : *endpoints) {
        if (!tls && options.plain == PlainText::loopback_only && !endpoint.address().is_loopback())
            co_return fail(ErrorCode::peer_untrusted, "plain HTTP is for loopback only");
        error_code ignored;
        socket.close(ignored);
        auto [error] = co_await socket.async_connect(endpoint, no_throw);
        if (!error) co_return socket;
        if (timeout.fired()) co_return fail(ErrorCode::peer_unavailable, "connecting took too long");
        reason = error.message();
    }
    co_return fail(ErrorCode::peer_unavailable, "connect: " + reason);
}

Task<Result<void>> Client::Impl::secure(Link& link, SteadyTime until) {
    if (!tls) co_return Result<void>();
    if (!link.transport.use_tls(tls->connecting(options.host, session))) {
        co_return fail(ErrorCode::config_certificate, "the server's name cannot be checked");
    }
    const Timeout timeout(link.executor, until, [&link] { link.transport.interrupt(); });
    const Io io = co_await link.transport.handshake();
    if (io == Io::done) co_return Result<void>();
    const long verified = SSL_get_verify_result(link.transport.ssl());
    if (verified != X509_V_OK) co_return fail(ErrorCode::peer_untrusted, X509_verify_cert_error_string(verified));
    if (refuses_certificate(link.transport.tls_reason()))
        co_return fail(ErrorCode::peer_untrusted, "our certificate was refused");
    if (timeout.fired()) co_return fail(ErrorCode::peer_unavailable, "TLS took too long");
    co_return fail(ErrorCode::peer_unavailable, "TLS handshake failed");
}

Task<Result<Client::Impl::LinkPtr>> Client::Impl::connect(Deadline deadline) {
    const SteadyTime until = std::min(deadline.at(), steady_clock::now() + options.connect_time_max);
    auto socket = co_await open_socket(until);
    if (!socket && deadline.passed()) co_return fail(ErrorCode::deadline_passed, "while connecting");
    if (!socket) co_return fail(std::move(socket));
    const LoopExecutor executor = co_await asio::this_coro::executor;
    LinkPtr link = std::make_unique<Link>(executor, std::move(*socket));
    auto secured = co_await secure(*link, until);
    if (!secured && deadline.passed()) co_return fail(ErrorCode::deadline_passed, "while connecting");
    if (!secured) co_return fail(std::move(secured));
    co_return link;
}

std::string Client::Impl::compose(const ClientRequest& request, Deadline deadline) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline.at() - steady_clock::now());
    std::string out;
    out.reserve(512 + request.target.size() + request.body.size());
    out.append(to_string(request.method)).append(" ").append(request.target).append(" HTTP/1.1\r\nhost: ");
    const bool v6 = options.host.find(':') != std::string::npos;
    out.append(v6 ? "[" : "").append(options.host).append(v6 ? "]:" : ":").append(std::to_string(options.port));
    out.append("\r\naccept-language: ").append(request.language == Language::en ? "en" : "ja");
    out.append("\r\nonshi-deadline-ms: ").append(std::to_string(std::max<std::int64_t>(left.count(), 1)));
    if (!request.trace_id.none())
        out.append("\r\ntraceparent: ").append(request.trace_id.traceparent(mix64(++spans) | 1U));
    for (const ResponseHeader& field : request.headers)
        out.append("\r\n").append(field.name).append(": ").append(field.value);
    if (!request.body.empty()) out.append("\r\ncontent-type: ").append(request.content_type);
    if (!request.body.empty() || request.method == Method::post || request.method == Method::put ||
        request.method == Method::patch) {
        out.append("\r\ncontent-length: ").append(std::to_string(request.body.size()));
    }
    return out.append("\r\n\r\n").append(request.body);
}

Task<Client::Impl::Ended> Client::Impl::receive(Link& link, ResponseParser& parser, bool& any) {
    for (;;) {
        const IoResult result = co_await link.transport.read(link.input.room(response_read_bytes));
        Parsed parsed = Parsed::need_more;
        if (result.state == Io::done) {
            any = true;
            link.input.commit(result.bytes);
            std::size_t used = 0;
            parsed = parser.put(link.input.view(), used);
            link.input.consume(used);
        } else if (!any) {
            co_return Ended::closed_before_answer;
        } else {
            if (result.state == Io::closed) parsed = parser.end();
            if (parsed != Parsed::complete) co_return Ended::broken;
        }
        if (parsed == Parsed::complete) co_return Ended::complete;
        if (parsed == Parsed::body_too_large) co_return Ended::too_large;
        if (parsed != Parsed::need_more) co_return Ended::malformed;
    }
}

Task<Client::Impl::Ended> Client::Impl::exchange(Link& link, const ClientRequest& request, Deadline deadline,
                                                 ClientResponse& response) {
    const Timeout timeout(link.executor, deadline.at(), [&link] { link.transport.interrupt(); });
    const std::string bytes = compose(request, deadline);
    // A server may answer and close before it has read everything (too large, for example): its answer counts.
    const Io written = co_await link.transport.write(bytes);
    if (timeout.fired()) co_return Ended::timed_out;
    const auto body = request.method == Method::head ? ResponseParser::Body::head_only : ResponseParser::Body::expected;
    ResponseParser parser(response, body, options.response_bytes_max);
    bool any = false;
    const Ended ended = co_await receive(link, parser, any);
    if (timeout.fired()) co_return Ended::timed_out;
    link.keep_alive = ended == Ended::complete && written == Io::done && parser.keep_alive() && link.input.empty();
    co_return ended;
}

Error Client::Impl::failure(const Link& link, Ended ended) const {
    switch (ended) {
        case Ended::malformed: return Error(ErrorCode::peer_protocol, "not a valid HTTP/1.1 answer");
        case Ended::too_large: return Error(ErrorCode::peer_protocol, "answer larger than the limit");
        case Ended::timed_out: return Error(ErrorCode::peer_outcome_unknown, "no answer before the deadline");
        case Ended::broken: return Error(ErrorCode::peer_outcome_unknown, "the answer broke off");
        case Ended::closed_before_answer:
        case Ended::complete: break;
    }
    // With TLS 1.3 a server refuses our certificate only after our side of the handshake is done.
    if (refuses_certificate(link.transport.tls_reason()))
        return Error(ErrorCode::peer_untrusted, "our certificate was refused");
    return Error(ErrorCode::peer_outcome_unknown, "the connection ended without an answer");
}

void Client::Impl::keep(LinkPtr link) {
    link->idle_since = steady_clock::now();
    link->used_before = true;
    link->input.shrink();
    idle.push_front(std::move(link));
    if (idle.size() > options.idle_connections_max) idle.pop_back();
}

Result<ClientResponse> Client::Impl::conclude(LinkPtr link, ClientResponse response) {
    const std::string_view trace = response.header("trace-id").value_or("");
    response.trace_id = TraceId::from_hex(trace).value_or(TraceId());
    if (response.status < 400) {
        if (link->keep_alive) keep(std::move(link));
        return response;
    }
    Error error = parse_problem(response.status, response.header("content-type").value_or(""), response.body);
    // A server that refuses does not read this connection before the time it has named: take another one meanwhile.
    if (response.status == 503 || response.status == 429) {
        link->ready_at = steady_clock::now() + std::min(milliseconds(error.retry_after_ms), pause_max);
    }
    if (link->keep_alive) keep(std::move(link));
    return tl::unexpected<Error>(std::move(error));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::make(ClientOptions options) {
    auto impl = std::make_unique<Impl>();
    if (!is_sendable(options.host) || options.host.empty())
        return fail(ErrorCode::config_listen, "the host is malformed");
    if (options.tls) {
        auto made = TlsContext::for_client(*options.tls);
        if (!made) return fail(std::move(made));
        impl->tls = std::move(*made);
        options.tls.reset();
    }
    impl->options = std::move(options);
    return Client(std::move(impl));
}

void Client::close_idle() {
    impl_->idle.clear();
}

Task<Result<ClientResponse>> Client::send(const ClientRequest& request, Deadline deadline) {
    Impl& impl = *impl_;
    if (!is_sendable(request)) co_return fail(ErrorCode::request_malformed, "target or header field cannot be sent");
    const bool may_repeat =
        request.replay == Replay::allowed || request.method == Method::get || request.method == Method::head;
    const LoopExecutor executor = co_await asio::this_coro::executor;
    Impl::LinkPtr link = impl.take_idle(executor);
    for (;;) {
        if (deadline.passed()) co_return fail(ErrorCode::deadline_passed, "before the request was sent");
        if (impl.open >= impl.options.connections_max)
            co_return fail(ErrorCode::overload_busy, "too many requests to this server");
        ++impl.open;
        if (!link) {
            auto connected = co_await impl.connect(deadline);
            if (!connected) {
                --impl.open;
                co_return fail(std::move(connected));
            }
            link = std::move(*connected);
        }
        ClientResponse response;
        const Impl::Ended ended = co_await impl.exchange(*link, request, deadline, response);
        --impl.open;
        if (ended == Impl::Ended::complete) co_return impl.conclude(std::move(link), std::move(response));
        // The server has closed a kept connection in the moment in which we used it: usual, and safe to repeat.
        const bool stale = ended == Impl::Ended::closed_before_answer && link->used_before;
        if (!stale || !may_repeat) co_return tl::unexpected<Error>(impl.failure(*link, ended));
        link = nullptr;
    }
}

}  // namespace onshi::http
