#include "terminal/folder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "exchange/oqs/limits.h"
#include "terminal/limits.h"

namespace onshi::terminal {

namespace fs = std::filesystem;

namespace {

constexpr mode_t file_mode = 0664;

tl::unexpected<Error> unusable(const char* what) {
    return fail(ErrorCode::folder_unusable, fmt::format("{}: {}", what, std::strerror(errno)));
}

class OpenFile {
  public:
    OpenFile(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, file_mode)) {}
    ~OpenFile() {
        if (fd_ >= 0) ::close(fd_);
    }
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

FileVersion version_of(const struct stat& info) {
    return {std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, std::int64_t{info.st_size},
            static_cast<std::uint64_t>(info.st_ino)};
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

// Calls `take(name, info)` for every regular file until it says stop.
template <class Take>
bool for_each_file(const fs::path& path, Take take) {
    const OpenFolder folder(::opendir(path.c_str()));
    if (!folder) return false;
    while (const dirent* entry = ::readdir(folder.get())) {
        struct stat info{};
        const bool regular =
            ::fstatat(::dirfd(folder.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode);
        if (regular && !take(std::string_view(entry->d_name), info)) break;
    }
    return true;
}

// What this terminal wrote: results, rejected requests and their reasons.
bool is_ours(std::string_view name) {
    return name.starts_with("OQS") && (name.ends_with(".xml") || name.ends_with(".err"));
}

}  // namespace

fs::path ExchangeFolder::outbound(Outbound where) const {
    return root_ / (where == Outbound::res ? "res" : "face");
}

Result<void> ExchangeFolder::prepare() const {
    for (const auto& folder : {requests(), outbound(Outbound::res), outbound(Outbound::face), staging()}) {
        std::error_code error;
        fs::create_directories(folder, error);
        if (error) return fail(ErrorCode::folder_unusable, folder.filename().string() + ": " + error.message());
    }
    // Free space and rights are known by trying only: a file of the size of a result, moved the way of a result.
    const std::string probe(4096, '\n');
    const fs::path file = staging() / "probe";
    {
        const OpenFile open(file, O_WRONLY | O_CREAT | O_TRUNC);
        if (open.get() < 0 || !write_all(open.get(), probe)) return unusable("writing");
    }
    if (::unlink(file.c_str()) != 0) return unusable("removing");
    for (const auto where : {Outbound::res, Outbound::face}) {
        if (::access(outbound(where).c_str(), W_OK | X_OK) != 0) return unusable("writing results");
    }
    return {};
}

Result<std::vector<FoundRequest>> ExchangeFolder::list() const {
    std::vector<FoundRequest> found;
    const bool listed = for_each_file(requests(), [&](std::string_view file, const struct stat& info) {
        auto name = oqs::parse_request_name(file);
        if (name) found.push_back({std::move(*name), version_of(info)});
        return found.size() < requests_listed_max;
    });
    if (!listed) return unusable("req");
    std::ranges::sort(found, [](const FoundRequest& a, const FoundRequest& b) {
        return std::pair(a.version, a.name.suffix) < std::pair(b.version, b.name.suffix);
    });
    return found;
}

Result<std::optional<std::string>> ExchangeFolder::read(const oqs::RequestName& name) const {
    const OpenFile open(requests() / oqs::request_name(name), O_RDONLY | O_NOFOLLOW);
    if (open.get() < 0) return std::optional<std::string>();
    struct stat info{};
    if (::fstat(open.get(), &info) != 0) return std::optional<std::string>();
    if (static_cast<std::uint64_t>(info.st_size) > oqs::message_bytes_max) {
        return fail(ErrorCode::message_too_large, "a request file");
    }
    std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t got = ::read(open.get(), bytes.data() + size, bytes.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        size += static_cast<std::size_t>(got);
    }
    bytes.resize(size);
    return std::optional(std::move(bytes));
}

Result<void> ExchangeFolder::publish(Outbound where, std::string_view file_name, std::string_view bytes) const {
    const fs::path made = staging() / file_name;
    {
        const OpenFile open(made, O_WRONLY | O_CREAT | O_TRUNC);
        if (open.get() < 0) return unusable("staging");
        if (!write_all(open.get(), bytes)) {
            auto failed = unusable("writing a result");
            ::unlink(made.c_str());
            return failed;
        }
    }
    if (::rename(made.c_str(), (outbound(where) / file_name).c_str()) == 0) return {};
    auto failed = unusable("moving a result");
    ::unlink(made.c_str());
    return failed;
}

void ExchangeFolder::touch(Outbound where, const std::string& file_name) const {
    static_cast<void>(::utimensat(AT_FDCWD, (outbound(where) / file_name).c_str(), nullptr, AT_SYMLINK_NOFOLLOW));
}

bool ExchangeFolder::remove_request(const oqs::RequestName& name) const {
    return ::unlink((requests() / oqs::request_name(name)).c_str()) == 0 || errno == ENOENT;
}

Result<void> ExchangeFolder::reject(const oqs::RequestName& name, std::string_view reason_bytes) const {
    auto written = publish(Outbound::res, oqs::error_name(name), reason_bytes);
    if (!written) return written;
    const std::string file = oqs::request_name(name);
    if (::rename((requests() / file).c_str(), (outbound(Outbound::res) / file).c_str()) == 0) return {};
    auto failed = unusable("moving a request");
    // Its client took it back: then nobody wants the reason either.
    const bool taken = ::access((requests() / file).c_str(), F_OK) != 0;
    ::unlink((outbound(Outbound::res) / oqs::error_name(name)).c_str());
    if (taken) return {};
    return failed;
}

std::size_t ExchangeFolder::remove_leftovers(Instant before) const {
    std::size_t removed = 0;
    for (const auto& folder : {outbound(Outbound::res), outbound(Outbound::face), staging()}) {
        for_each_file(folder, [&](std::string_view file, const struct stat& info) {
            const bool old = version_of(info).changed_ns / 1'000 < before.us;
            if (old && is_ours(file) && ::unlink((folder / file).c_str()) == 0) ++removed;
            return true;
        });
    }
    return removed;
}

}  // namespace onshi::terminal
