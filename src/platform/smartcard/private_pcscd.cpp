#include "platform/smartcard/private_pcscd.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace onshi::smartcard {

namespace {

constexpr std::size_t run_folder_bytes_max = 90;  // a socket's path has 107
constexpr unsigned slots = 2;
// An event can come before we watch for it; then this is how late we are.
constexpr int ready_poll_ms = 100;

tl::unexpected<Error> broken(std::string_view step, int error) {
    return fail(ErrorCode::reader_unavailable, fmt::format("private pcscd: {}, errno {}", step, error));
}

// What a new process does before its program starts. Everything is ready-made, because between fork and exec only
// system calls are safe in a process that has threads.
struct Launch {
    std::vector<char*> argv;
    int output = -1;    // becomes stdout and stderr when set
    int failures = -1;  // the write end of a pipe that closes on exec
    pid_t parent = 0;
    // Runs in the child; gives the name of the step that failed, or nullptr.
    const char* (*prepare)(const void*) = nullptr;
    const void* context = nullptr;
};

struct Failure {
    const char* step;  // of this very program, so the address means the same to parent and child
    int error;
};

[[noreturn]] void give_up(const Launch& launch, const char* step) {
    const Failure failure{step, errno};
    [[maybe_unused]] const auto written = ::write(launch.failures, &failure, sizeof failure);
    ::_exit(127);
}

[[noreturn]] void become(const Launch& launch) {
    // A parent that blocks signals for a waiting thread of its own must not leave its child deaf to them.
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (const char* step = launch.prepare(launch.context)) give_up(launch, step);
    // After the namespaces: the kernel forgets the tie when a process gains rights in a new one.
    if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || ::getppid() != launch.parent) give_up(launch, "tie to the parent");
    if (launch.output >= 0 && (::dup2(launch.output, 1) < 0 || ::dup2(launch.output, 2) < 0)) give_up(launch, "output");
    ::execv(launch.argv[0], launch.argv.data());
    give_up(launch, "start of the program");
}

Result<ChildProcess> run(Launch launch, const std::vector<std::string>& command) {
    std::vector<std::string> words = command;
    for (auto& word : words) launch.argv.push_back(word.data());
    launch.argv.push_back(nullptr);
    std::array<int, 2> pipe_ends{};
    if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return broken("pipe", errno);
    const Descriptor read_end(pipe_ends[0]);
    Descriptor write_end(pipe_ends[1]);
    launch.failures = write_end.get();
    launch.parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) return broken("fork", errno);
    if (pid == 0) become(launch);
    ChildProcess child(pid);
    write_end = Descriptor(-1);
    Failure failure{};
    ssize_t got = -1;
    do {
        got = ::read(read_end.get(), &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    // Nothing but the end: the pipe closed when the program started.
    if (got == static_cast<ssize_t>(sizeof failure)) return broken(failure.step, failure.error);
    return child;
}

bool write_once(const char* file, const char* text) {
    const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool written = ::write(fd, text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text));
    ::close(fd);
    return written;
}

bool raise_loopback() {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    ifreq request{};
    std::memcpy(request.ifr_name, "lo", 3);
    bool up = ::ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    up = up && ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    ::close(fd);
    return up;
}

// Where pcscd will live.
struct Room {
    std::string run_folder;
    bool as_root;
    std::string uid_map;
    std::string gid_map;
};

// The namespaces of pcscd: the run folder on /run/pcscd, a network with nothing but its own loopback.
const char* enter_room(const void* context) {
    const auto& room = *static_cast<const Room*>(context);
    if (::unshare(CLONE_NEWNS | CLONE_NEWNET | (room.as_root ? 0 : CLONE_NEWUSER)) != 0) return "namespaces";
    if (!room.as_root) {
        const bool mapped = write_once("/proc/self/setgroups", "deny") &&
                            write_once("/proc/self/uid_map", room.uid_map.c_str()) &&
                            write_once("/proc/self/gid_map", room.gid_map.c_str());
        if (!mapped) return "user namespace";
    }
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "private mounts";
    // The run folder may itself lie in /run: it stays reachable as the working directory.
    if (::chdir(room.run_folder.c_str()) != 0) return "run folder";
    if (::mount("none", "/run", "tmpfs", MS_NOSUID | MS_NODEV, nullptr) != 0) return "tmpfs on /run";
    if (::mkdir("/run/pcscd", 0755) != 0) return "/run/pcscd";
    if (::mount(".", "/run/pcscd", nullptr, MS_BIND, nullptr) != 0) return "run folder on /run/pcscd";
    if (::chdir("/run/pcscd") != 0) return "working directory";
    return raise_loopback() ? nullptr : "loopback";
}

struct Door {
    int user;  // -1 as root
    int network;
};

const char* go_through(const void* context) {
    const auto& door = *static_cast<const Door*>(context);
    if (door.user >= 0 && ::setns(door.user, CLONE_NEWUSER) != 0) return "user namespace of pcscd";
    return ::setns(door.network, CLONE_NEWNET) == 0 ? nullptr : "network of pcscd";
}

Result<void> write_reader_conf(const PrivatePcscdOptions& options) {
    const auto folder = options.run_folder / "reader.conf.d";
    std::error_code error;
    std::filesystem::create_directory(folder, error);
    std::ofstream file(folder / "vpcd", std::ios::trunc);
    // `/dev/null:PORT` is the driver's word for "listen": the other form makes pcscd abort (jpki-card §9).
    file << fmt::format("FRIENDLYNAME \"{}\"\nDEVICENAME /dev/null:{:#06X}\nLIBPATH {}\nCHANNELID {:#06X}\n",
                        options.reader_name, options.port, options.driver.string(), options.port);
    file.close();
    if (!file) return broken("reader configuration", errno);
    return {};
}

bool accepts(const std::filesystem::path& path) {
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// pcscd makes its socket, listens, then opens it to everybody: each is an event in the run folder.
Result<void> wait_until_ready(ChildProcess& process, const std::filesystem::path& socket, int events,
                              Deadline deadline) {
    while (!accepts(socket)) {
        if (deadline.passed()) return fail(ErrorCode::reader_unavailable, "private pcscd: not ready in time");
        std::array<pollfd, 2> watched{{{events, POLLIN, 0}, {process.pidfd(), POLLIN, 0}}};
        if (::poll(watched.data(), watched.size(), ready_poll_ms) < 0 && errno != EINTR) return broken("poll", errno);
        if (watched[1].revents != 0) return fail(ErrorCode::reader_unavailable, "private pcscd: ended, see pcscd.log");
        std::array<char, 4096> unread{};
        while (::read(events, unread.data(), unread.size()) > 0) {
        }
    }
    return {};
}

}  // namespace

Result<PrivatePcscd> PrivatePcscd::start(const PrivatePcscdOptions& options, Deadline deadline) {
    std::error_code error;
    const auto folder = std::filesystem::canonical(options.run_folder, error);
    if (error || folder.native().size() > run_folder_bytes_max) return broken("run folder", error.value());
    auto configured = write_reader_conf(options);
    if (!configured) return fail(std::move(configured));
    const auto socket = folder / "pcscd.comm";
    ::unlink(socket.c_str());

    const Descriptor events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (::inotify_add_watch(events.get(), folder.c_str(), IN_CREATE | IN_ATTRIB) < 0) return broken("inotify", errno);
    const Descriptor log(::open((folder / "pcscd.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!log.is_open()) return broken("log file", errno);
    const Room room{folder.native(), ::geteuid() == 0, fmt::format("0 {} 1", ::geteuid()),
                    fmt::format("0 {} 1", ::getegid())};
    Launch launch;
    launch.output = log.get();
    launch.prepare = enter_room;
    launch.context = &room;
    auto process =
        run(launch, {options.pcscd.string(), "--foreground", "--config", (folder / "reader.conf.d").string()});
    if (!process) return fail(std::move(process));
    auto ready = wait_until_ready(*process, socket, events.get(), deadline);
    if (!ready) return fail(std::move(ready));
    return PrivatePcscd(std::move(*process), socket, options.port);
}

VpcdAddress PrivatePcscd::slot(unsigned number) const {
    return {"127.0.0.1", static_cast<std::uint16_t>(port_ + number % slots)};
}

Result<ChildProcess> PrivatePcscd::spawn_inside(const std::vector<std::string>& command) const {
    const auto name = [this](const char* kind) { return fmt::format("/proc/{}/ns/{}", process_.pid(), kind); };
    const Descriptor network(::open(name("net").c_str(), O_RDONLY | O_CLOEXEC));
    const Descriptor user(::geteuid() == 0 ? -1 : ::open(name("user").c_str(), O_RDONLY | O_CLOEXEC));
    if (!network.is_open()) return broken("namespaces of pcscd", errno);
    const Door door{user.get(), network.get()};
    Launch launch;
    launch.prepare = go_through;
    launch.context = &door;
    return run(launch, command);
}

}  // namespace onshi::smartcard
