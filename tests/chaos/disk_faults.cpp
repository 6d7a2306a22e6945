// A disk that fails on command, for a whole process: preloaded into a hub or a PostgreSQL server, it stands between the
// program and the files of one folder. The operator's side is a small file that both map (disk.py): a new word there
// takes effect at the next system call. Nothing outside the folder is touched, so logs and sockets go on.
//
// The environment names both: ONSHI_DISK_FOLDER, ONSHI_DISK_SWITCH. Thread-safe: it only reads.
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

// As disk.py writes it: native byte order, both on one machine.
struct Switch {
    std::atomic<std::int32_t> write_error;     // 0, or the errno of every write, truncation and sync
    std::atomic<std::int32_t> write_delay_us;  // before every write
    std::atomic<std::int32_t> sync_delay_us;   // before every sync
};

struct Disk {
    std::string folder;
    const Switch* switches = nullptr;
};

const Disk& disk() {
    static const Disk found = [] {
        Disk made;
        const char* folder = std::getenv("ONSHI_DISK_FOLDER");
        const char* file = std::getenv("ONSHI_DISK_SWITCH");
        if (folder == nullptr || file == nullptr) return made;
        const int descriptor = ::open(file, O_RDONLY | O_CLOEXEC);
        if (descriptor < 0) return made;
        void* mapped = ::mmap(nullptr, sizeof(Switch), PROT_READ, MAP_SHARED, descriptor, 0);
        ::close(descriptor);
        if (mapped == MAP_FAILED) return made;
        made.folder = std::string(folder) + "/";
        made.switches = static_cast<const Switch*>(mapped);
        return made;
    }();
    return found;
}

bool is_on_disk(int descriptor) {
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    std::array<char, 4096> path{};
    const ssize_t length = ::readlink(link.c_str(), path.data(), path.size());
    const std::string& folder = disk().folder;
    return length > static_cast<ssize_t>(folder.size()) && std::memcmp(path.data(), folder.data(), folder.size()) == 0;
}

void rest(std::int32_t us) {
    timespec left{.tv_sec = us / 1'000'000, .tv_nsec = us % 1'000'000 * 1000L};
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

enum class Act : std::uint8_t { write, sync };

// False when the call has to fail; errno says how.
bool may_go_on(int descriptor, Act act) {
    const Switch* switches = disk().switches;
    if (switches == nullptr) return true;
    const std::int32_t error = switches->write_error.load(std::memory_order_relaxed);
    const std::int32_t delay =
        (act == Act::write ? switches->write_delay_us : switches->sync_delay_us).load(std::memory_order_relaxed);
    if ((error == 0 && delay == 0) || !is_on_disk(descriptor)) return true;
    if (delay > 0) rest(delay);
    if (error == 0) return true;
    errno = error;
    return false;
}

// The function of the C library that ours stands before.
template <class Function>
Function next(const char* name) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t count) {
    static const auto real = next<decltype(&::write)>("write");
    return may_go_on(descriptor, Act::write) ? real(descriptor, bytes, count) : -1;
}

ssize_t pwrite(int descriptor, const void* bytes, size_t count, off_t at) {
    static const auto real = next<decltype(&::pwrite)>("pwrite");
    return may_go_on(descriptor, Act::write) ? real(descriptor, bytes, count, at) : -1;
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t count, off64_t at) {
    static const auto real = next<decltype(&::pwrite64)>("pwrite64");
    return may_go_on(descriptor, Act::write) ? real(descriptor, bytes, count, at) : -1;
}

ssize_t pwritev(int descriptor, const iovec* parts, int count, off_t at) {
    static const auto real = next<decltype(&::pwritev)>("pwritev");
    return may_go_on(descriptor, Act::write) ? real(descriptor, parts, count, at) : -1;
}

ssize_t pwritev64(int descriptor, const iovec* parts, int count, off64_t at) {
    static const auto real = next<decltype(&::pwritev64)>("pwritev64");
    return may_go_on(descriptor, Act::write) ? real(descriptor, parts, count, at) : -1;
}

int ftruncate(int descriptor, off_t size) noexcept {
    static const auto real = next<int (*)(int, off_t)>("ftruncate");
    return may_go_on(descriptor, Act::write) ? real(descriptor, size) : -1;
}

int ftruncate64(int descriptor, off64_t size) noexcept {
    static const auto real = next<int (*)(int, off64_t)>("ftruncate64");
    return may_go_on(descriptor, Act::write) ? real(descriptor, size) : -1;
}

int posix_fallocate(int descriptor, off_t at, off_t size) {
    static const auto real = next<decltype(&::posix_fallocate)>("posix_fallocate");
    return may_go_on(descriptor, Act::write) ? real(descriptor, at, size) : errno;
}

int fsync(int descriptor) {
    static const auto real = next<decltype(&::fsync)>("fsync");
    return may_go_on(descriptor, Act::sync) ? real(descriptor) : -1;
}

int fdatasync(int descriptor) {
    static const auto real = next<decltype(&::fdatasync)>("fdatasync");
    return may_go_on(descriptor, Act::sync) ? real(descriptor) : -1;
}

}  // extern "C"
