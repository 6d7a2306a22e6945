#include "cli/tty.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

namespace onshi::cli {

namespace {

class Terminal {
  public:
    Terminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}
    ~Terminal() {
        if (fd_ >= 0) ::close(fd_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    [[nodiscard]] bool ok() const { return fd_ >= 0; }
    [[nodiscard]] int fd() const { return fd_; }
    void show(std::string_view text) const {
        while (!text.empty()) {
            const auto written = ::write(fd_, text.data(), text.size());
            if (written <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(written));
        }
    }

  private:
    int fd_;
};

// Switches echo off and holds back the signals that would end the process with the terminal still silent. One that
// comes makes `signals()` readable and takes its usual effect when this object ends and the terminal speaks again.
class Silence {
  public:
    explicit Silence(int fd) : fd_(fd) {
        sigset_t held;
        sigemptyset(&held);
        for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) sigaddset(&held, signal);
        pthread_sigmask(SIG_BLOCK, &held, &signals_before_);
        signals_ = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
        known_ = tcgetattr(fd_, &before_) == 0;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        if (known_) tcsetattr(fd_, TCSAFLUSH, &silent);
    }
    ~Silence() {
        if (known_) tcsetattr(fd_, TCSAFLUSH, &before_);
        if (signals_ >= 0) ::close(signals_);
        pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr);
    }
    [[nodiscard]] int signals() const { return signals_; }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

  private:
    int fd_;
    int signals_ = -1;
    bool known_ = false;
    termios before_{};
    sigset_t signals_before_{};
};

struct TypedLine {
    std::array<char, typed_line_bytes_max> bytes{};
    std::size_t size = 0;
    ~TypedLine() { explicit_bzero(bytes.data(), bytes.size()); }
};

// `signals` -1: those end the process by themselves.
Result<void> read_line(int fd, int signals, TypedLine& line) {
    while (true) {
        std::array<pollfd, 2> waiting{{{fd, POLLIN, 0}, {signals, POLLIN, 0}}};
        if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) continue;
        if ((waiting[1].revents & POLLIN) != 0) return fail(ErrorCode::command_interrupted, "");
        char c = 0;
        const auto got = ::read(fd, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return fail(ErrorCode::command_interrupted, "");
        if (c == '\n' || c == '\r') return {};
        if (line.size == line.bytes.size()) return fail(ErrorCode::request_too_large, "the typed line");
        line.bytes[line.size++] = c;
    }
}

}  // namespace

Result<std::string> read_line_from_terminal(std::string_view prompt) {
    const Terminal terminal;
    if (!terminal.ok()) return fail(ErrorCode::command_secret_needed, "");
    terminal.show(prompt);
    TypedLine line;
    auto read = read_line(terminal.fd(), -1, line);
    if (!read) return fail(std::move(read));
    return std::string(line.bytes.data(), line.size);
}

Result<SecretBytes> read_secret_from_terminal(std::string_view prompt) {
    const Terminal terminal;
    if (!terminal.ok()) return fail(ErrorCode::command_secret_needed, "");
    TypedLine line;
    {
        const Silence silence(terminal.fd());
        terminal.show(prompt);
        auto read = read_line(terminal.fd(), silence.signals(), line);
        terminal.show("\n");
        if (!read) return fail(std::move(read));
    }
    return SecretBytes(as_bytes(std::string_view(line.bytes.data(), line.size)));
}

}  // namespace onshi::cli
