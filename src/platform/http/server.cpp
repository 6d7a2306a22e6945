#include "platform/http/server.h"

#include <algorithm>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/ensure.h"
#include "platform/http/connection.h"
#include "platform/http/server_state.h"
#include "platform/telemetry/log.h"

namespace onshi::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
// How long accepting rests when the system has no descriptor or memory left.
constexpr milliseconds accept_rest{100};
// An idle loop is probed this much more rarely, so that an idle program hardly wakes.
constexpr int idle_probe_factor = 20;

// One network, for limits: an IPv6 customer has at least 2^64 addresses.
std::string address_key(const asio::ip::address& address) {
    if (address.is_v4()) return address.to_string();
    const auto bytes = address.to_v6().to_bytes();
    return std::string(reinterpret_cast<const char*>(bytes.data()), 8);
}

void refuse_connection(LoopState& loop, tcp::socket socket) {
    loop.shared->connections_refused.fetch_add(1, std::memory_order_relaxed);
    loop.count_shed(ShedReason::connections);
    // A reset leaves no state behind; whoever floods us must not fill our tables with closing sockets.
    error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
}

Task<void> serve(std::unique_ptr<Connection> connection, Running running) {
    static_cast<void>(running);
    co_await connection->run();
}

void begin(const std::shared_ptr<LoopState>& loop, const std::shared_ptr<const Listener>& listener, tcp::socket socket,
           const asio::ip::address& peer) {
    Shared& shared = *loop->shared;
    if (!shared.connections.take(1)) return refuse_connection(*loop, std::move(socket));
    std::string key = address_key(peer);
    if (!shared.addresses.enter(key)) {
        shared.connections.give_back(1);
        return refuse_connection(*loop, std::move(socket));
    }
    auto connection = std::make_unique<Connection>(loop, listener, std::move(socket), peer.to_string(), std::move(key));
    spawn(loop->executor, serve(std::move(connection), Running(loop->shared)));
}

Task<void> accept_all(std::shared_ptr<LoopState> loop, std::shared_ptr<const Listener> listener, tcp::acceptor acceptor,
                      Running running) {
    static_cast<void>(running);
    if (loop->draining) co_return;
    loop->acceptors.push_back(&acceptor);
    while (!loop->draining) {
        const SteadyTime now = steady_clock::now();
        const SteadyTime at = listener->options().tls ? loop->handshakes.next(now) : now;
        if (at > now) co_await sleep_until(at);
        if (loop->draining) break;
        tcp::endpoint peer;
        auto [error, socket] = co_await acceptor.async_accept(peer, no_throw);
        if (!error) {
            begin(loop, listener, std::move(socket), peer.address());
        } else if (error != asio::error::operation_aborted && error != asio::error::connection_aborted) {
            log_event(Level::error, "http.accept_failed", {{"value", error.value()}});
            co_await sleep_for(accept_rest);
        }
    }
    std::erase(loop->acceptors, &acceptor);
}

Task<void> keep_limits(std::shared_ptr<LoopState> loop, Running running) {
    static_cast<void>(running);
    for (;;) {
        static_cast<void>(co_await loop->ticker.wait_until(steady_clock::now() + loop->shared->options.times.tick));
        const SteadyTime now = steady_clock::now();
        for (Connection* connection : loop->connections) {
            connection->tick(now);
            if (now >= loop->cut_at) connection->cut();
        }
        loop->publish();
        if (loop->draining && loop->connections.empty()) co_return;
    }
}

// An event that is always ready is put at the end of the kernel's ready list and of our own queue: the time until it is
// seen is the time that a request arriving now would wait.
Task<void> measure_wait(std::shared_ptr<LoopState> loop, Running running) {
    static_cast<void>(running);
    asio::posix::stream_descriptor always_ready(loop->executor, ::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    const auto every = loop->shared->options.admission.queue_delay.probe_every;
    std::uint64_t seen = 0;
    SteadyTime due = steady_clock::now();
    while (!loop->draining) {
        auto [error] = co_await always_ready.async_wait(asio::posix::descriptor_base::wait_read, no_throw);
        if (error) co_return;
        const SteadyTime after = steady_clock::now();
        loop->queue_delay.measured(after, std::chrono::duration_cast<std::chrono::microseconds>(after - due));
        const std::uint64_t requests = loop->shared->requests.load(std::memory_order_relaxed);
        const bool idle = std::exchange(seen, requests) == requests && !loop->queue_delay.overloaded();
        due = after + (idle ? idle_probe_factor * every : every);
        static_cast<void>(co_await loop->probe_rest.wait_until(due));
    }
}

void drain(LoopState& loop, SteadyTime cut_at) {
    loop.cut_at = std::min(loop.cut_at, cut_at);
    if (!std::exchange(loop.draining, true)) {
        error_code ignored;
        for (tcp::acceptor* acceptor : loop.acceptors) acceptor->close(ignored);
        for (Connection* connection : loop.connections) connection->begin_drain();
    }
    loop.ticker.ring();
    loop.probe_rest.ring();
}

tl::unexpected<Error> cannot_listen(const char* step, const error_code& error) {
    return fail(ErrorCode::config_listen, std::string(step) + ": " + error.message());
}

enum class PortUse : std::uint8_t { claim, share };

// Our loops share the port, other processes do not: the first socket is bound without SO_REUSEPORT, which fails where
// anybody else listens already, and takes the option on afterwards for those that follow.
Result<tcp::acceptor> open_acceptor(const LoopExecutor& executor, const tcp::endpoint& endpoint, PortUse use) {
    tcp::acceptor acceptor(executor);
    error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (error) return cannot_listen("open", error);
    acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (error) return cannot_listen("socket options", error);
    if (use == PortUse::claim) acceptor.bind(endpoint, error);
    if (error) return cannot_listen("bind", error);
    const int on = 1;
    if (::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
        return fail(ErrorCode::config_listen, "socket options");
    }
    if (use == PortUse::share) acceptor.bind(endpoint, error);
    if (error) return cannot_listen("bind", error);
    acceptor.listen(listen_backlog, error);
    if (error) return cannot_listen("listen", error);
    return acceptor;
}

Result<tcp::acceptor> adopt_acceptor(const LoopExecutor& executor, int inherited) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(inherited, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return fail(ErrorCode::config_listen, "the inherited descriptor is not a socket");
    }
    const int own = ::dup(inherited);
    tcp::acceptor acceptor(executor);
    error_code error;
    acceptor.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), own, error);
    if (error) {
        ::close(own);
        return cannot_listen("inherited socket", error);
    }
    return acceptor;
}

std::string fixed_headers(const ListenerOptions& options) {
    std::string lines = "x-content-type-options: nosniff\r\n";
    for (const ResponseHeader& field : options.response_headers) {
        ENSURE(field.value.find_first_of("\r\n") == std::string::npos);
        lines.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    return lines;
}

}  // namespace

struct Server::Impl {
    Impl(EventLoops& given_loops, ServerOptions options, Metrics& metrics, const Clock& clock, Random& random)
        : loops(given_loops), shared(std::make_shared<Shared>(std::move(options), loops.size(), metrics, clock)) {
        for (std::size_t i = 0; i < loops.size(); ++i) {
            states.push_back(std::make_shared<LoopState>(shared, loops.executor(i), i, random));
        }
    }

    // One acceptor per loop, all on the port that the first one got.
    Result<std::vector<tcp::acceptor>> open_all(const ListenerOptions& options, tcp::endpoint endpoint) const {
        std::vector<tcp::acceptor> acceptors;
        for (const auto& state : states) {
            const PortUse use = acceptors.empty() ? PortUse::claim : PortUse::share;
            auto acceptor = options.inherited_socket ? adopt_acceptor(state->executor, *options.inherited_socket)
                                                     : open_acceptor(state->executor, endpoint, use);
            if (!acceptor) return fail(std::move(acceptor));
            error_code error;
            endpoint.port(acceptor->local_endpoint(error).port());
            if (error) return cannot_listen("port", error);
            acceptors.push_back(std::move(*acceptor));
        }
        return acceptors;
    }

    void start_once() {
        if (std::exchange(started, true)) return;
        for (const auto& state : states) {
            spawn(state->executor, keep_limits(state, Running(shared)));
            spawn(state->executor, measure_wait(state, Running(shared)));
        }
    }

    EventLoops& loops;
    std::shared_ptr<Shared> shared;
    std::vector<std::shared_ptr<LoopState>> states;
    std::mutex mutex;  // guards what follows
    std::vector<std::shared_ptr<Listener>> listeners;
    bool started = false;
    bool stopped = false;
};

Server::Server(EventLoops& loops, ServerOptions options, Metrics& metrics, const Clock& clock, Random& random) {
    ENSURE(options.admission.rate.per_second > 0 && options.admission.rate.burst >= 1);
    impl_ = std::make_unique<Impl>(loops, std::move(options), metrics, clock, random);
}

Server::~Server() {
    stop(milliseconds(0));
}

void Server::route(Method method, std::string_view pattern, RouteOptions options, Handler handler) {
    ENSURE(impl_->listeners.empty());
    impl_->shared->router.add(method, pattern, options, std::move(handler));
}

Result<std::uint16_t> Server::listen(ListenerOptions options) {
    const std::scoped_lock lock(impl_->mutex);
    ENSURE(!impl_->stopped);
    error_code error;
    const asio::ip::address address = asio::ip::make_address(options.address, error);
    if (error) return fail(ErrorCode::config_listen, "the address is not numeric");
    if (!options.tls && !address.is_loopback())
        return fail(ErrorCode::config_listen, "plain HTTP is for loopback only");
    std::shared_ptr<const TlsContext> tls;
    if (options.tls) {
        auto made = TlsContext::for_server(*options.tls, impl_->shared->clock);
        if (!made) return fail(std::move(made));
        tls = std::move(*made);
    }
    auto acceptors = impl_->open_all(options, tcp::endpoint(address, options.port));
    if (!acceptors) return fail(std::move(acceptors));
    const std::uint16_t port = acceptors->front().local_endpoint(error).port();
    std::string headers = fixed_headers(options);
    auto listener = std::make_shared<Listener>(std::move(options), std::move(tls), std::move(headers));
    impl_->listeners.push_back(listener);
    impl_->start_once();
    for (std::size_t i = 0; i < acceptors->size(); ++i) {
        const auto& state = impl_->states[i];
        spawn(state->executor, accept_all(state, listener, std::move((*acceptors)[i]), Running(impl_->shared)));
    }
    log_event(Level::info, "http.listening", {{"address", open_text(listener->options().name)}, {"port", port}});
    return port;
}

Result<void> Server::replace_tls(std::string_view listener, ServerTls tls) {
    auto made = TlsContext::for_server(tls, impl_->shared->clock);
    if (!made) return fail(std::move(made));
    const std::scoped_lock lock(impl_->mutex);
    for (const auto& candidate : impl_->listeners) {
        if (candidate->options().name != listener || !candidate->options().tls) continue;
        candidate->replace_tls(std::move(*made));
        return {};
    }
    return fail(ErrorCode::config_listen, "no TLS listener of that name");
}

void Server::stop(milliseconds bound) {
    const std::scoped_lock lock(impl_->mutex);
    impl_->stopped = true;
    if (!impl_->started) return;
    const SteadyTime cut_at = steady_clock::now() + bound;
    for (const auto& state : impl_->states) {
        asio::post(state->executor, [state, cut_at] { drain(*state, cut_at); });
    }
}

bool Server::wait_stopped(milliseconds bound) {
    ENSURE(!current_loop_index());
    std::unique_lock lock(impl_->shared->running_mutex);
    return impl_->shared->running_changed.wait_for(lock, bound, [this] { return impl_->shared->running == 0; });
}

ServerCounts Server::counts() const {
    const Shared& shared = *impl_->shared;
    ServerCounts counts;
    counts.connections_open = shared.connections.used();
    counts.connections_refused = shared.connections_refused;
    counts.handshakes_failed = shared.handshakes_failed.number();
    counts.sessions_resumed = shared.handshakes_resumed.number();
    counts.requests = shared.requests;
    counts.requests_shed = shared.requests_shed;
    counts.timeouts = shared.timeouts.number();
    return counts;
}

}  // namespace onshi::http
