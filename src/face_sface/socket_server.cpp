#include "face_sface/socket_server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <future>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "face_sface/limits.h"

namespace onshi::sface {

namespace {

using std::chrono::steady_clock;

constexpr int waiting_clients_max = 4;
constexpr std::chrono::milliseconds accept_pause{100};

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const { return number_; }
    [[nodiscard]] int release() { return std::exchange(number_, -1); }

  private:
    int number_;
};

// Tells the other side that nothing more comes, on every way out.
class Hangup {
  public:
    explicit Hangup(int descriptor) : descriptor_(descriptor) {}
    ~Hangup() { ::shutdown(descriptor_, SHUT_RDWR); }
    Hangup(const Hangup&) = delete;
    Hangup& operator=(const Hangup&) = delete;

  private:
    int descriptor_;
};

// True when something of `events` has happened, or the other side is gone.
bool wait_for(int descriptor, short events, SteadyTime until) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
        pollfd watched{descriptor, events, 0};
        const int ready = ::poll(&watched, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
        if (ready > 0) return true;
        if (ready == 0 || errno != EINTR) return false;
    }
}

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path.native(), address.sun_path);
    return address;
}

const sockaddr* plain(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

Result<void> check_folder(const std::filesystem::path& path) {
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    struct stat found{};
    if (::stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
        return fail(ErrorCode::folder_unusable, fmt::format("{} is not a folder", folder.string()));
    }
    const bool ours = found.st_uid == ::geteuid() || found.st_uid == 0;
    if (!ours || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fail(ErrorCode::folder_unusable,
                    fmt::format("others may write in {} and could put a socket of theirs there", folder.string()));
    }
    return {};
}

// Takes away a socket that a killed engine left behind.
Result<void> clear_place(const std::filesystem::path& path) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) != 0) return {};
    if (!S_ISSOCK(found.st_mode)) {
        return fail(ErrorCode::file_exists, fmt::format("{} exists and is not a socket", path.string()));
    }
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = address_of(path);
    // Anything but a refusal means that somebody holds it.
    if (::connect(probe.get(), plain(address), sizeof address) == 0 || errno != ECONNREFUSED) {
        return fail(ErrorCode::peer_refused, fmt::format("an engine listens on {} already", path.string()));
    }
    if (::unlink(path.c_str()) != 0) {
        return fail(ErrorCode::file_unwritable, fmt::format("{} cannot be removed", path.string()));
    }
    return {};
}

Result<int> bind_and_listen(const std::filesystem::path& path) {
    Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = address_of(path);
    // It is never there with other rights, not for a moment.
    const mode_t before = ::umask(0177);
    const int bound = ::bind(listener.get(), plain(address), sizeof address);
    const int error = errno;
    ::umask(before);
    if (bound != 0 || ::listen(listener.get(), waiting_clients_max) != 0) {
        return fail(ErrorCode::file_unwritable,
                    fmt::format("{} cannot be made: {}", path.string(), std::strerror(bound != 0 ? error : errno)));
    }
    return listener.release();
}

void send_away(int client) {
    SocketChannel channel(client);
    static_cast<void>(channel.write(face::Fault{"another client is being served"}));
}

}  // namespace

SocketChannel::SocketChannel(int descriptor, std::chrono::milliseconds line_wait)
    : descriptor_(descriptor), line_wait_(line_wait), buffer_(face::line_bytes_max + 1) {}

SocketChannel::~SocketChannel() {
    ::explicit_bzero(buffer_.data(), buffer_.size());
}

std::optional<Line> SocketChannel::take_line() {
    const auto end = std::find(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used_), '\n');
    const auto size = static_cast<std::size_t>(end - buffer_.begin());
    if (size == used_) {
        if (used_ <= face::line_bytes_max) return std::nullopt;
        return Line{.end = LineEnd::too_long, .text = {}};
    }
    Line line{.end = LineEnd::line, .text = SecretBytes(Bytes(buffer_).first(size))};
    const std::size_t rest = used_ - size - 1;
    std::memmove(buffer_.data(), buffer_.data() + size + 1, rest);
    ::explicit_bzero(buffer_.data() + rest, used_ - rest);
    used_ = rest;
    line_began_ = steady_clock::now();
    return line;
}

bool SocketChannel::receive() {
    const ssize_t got = ::recv(descriptor_, buffer_.data() + used_, buffer_.size() - used_, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got > 0 && used_ == 0) line_began_ = steady_clock::now();
    used_ += static_cast<std::size_t>(got);
    return got > 0;
}

Line SocketChannel::read(Deadline deadline) {
    for (;;) {
        if (auto line = take_line()) return std::move(*line);
        const SteadyTime line_until = line_began_ + line_wait_;
        const SteadyTime until = used_ == 0 ? deadline.at() : std::min(deadline.at(), line_until);
        if (!wait_for(descriptor_, POLLIN, until)) {
            const bool slow = used_ > 0 && steady_clock::now() >= line_until;
            return {.end = slow ? LineEnd::gone : LineEnd::nothing_yet, .text = {}};
        }
        if (!receive()) return {.end = LineEnd::gone, .text = {}};
    }
}

bool SocketChannel::write(const face::Reply& reply) {
    const SecretBytes text = face::write_reply(reply);
    std::string line(as_text(text.bytes()));
    line.push_back('\n');
    const SteadyTime until = steady_clock::now() + write_wait_max;
    std::size_t sent = 0;
    while (sent < line.size()) {
        const ssize_t wrote = ::send(descriptor_, line.data() + sent, line.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (wrote > 0) {
            sent += static_cast<std::size_t>(wrote);
            continue;
        }
        const bool full = wrote < 0 && (errno == EAGAIN || errno == EINTR);
        if (!full || !wait_for(descriptor_, POLLOUT, until)) return false;
    }
    return true;
}

Result<SocketServer> SocketServer::listen(const std::filesystem::path& path) {
    if (path.empty() || path.native().size() >= sizeof sockaddr_un::sun_path) {
        return fail(ErrorCode::field_length,
                    fmt::format("a socket's path has at most {} bytes", sizeof sockaddr_un::sun_path - 1));
    }
    if (auto folder = check_folder(path); !folder) return fail(std::move(folder));
    if (auto cleared = clear_place(path); !cleared) return fail(std::move(cleared));
    auto listener = bind_and_listen(path);
    if (!listener) return fail(std::move(listener));
    SocketServer server;
    server.listener_ = *listener;
    server.path_ = path;
    struct stat made{};
    if (::lstat(path.c_str(), &made) == 0) server.inode_ = made.st_ino;
    return server;
}

SocketServer::SocketServer(SocketServer&& other) noexcept
    : path_(std::move(other.path_)), inode_(other.inode_), listener_(std::exchange(other.listener_, -1)) {}

SocketServer::~SocketServer() {
    if (listener_ < 0) return;
    struct stat found{};
    // Not one that somebody has put there since.
    if (::lstat(path_.c_str(), &found) == 0 && found.st_ino == inode_) ::unlink(path_.c_str());
    ::close(listener_);
}

void SocketServer::run(int stop, const std::function<void(LineChannel&)>& serve) {
    Descriptor client(-1);
    std::future<void> session;
    for (;;) {
        std::array<pollfd, 2> watched{pollfd{stop, POLLIN, 0}, pollfd{listener_, POLLIN, 0}};
        if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) break;
        if (watched[0].revents != 0) break;
        Descriptor next(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (next.get() < 0) {
            // Out of descriptors, perhaps: nothing would be gained by asking at once again.
            static_cast<void>(wait_for(stop, POLLIN, steady_clock::now() + accept_pause));
            continue;
        }
        if (session.valid() && session.wait_for(turn_wait_max) != std::future_status::ready) {
            send_away(next.get());
            continue;
        }
        // What a session threw (no memory, say) stays in its future: its client was let go, the next one may fare
        // better.
        client = std::move(next);
        session = std::async(std::launch::async, [&serve, descriptor = client.get()] {
            const Hangup at_the_end(descriptor);
            SocketChannel channel(descriptor);
            serve(channel);
        });
    }
    // What waits for the client sees its end; the session wipes and ends.
    if (client.get() >= 0) ::shutdown(client.get(), SHUT_RDWR);
    if (session.valid()) session.wait();
}

}  // namespace onshi::sface
