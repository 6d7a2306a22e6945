#include "bench/reconnect_storm.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <deque>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <queue>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>

#include "base/random.h"
#include "bench/answer_reader.h"
#include "bench/limits.h"
#include "bench/tls_connection.h"

namespace onshi::bench {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::size_t events_max = 256;
constexpr int wait_ms = 1;
// A terminal whose connection was refused tries again after between one and two of these.
constexpr std::chrono::milliseconds reconnect_after{500};

struct SessionFreer {
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, SessionFreer>;

enum class Phase : std::uint8_t { waiting, connecting, handshake, asking, answered };

struct Terminal {
    std::size_t index = 0;
    SSL_CTX* context = nullptr;
    SessionPtr session;
    std::optional<TlsConnection> tls;
    Phase phase = Phase::waiting;
    Clock::time_point again;
    std::string answer;
    std::optional<AnswerReader> reader;
};

}  // namespace

struct TerminalCrowd::Impl {
    explicit Impl(const LoadTarget& given) : target_address(given.address), sources(given.source_addresses) {
        server_name = given.server_name.empty() ? given.address : given.server_name;
        epoll = ::epoll_create1(EPOLL_CLOEXEC);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        if (epoll >= 0) ::close(epoll);
    }

    std::string target_address;
    std::string server_name;
    std::uint32_t sources;
    int epoll;
    std::vector<SslContext> contexts;
    std::deque<Terminal> terminals;  // their addresses are what epoll gives back
    SystemRandom random;
};

namespace {

// One storm. Everything is driven by readiness; a step goes on until it would block.
class Storm {
  public:
    Storm(TerminalCrowd::Impl& crowd, std::uint16_t port)
        : crowd_(crowd),
          port_(port),
          request_(fmt::format("POST /v1/challenges HTTP/1.1\r\nhost: {}:{}\r\ncontent-type: application/json\r\n"
                               "content-length: 11\r\n\r\n{{\"count\":1}}",
                               crowd.server_name, port)) {
        report_.terminals = crowd.terminals.size();
    }

    [[nodiscard]] StormReport go(nanoseconds bound);

  private:
    struct Later {
        bool operator()(const Terminal* a, const Terminal* b) const { return a->again > b->again; }
    };
    void connect(Terminal& terminal);
    void step(Terminal& terminal);
    void shake(Terminal& terminal);
    void ask(Terminal& terminal);
    void read(Terminal& terminal);
    void judge(Terminal& terminal);
    void wait(Terminal& terminal, nanoseconds pause);
    void retry(Terminal& terminal);
    void watch(Terminal& terminal, int operation, std::uint32_t events) const;
    [[nodiscard]] nanoseconds spread(nanoseconds least);

    TerminalCrowd::Impl& crowd_;
    std::uint16_t port_;
    std::string request_;
    Clock::time_point start_;
    StormReport report_;
    std::priority_queue<Terminal*, std::vector<Terminal*>, Later> waiting_;
    std::array<char, read_bytes> buffer_{};
};

void Storm::watch(Terminal& terminal, int operation, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &terminal;
    ::epoll_ctl(crowd_.epoll, operation, terminal.tls->socket(), &event);
}

nanoseconds Storm::spread(nanoseconds least) {
    std::array<std::uint8_t, 2> bytes{};
    crowd_.random.fill(bytes);
    return least + least * (bytes[0] << 8U | bytes[1]) / 65'536;
}

void Storm::wait(Terminal& terminal, nanoseconds pause) {
    terminal.phase = Phase::waiting;
    terminal.again = Clock::now() + pause;
    waiting_.push(&terminal);
}

void Storm::retry(Terminal& terminal) {
    ERR_clear_error();
    ++report_.connections_refused;
    terminal.tls.reset();
    wait(terminal, spread(reconnect_after));
}

void Storm::connect(Terminal& terminal) {
    const auto source = static_cast<std::uint32_t>(terminal.index % crowd_.sources);
    auto begun = TlsConnection::begin(terminal.context, crowd_.target_address, port_, crowd_.server_name, source);
    if (!begun) return retry(terminal);
    terminal.tls.emplace(std::move(*begun));
    if (terminal.session) SSL_set_session(terminal.tls->ssl(), terminal.session.get());
    terminal.phase = Phase::connecting;
    watch(terminal, EPOLL_CTL_ADD, EPOLLOUT);
}

void Storm::step(Terminal& terminal) {
    switch (terminal.phase) {
        case Phase::connecting: {
            int error = 0;
            socklen_t size = sizeof error;
            ::getsockopt(terminal.tls->socket(), SOL_SOCKET, SO_ERROR, &error, &size);
            if (error != 0) return retry(terminal);
            terminal.phase = Phase::handshake;
            return shake(terminal);
        }
        case Phase::handshake: return shake(terminal);
        case Phase::asking: return read(terminal);
        case Phase::waiting:
        case Phase::answered: return;
    }
}

void Storm::shake(Terminal& terminal) {
    SSL* ssl = terminal.tls->ssl();
    const int done = SSL_connect(ssl);
    if (done == 1) return ask(terminal);
    switch (SSL_get_error(ssl, done)) {
        case SSL_ERROR_WANT_READ: return watch(terminal, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP);
        case SSL_ERROR_WANT_WRITE: return watch(terminal, EPOLL_CTL_MOD, EPOLLOUT);
        default: return retry(terminal);
    }
}

// The request is small and its socket empty: it goes out as a whole.
void Storm::ask(Terminal& terminal) {
    std::size_t written = 0;
    if (SSL_write_ex(terminal.tls->ssl(), request_.data(), request_.size(), &written) != 1) return retry(terminal);
    terminal.reader.emplace(terminal.answer);
    terminal.phase = Phase::asking;
    watch(terminal, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP);
    read(terminal);
}

void Storm::read(Terminal& terminal) {
    SSL* ssl = terminal.tls->ssl();
    while (!terminal.reader->is_done()) {
        std::size_t got = 0;
        if (SSL_read_ex(ssl, buffer_.data(), buffer_.size(), &got) != 1) {
            if (SSL_get_error(ssl, 0) != SSL_ERROR_WANT_READ) retry(terminal);
            return;
        }
        boost::beast::error_code error;
        std::size_t used = 0;
        while (used < got && !terminal.reader->is_done() && !error) {
            used += terminal.reader->put(boost::asio::const_buffer(buffer_.data() + used, got - used), error);
        }
        if (error && error != boost::beast::http::error::need_more) return retry(terminal);
    }
    judge(terminal);
}

void Storm::judge(Terminal& terminal) {
    if (terminal.reader->status != 200) {
        ++report_.refused;
        const auto pause = advised_wait(terminal.answer);
        terminal.tls.reset();
        return wait(terminal, pause);
    }
    terminal.phase = Phase::answered;
    SSL* ssl = terminal.tls->ssl();
    if (SSL_session_reused(ssl) == 1) ++report_.resumed;
    terminal.session.reset(SSL_get1_session(ssl));
    if (terminal.session && SSL_SESSION_is_resumable(terminal.session.get()) != 1) terminal.session.reset();
    ++report_.answered;
    const auto taken = Clock::now() - start_;
    report_.latency.record(taken);
    report_.elapsed = taken;
    ::epoll_ctl(crowd_.epoll, EPOLL_CTL_DEL, terminal.tls->socket(), nullptr);
}

StormReport Storm::go(nanoseconds bound) {
    const SigpipeGuard guard;
    start_ = Clock::now();
    for (Terminal& terminal : crowd_.terminals) connect(terminal);
    std::array<epoll_event, events_max> events{};
    while (report_.answered < report_.terminals && Clock::now() - start_ < bound) {
        const int ready = ::epoll_wait(crowd_.epoll, events.data(), static_cast<int>(events.size()), wait_ms);
        for (int i = 0; i < ready; ++i) {
            auto& terminal = *static_cast<Terminal*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (terminal.tls) step(terminal);
        }
        while (!waiting_.empty() && waiting_.top()->again <= Clock::now()) {
            Terminal& rested = *waiting_.top();
            waiting_.pop();
            connect(rested);
        }
    }
    return std::move(report_);
}

}  // namespace

Result<TerminalCrowd> TerminalCrowd::make(const LoadTarget& target, std::size_t terminals) {
    if (target.identities.empty() || terminals < 1 || terminals > connections_max || target.source_addresses < 1 ||
        target.source_addresses > source_addresses_max) {
        return fail(ErrorCode::config_value, "terminals, identities, source addresses");
    }
    auto impl = std::make_unique<Impl>(target);
    if (impl->epoll < 0) return fail(ErrorCode::bench_machine, fmt::format("epoll, errno {}", errno));
    for (const auto& identity : target.identities) {
        auto context = make_client_context(target.server_anchors, identity);
        if (!context) return fail(std::move(context));
        impl->contexts.push_back(std::move(*context));
    }
    for (std::size_t i = 0; i < terminals; ++i) {
        Terminal& terminal = impl->terminals.emplace_back();
        terminal.index = i;
        terminal.context = impl->contexts[i % impl->contexts.size()].get();
    }
    return TerminalCrowd(std::move(impl));
}

TerminalCrowd::TerminalCrowd(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TerminalCrowd::TerminalCrowd(TerminalCrowd&&) noexcept = default;
TerminalCrowd& TerminalCrowd::operator=(TerminalCrowd&&) noexcept = default;
TerminalCrowd::~TerminalCrowd() = default;

void TerminalCrowd::disconnect() {
    for (Terminal& terminal : impl_->terminals) {
        terminal.tls.reset();
        terminal.phase = Phase::waiting;
    }
}

Result<StormReport> TerminalCrowd::storm(std::uint16_t port, nanoseconds bound) {
    if (bound <= nanoseconds(0) || bound > run_time_max) return fail(ErrorCode::config_value, "bound out of range");
    disconnect();
    return Storm(*impl_, port).go(bound);
}

}  // namespace onshi::bench
