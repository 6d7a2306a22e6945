#include "cli/files.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include <fmt/format.h>

namespace onshi::cli {

namespace fs = std::filesystem;

namespace {

Error unwritable(const fs::path& path, int code) {
    return {ErrorCode::file_unwritable, fmt::format("{}: {}", path.string(), std::strerror(code))};
}

Result<void> write_all(int fd, const fs::path& path, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return tl::unexpected(unwritable(path, errno));
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(fd) != 0) return tl::unexpected(unwritable(path, errno));
    return {};
}

Result<void> write_file(const fs::path& path, int flags, std::string_view text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0 && errno == EEXIST) return fail(ErrorCode::file_exists, path.string());
    if (fd < 0) return tl::unexpected(unwritable(path, errno));
    auto written = write_all(fd, path, text);
    if (::close(fd) != 0 && written) return tl::unexpected(unwritable(path, errno));
    return written;
}

// A new name is durable only when its folder is.
Result<void> sync_folder(const fs::path& file) {
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return tl::unexpected(unwritable(folder, errno));
    const int synced = ::fsync(fd);
    const int code = errno;
    ::close(fd);
    if (synced != 0 && code != EINVAL) return tl::unexpected(unwritable(folder, code));
    return {};
}

}  // namespace

Result<std::string> read_text_file(const fs::path& path) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) return fail(ErrorCode::file_unreadable, path.string());
    const auto size = fs::file_size(path, error);
    if (error || size > text_file_bytes_max) return fail(ErrorCode::file_unreadable, path.string());
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    if (!file || text.str().size() > text_file_bytes_max) return fail(ErrorCode::file_unreadable, path.string());
    return text.str();
}

Result<void> replace_file(const fs::path& path, std::string_view text) {
    fs::path beside = path;
    beside += fmt::format(".{}.new", ::getpid());
    auto written = write_file(beside, O_TRUNC, text);
    if (written && ::rename(beside.c_str(), path.c_str()) != 0) written = tl::unexpected(unwritable(path, errno));
    if (!written) {
        ::unlink(beside.c_str());
        return written;
    }
    return sync_folder(path);
}

Result<void> write_new_file(const fs::path& path, std::string_view text) {
    auto written = write_file(path, O_EXCL, text);
    if (!written) return written;
    return sync_folder(path);
}

Result<void> make_private_folder(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) return {};
    fs::create_directories(path, error);
    if (!error) fs::permissions(path, fs::perms::owner_all, error);
    if (error) return fail(ErrorCode::file_unwritable, fmt::format("{}: {}", path.string(), error.message()));
    return {};
}

}  // namespace onshi::cli
