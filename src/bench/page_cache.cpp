#include "bench/page_cache.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace onshi::bench {

namespace {

constexpr std::size_t read_piece = std::size_t{1} << 20U;
// Looked at in steps, so that a file of any size needs little.
constexpr std::size_t look_pages = std::size_t{1} << 18U;

class OpenFile {
  public:
    explicit OpenFile(const std::filesystem::path& file) : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~OpenFile() {
        if (fd_ >= 0) ::close(fd_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

tl::unexpected<Error> unreadable(const std::filesystem::path& file) {
    return fail(ErrorCode::bench_machine, file.string() + ": " + std::strerror(errno));
}

Result<double> share_of(int fd, const std::filesystem::path& file) {
    struct stat seen{};
    if (fd < 0 || ::fstat(fd, &seen) != 0) return unreadable(file);
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto bytes = static_cast<std::size_t>(seen.st_size);
    if (bytes == 0) return 0.0;
    std::size_t cached = 0;
    std::size_t pages = 0;
    std::vector<unsigned char> state(look_pages);
    for (std::size_t at = 0; at < bytes; at += look_pages * page) {
        const std::size_t length = std::min(look_pages * page, bytes - at);
        void* mapped = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(at));
        if (mapped == MAP_FAILED) return unreadable(file);
        const bool looked = ::mincore(mapped, length, state.data()) == 0;
        ::munmap(mapped, length);
        if (!looked) return unreadable(file);
        const std::size_t here = (length + page - 1) / page;
        for (std::size_t i = 0; i < here; ++i) cached += state[i] & 1U;
        pages += here;
    }
    return static_cast<double>(cached) / static_cast<double>(pages);
}

}  // namespace

Result<double> cached_share(const std::filesystem::path& file) {
    const OpenFile open(file);
    return share_of(open.fd(), file);
}

Result<double> drop_from_cache(const std::filesystem::path& file) {
    const OpenFile open(file);
    if (open.fd() < 0 || ::fdatasync(open.fd()) != 0) return unreadable(file);
    if (const int code = ::posix_fadvise(open.fd(), 0, 0, POSIX_FADV_DONTNEED); code != 0) {
        return fail(ErrorCode::bench_machine, file.string() + ": " + std::strerror(code));
    }
    return share_of(open.fd(), file);
}

void read_through(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<char> piece(read_piece);
    while (file.read(piece.data(), static_cast<std::streamsize>(piece.size()))) {
    }
}

}  // namespace onshi::bench
