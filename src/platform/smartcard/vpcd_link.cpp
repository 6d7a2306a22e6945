#include "platform/smartcard/vpcd_link.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "platform/smartcard/descriptor.h"
#include "platform/smartcard/limits.h"

namespace onshi::smartcard {

namespace {

// How often a driver that does not listen yet is tried again: a refused connection gives nothing to wait for.
constexpr std::chrono::milliseconds connect_pause{20};

enum class Control : std::uint8_t { power_off = 0x00, power_on = 0x01, reset = 0x02, give_atr = 0x04 };

tl::unexpected<Error> broken(const char* step) {
    return fail(ErrorCode::reader_unavailable, std::string("vpcd: ") + step + ", errno " + std::to_string(errno));
}

// Readable once somebody asks to stop, so that one poll waits for both.
class StopSignal {
  public:
    explicit StopSignal(std::stop_token stop)
        : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), callback_(std::move(stop), Raise{event_.get()}) {}
    [[nodiscard]] int fd() const { return event_.get(); }

  private:
    struct Raise {
        int fd;
        void operator()() const noexcept {
            const std::uint64_t one = 1;
            [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
        }
    };
    Descriptor event_;
    std::stop_callback<Raise> callback_;
};

enum class Waited : std::uint8_t { readable, stopped, timed_out };

Result<Waited> wait(int socket, const StopSignal& stop, int timeout_ms) {
    std::array<pollfd, 2> watched{{{stop.fd(), POLLIN, 0}, {socket, POLLIN, 0}}};
    int ready = -1;
    do {
        ready = ::poll(watched.data(), watched.size(), timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) return broken("poll");
    if (watched[0].revents != 0) return Waited::stopped;
    return ready == 0 ? Waited::timed_out : Waited::readable;
}

// One connection to the driver. Thread-confined.
class Link {
  public:
    Link(VirtualCard& card, Descriptor socket, const StopSignal& stop, const std::function<void()>& in_reader)
        : card_(card), socket_(std::move(socket)), stop_(stop), in_reader_(in_reader) {}
    [[nodiscard]] Result<LinkEnd> run();

  private:
    enum class Received : std::uint8_t { whole, closed, stopped };
    [[nodiscard]] Result<Received> receive(std::size_t size);
    [[nodiscard]] Result<void> answer(Bytes message);
    [[nodiscard]] Result<void> handle_control(std::uint8_t byte);

    VirtualCard& card_;
    Descriptor socket_;
    const StopSignal& stop_;
    const std::function<void()>& in_reader_;
    bool was_polled_ = false;
    std::string message_;  // holds commands, PINs among them: wiped after each
};

Result<Link::Received> Link::receive(std::size_t size) {
    message_.clear();
    message_.resize(size);
    std::size_t have = 0;
    while (have < size) {
        auto waited = wait(socket_.get(), stop_, -1);
        if (!waited) return fail(std::move(waited));
        if (*waited == Waited::stopped) return Received::stopped;
        // Length and payload come as two segments: with delayed ACKs every command would take 40 ms (jpki-card §9). The
        // kernel switches the option off by itself, so it is set before every receive.
        const int on = 1;
        ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
        const ssize_t got = ::recv(socket_.get(), message_.data() + have, size - have, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0 || (got < 0 && errno == ECONNRESET)) return Received::closed;
        if (got < 0) return broken("recv");
        have += static_cast<std::size_t>(got);
    }
    return Received::whole;
}

Result<void> Link::answer(Bytes message) {
    // One send for length and message, for the same reason.
    std::string framed;
    framed.push_back(static_cast<char>(message.size() >> 8U));
    framed.push_back(static_cast<char>(message.size()));
    framed.append(as_text(message));
    std::string_view rest = framed;
    while (!rest.empty()) {
        const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return broken("send");
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<void> Link::handle_control(std::uint8_t byte) {
    switch (static_cast<Control>(byte)) {
        case Control::power_off:
        case Control::power_on:
        case Control::reset: card_.reset(); return {};
        case Control::give_atr: break;
        default: return {};
    }
    auto sent = answer(VirtualCard::atr());
    if (!sent || was_polled_) return sent;
    was_polled_ = true;
    if (in_reader_) in_reader_();
    return {};
}

Result<LinkEnd> Link::run() {
    const auto end_of = [](Received received) {
        return received == Received::stopped ? LinkEnd::told_to_stop : LinkEnd::reader_closed;
    };
    for (;;) {
        auto head = receive(2);
        if (!head) return fail(std::move(head));
        if (*head != Received::whole) return end_of(*head);
        const std::size_t size = static_cast<std::size_t>(as_bytes(message_)[0]) << 8U | as_bytes(message_)[1];
        auto body = receive(size);
        if (!body) return fail(std::move(body));
        if (*body != Received::whole) return end_of(*body);
        const SecretBytes command = SecretBytes::take(message_);
        auto handled = Result<void>();
        if (size == 1) handled = handle_control(command.bytes()[0]);
        if (size > 1) {
            ByteVector response = card_.transmit(command.bytes());
            // Longer answers do not fit the driver's length field. No file or key of a card gives one.
            if (response.size() > vpcd_message_bytes_max) response = ResponseApdu{{}, sw::wrong_length}.encode();
            handled = answer(response);
        }
        if (!handled) return fail(std::move(handled));
    }
}

Result<Descriptor> connect_once(const VpcdAddress& address) {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) return broken("socket");
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(address.port);
    if (::inet_pton(AF_INET, address.host.c_str(), &peer.sin_addr) != 1) return broken("address");
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) return broken("connect");
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

}  // namespace

Result<VpcdAddress> VpcdAddress::parse(std::string_view text) {
    const std::size_t colon = text.find(':');
    VpcdAddress address;
    if (colon == std::string_view::npos) return fail(ErrorCode::request_malformed, "address must be HOST:PORT");
    address.host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    in_addr parsed{};
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    const bool port_valid = error == std::errc() && end == port.data() + port.size() && address.port != 0;
    if (!port_valid || ::inet_pton(AF_INET, address.host.c_str(), &parsed) != 1) {
        return fail(ErrorCode::request_malformed, "address must be a dotted address and a port of 1 to 65535");
    }
    return address;
}

Result<LinkEnd> run_vpcd_link(VirtualCard& card, const VpcdAddress& address, Deadline connect_deadline,
                              std::stop_token stop, const std::function<void()>& in_reader) {
    const StopSignal stop_signal(std::move(stop));
    for (;;) {
        auto socket = connect_once(address);
        if (socket) return Link(card, std::move(*socket), stop_signal, in_reader).run();
        if (connect_deadline.passed()) return fail(std::move(socket));
        auto paused = wait(-1, stop_signal, static_cast<int>(connect_pause.count()));
        if (!paused) return fail(std::move(paused));
        if (*paused == Waited::stopped) return LinkEnd::told_to_stop;
    }
}

}  // namespace onshi::smartcard
