#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "platform/smartcard/descriptor.h"
#include "platform/smartcard/vpcd_link.h"

namespace onshi::smartcard {

// One process that we started, ended by its id when the object goes. It also ends when the thread that started it does.
// Movable; not thread-safe.
class ChildProcess {
  public:
    ChildProcess() = default;
    explicit ChildProcess(pid_t pid);
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ~ChildProcess() { stop(); }

    [[nodiscard]] pid_t pid() const { return pid_; }
    // Readable once it has ended.
    [[nodiscard]] int pidfd() const { return pidfd_.get(); }
    // Whether it ended by itself, waiting until the deadline. Its exit status is in `exit_status()` afterwards.
    [[nodiscard]] bool wait(Deadline deadline);
    // 0…255; 128 + n after signal n; -1 while it runs.
    [[nodiscard]] int exit_status() const { return exit_status_; }
    // Asks it to end (SIGTERM), for at most 5 s, then ends it (SIGKILL). Nothing when it has ended.
    void stop();
    // At once and without a chance to clean up: a power cut.
    void kill();

  private:
    pid_t pid_ = -1;
    Descriptor pidfd_{-1};
    int exit_status_ = -1;
};

struct PrivatePcscdOptions {
    // An existing folder of its own, at most 90 bytes long: gets the socket `pcscd.comm`, the reader's configuration
    // and `pcscd.log`.
    std::filesystem::path run_folder;
    std::string reader_name = "My Number Reader";
    std::uint16_t port =
        35963;  // of slot 0; slot 1 is the next one. Inside a network of its own, so it is always free.
    std::filesystem::path pcscd = "/usr/sbin/pcscd";
    std::filesystem::path driver = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";
};

// A pcscd of our own with one vpcd reader of two slots (design §9.14), for tests and demos: in a mount namespace where
// the run folder lies on /run/pcscd, and in a network namespace, so that the driver, which binds every address, is seen
// by nobody. Works as root, and as anybody else where user namespaces are allowed. Clients outside set
// $PCSCLITE_CSOCK_NAME to `socket()` before they first use PC/SC. Owns the process. Not thread-safe.
class PrivatePcscd {
  public:
    // Returns once clients can connect. `reader.unavailable` with the step that failed.
    [[nodiscard]] static Result<PrivatePcscd> start(const PrivatePcscdOptions& options, Deadline deadline);
    [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }
    [[nodiscard]] pid_t pid() const { return process_.pid(); }
    // Where a card program inside connects to. `slot` is 0 or 1.
    [[nodiscard]] VpcdAddress slot(unsigned number) const;
    // Runs a program (full path first) in pcscd's network. `reader.unavailable`.
    [[nodiscard]] Result<ChildProcess> spawn_inside(const std::vector<std::string>& command) const;
    void stop() { process_.stop(); }

  private:
    PrivatePcscd(ChildProcess process, std::filesystem::path socket, std::uint16_t port)
        : process_(std::move(process)), socket_(std::move(socket)), port_(port) {}
    ChildProcess process_;
    std::filesystem::path socket_;
    std::uint16_t port_;
};

}  // namespace onshi::smartcard
