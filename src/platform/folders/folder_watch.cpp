#include "platform/folders/folder_watch.h"

#include <array>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <thread>
#include <unistd.h>

namespace onshi {

namespace {

// How soon a folder that is away is looked for again.
constexpr int retry_ms = 1'000;
constexpr std::uint32_t changes =
    IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

}  // namespace

struct FolderWatch::Impl {
    Impl(std::filesystem::path watched, std::function<void()> called)
        : folder(std::move(watched)), ring(std::move(called)) {}

    void watch() {
        if (wd >= 0 || notices.get() < 0) return;
        wd = ::inotify_add_watch(notices.get(), folder.c_str(), changes);
        if (wd >= 0) ring();
    }

    // Whether anything was told. A folder that went away, or was moved, is watched anew.
    bool take_notices() {
        alignas(inotify_event) std::array<char, 16 * 1024> buffer;
        const ssize_t size = ::read(notices.get(), buffer.data(), buffer.size());
        for (ssize_t at = 0; at < size;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            at += static_cast<ssize_t>(sizeof *event + event->len);
            if (event->wd != wd) continue;
            if ((event->mask & IN_MOVE_SELF) != 0) ::inotify_rm_watch(notices.get(), wd);
            if ((event->mask & (IN_IGNORED | IN_MOVE_SELF)) != 0) wd = -1;
        }
        return size > 0;
    }

    void run() {
        while (true) {
            watch();
            std::array<pollfd, 2> wanted{pollfd{ended.get(), POLLIN, 0}, pollfd{notices.get(), POLLIN, 0}};
            const int ready = ::poll(wanted.data(), wanted.size(), wd >= 0 ? -1 : retry_ms);
            if (ready > 0 && (wanted[0].revents & POLLIN) != 0) return;
            if (ready > 0 && (wanted[1].revents & POLLIN) != 0 && take_notices()) ring();
        }
    }

    std::filesystem::path folder;
    std::function<void()> ring;
    Descriptor notices{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    Descriptor ended{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    int wd = -1;
    std::thread thread;
};

FolderWatch::FolderWatch(std::filesystem::path folder, std::function<void()> ring)
    : impl_(std::make_unique<Impl>(std::move(folder), std::move(ring))) {
    impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

FolderWatch::~FolderWatch() {
    ::eventfd_write(impl_->ended.get(), 1);
    impl_->thread.join();
}

}  // namespace onshi
