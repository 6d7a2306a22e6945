#include "bench/child_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "bench/cpu_pin.h"

namespace onshi::bench {

namespace {

// What the child needs between fork and exec. Ready-made, because only system calls are safe there.
struct Launch {
    std::vector<char*> argv;
    int output;
    int failures;  // write end of a pipe that closes on exec
    pid_t parent;
    cpu_set_t cpus;
};

[[noreturn]] void give_up(const Launch& launch) {
    const int error = errno;
    [[maybe_unused]] const auto written = ::write(launch.failures, &error, sizeof error);
    ::_exit(127);
}

[[noreturn]] void become(const Launch& launch) {
    if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || ::getppid() != launch.parent) give_up(launch);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::setpgid(0, 0) != 0) give_up(launch);
    if (::sched_setaffinity(0, sizeof launch.cpus, &launch.cpus) != 0) give_up(launch);
    if (::dup2(launch.output, 1) < 0 || ::dup2(launch.output, 2) < 0) give_up(launch);
    ::execv(launch.argv[0], launch.argv.data());
    give_up(launch);
}

// 0 when the program has begun, else the errno of what failed.
int read_failure(int pipe_end) {
    int error = 0;
    ssize_t got = -1;
    do {
        got = ::read(pipe_end, &error, sizeof error);
    } while (got < 0 && errno == EINTR);
    return got == 0 ? 0 : error;
}

}  // namespace

Result<ChildProcess> ChildProcess::start(const ChildOptions& options) {
    std::vector<std::string> words = options.command;
    Launch launch{};
    for (auto& word : words) launch.argv.push_back(word.data());
    launch.argv.push_back(nullptr);
    launch.parent = ::getpid();
    CPU_ZERO(&launch.cpus);
    if (options.cpu == any_cpu) {
        ::sched_getaffinity(0, sizeof launch.cpus, &launch.cpus);
    } else {
        CPU_SET(static_cast<unsigned>(options.cpu), &launch.cpus);
    }
    launch.output = ::open(options.output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (launch.output < 0) return fail(ErrorCode::bench_server, "cannot write " + options.output.string());
    std::array<int, 2> ends{-1, -1};
    const bool piped = ::pipe2(ends.data(), O_CLOEXEC) == 0;
    launch.failures = ends[1];
    const pid_t pid = piped ? ::fork() : -1;
    if (pid == 0) become(launch);
    ::close(launch.output);
    if (piped) ::close(ends[1]);
    const int failed = pid < 0 ? EAGAIN : read_failure(ends[0]);
    if (piped) ::close(ends[0]);
    if (pid < 0) return fail(ErrorCode::bench_server, "no new process");
    ChildProcess child(pid, static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (failed != 0) return fail(ErrorCode::bench_server, fmt::format("{}: errno {}", options.command[0], failed));
    if (child.pidfd_ < 0) return fail(ErrorCode::bench_machine, "no pidfd");
    return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::exchange(other.pidfd_, -1)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(pidfd_, other.pidfd_);
    return *this;
}

bool ChildProcess::wait(int timeout_ms) {
    pollfd ended{.fd = pidfd_, .events = POLLIN, .revents = 0};
    return ::poll(&ended, 1, timeout_ms) == 1;
}

bool ChildProcess::is_running() {
    return pid_ > 0 && !wait(0);
}

void ChildProcess::stop(std::chrono::milliseconds bound) {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    if (!wait(static_cast<int>(bound.count()))) ::kill(-pid_, SIGKILL);
    forget();
}

void ChildProcess::forget() {
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (pidfd_ >= 0) ::close(pidfd_);
    pid_ = -1;
    pidfd_ = -1;
}

}  // namespace onshi::bench
