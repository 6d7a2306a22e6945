#include "terminal/face_engine.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/time.h"
#include "platform/telemetry/log.h"
#include "terminal/limits.h"

namespace onshi::terminal {

namespace {

using std::chrono::milliseconds;

tl::unexpected<Error> broken(std::string_view what) {
    return fail(ErrorCode::peer_unavailable, "engine of face comparison: " + std::string(what));
}

// Whether the socket is ready for it within that time.
bool await(int socket, short what, milliseconds wait) {
    pollfd one{socket, what, 0};
    return ::poll(&one, 1, static_cast<int>(wait.count())) == 1;
}

void wipe_front(std::string& buffer, std::size_t count) {
    std::fill_n(buffer.begin(), count, '\0');
    // What follows moves to the front; the rest of the storage is overwritten before it is given up.
    std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(count), buffer.end(), buffer.begin());
    std::fill(buffer.end() - static_cast<std::ptrdiff_t>(count), buffer.end(), '\0');
    buffer.resize(buffer.size() - count);
}

}  // namespace

SocketFaceEngine::SocketFaceEngine(std::string path, face::EngineKey key, Random& random)
    : path_(std::move(path)), key_(std::move(key)), random_(random) {
    // In one place for good: a line that grew would leave its beginning elsewhere.
    received_.reserve(2 * face::line_bytes_max);
}

SocketFaceEngine::~SocketFaceEngine() {
    disconnect();
}

Result<void> SocketFaceEngine::connect() {
    if (socket_ >= 0) return {};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return fail(ErrorCode::config_value, "face_engine_socket: too long");
    path_.copy(address.sun_path, path_.size());
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return broken(std::strerror(errno));
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
    auto failed = broken(std::strerror(errno));
    disconnect();
    return failed;
}

void SocketFaceEngine::disconnect() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    wipe_front(received_, received_.size());
}

Result<void> SocketFaceEngine::send(const face::Request& request) {
    auto connected = connect();
    if (!connected) return connected;
    const SecretBytes line = face::write_request(request);
    const Deadline deadline = Deadline::in(face_answer_limit);
    std::size_t sent = 0;
    const std::uint8_t end = '\n';
    while (sent <= line.size()) {
        const Bytes rest = sent < line.size() ? line.bytes().subspan(sent) : Bytes(&end, 1);
        const auto done = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (done > 0) {
            sent += static_cast<std::size_t>(done);
            continue;
        }
        const bool full = done < 0 && (errno == EAGAIN || errno == EINTR);
        if (full && !deadline.passed()) {
            static_cast<void>(await(socket_, POLLOUT, face_stop_look));
            continue;
        }
        disconnect();
        return broken("does not take what it is asked");
    }
    return {};
}

Result<std::optional<face::Reply>> SocketFaceEngine::receive(milliseconds wait) {
    const Deadline deadline = Deadline::in(wait);
    for (;;) {
        const auto end = received_.find('\n');
        if (end != std::string::npos) {
            auto reply = face::parse_reply(std::string_view(received_).substr(0, end));
            wipe_front(received_, end + 1);
            if (reply) return std::optional(std::move(*reply));
            disconnect();
            return fail(ErrorCode::peer_protocol, "engine of face comparison: " + reply.error().detail);
        }
        if (received_.size() > face::line_bytes_max) {
            disconnect();
            return fail(ErrorCode::peer_protocol, "engine of face comparison: line too long");
        }
        const auto left = std::chrono::ceil<milliseconds>(deadline.at() - std::chrono::steady_clock::now());
        if (!await(socket_, POLLIN, std::max(left, milliseconds(0)))) return std::optional<face::Reply>();
        std::array<char, 4096> bytes{};
        const auto got = ::recv(socket_, bytes.data(), bytes.size(), 0);
        if (got > 0) {
            received_.append(bytes.data(), static_cast<std::size_t>(got));
            bytes.fill('\0');
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        disconnect();
        return broken("went away");
    }
}

template <class Wanted>
Result<Wanted> SocketFaceEngine::ask(const face::Request& request, milliseconds limit) {
    auto sent = send(request);
    if (!sent) return fail(std::move(sent));
    auto reply = receive(limit);
    if (!reply) return fail(std::move(reply));
    if (*reply) {
        if (auto* wanted = std::get_if<Wanted>(&**reply)) return std::move(*wanted);
        if (const auto* fault = std::get_if<face::Fault>(&**reply)) return broken(fault->note);
    }
    // What comes later would be taken for the answer to the next question.
    disconnect();
    if (!*reply) return broken("does not answer");
    return fail(ErrorCode::peer_protocol, "engine of face comparison: another answer than was asked for");
}

Result<FaceEngine::State> SocketFaceEngine::look() {
    face::Request hello;
    hello.ask = face::Ask::hello;
    auto told = ask<face::Hello>(hello, face_answer_limit);
    // An engine that was started anew is another connection.
    if (!told) told = ask<face::Hello>(hello, face_answer_limit);
    if (!told) return fail(std::move(told));
    if (told->engine != key_.name) {
        return fail(ErrorCode::peer_protocol, "engine of face comparison: another one than face_engine_name says");
    }
    return State{.ready = told->ready, .scans = told->scans, .wants_photo = true, .note = std::move(told->note)};
}

Result<SecretBytes> SocketFaceEngine::scan() {
    face::Request scan;
    scan.ask = face::Ask::scan;
    auto told = ask<face::Scan>(scan, face_scan_limit);
    if (!told) return fail(std::move(told));
    return std::move(told->number_b);
}

Result<bool> SocketFaceEngine::aim(const Stopped& stopped, const TellHint& hint) {
    face::Request request;
    std::optional<Deadline> last;
    for (int round = 0; round < face_aims_max; ++round) {
        request.ask = face::Ask::aim;
        auto sent = send(request);
        if (!sent) return fail(std::move(sent));
        bool ended = false;
        while (!ended) {
            if (!last && stopped()) {
                request.ask = face::Ask::stop;
                sent = send(request);
                if (!sent) return fail(std::move(sent));
                last = Deadline::in(face_answer_limit);
            }
            if (last && last->passed()) {
                disconnect();
                return broken("does not stop");
            }
            auto reply = receive(face_stop_look);
            if (!reply) return fail(std::move(reply));
            if (!*reply) continue;
            if (const auto* one = std::get_if<face::Hint>(&**reply)) {
                hint(*one);
                continue;
            }
            const auto* end = std::get_if<face::AimEnded>(&**reply);
            if (end == nullptr) {
                disconnect();
                return broken("has no picture");
            }
            if (last) return false;
            if (end->good) return true;
            ended = true;
        }
        if (stopped()) return false;
    }
    return false;
}

Result<face::Verdict> SocketFaceEngine::match(const SecretBytes& photo) {
    std::array<std::uint8_t, face::nonce_bytes> nonce{};
    random_.fill(nonce);
    face::Request request;
    request.ask = face::Ask::match;
    request.nonce = as_text(nonce);
    request.photo = photo.clone();
    auto decision = ask<face::Decision>(request, face_match_limit);
    if (!decision) return fail(std::move(decision));
    auto checked = face::check_decision(key_, request.nonce, photo.bytes(), *decision);
    if (!checked) return fail(std::move(checked));
    return decision->verdict;
}

void SocketFaceEngine::forget() {
    if (socket_ < 0) return;
    face::Request request;
    request.ask = face::Ask::forget;
    auto told = ask<face::Forgotten>(request, face_answer_limit);
    // The end of the connection says the same.
    if (!told) disconnect();
    if (!told) log_failure(Level::info, "terminal.face_engine", told.error());
}

std::unique_ptr<FaceEngine> make_face_engine(const FaceSettings& settings, Random& random) {
    if (settings.simulated) return std::make_unique<SimulatedFaceEngine>(*settings.simulated);
    if (settings.socket.empty()) return nullptr;
    return std::make_unique<SocketFaceEngine>(settings.socket, settings.key, random);
}

}  // namespace onshi::terminal
