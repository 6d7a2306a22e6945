#include "platform/pki/secret_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <string.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/ensure.h"

namespace onshi::pki {

namespace {

// Owns a file descriptor. Not thread-safe.
class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool ok() const { return fd_ >= 0; }

  private:
    int fd_;
};

// Bytes that are wiped however the function ends.
struct WipedBuffer {
    std::vector<std::uint8_t> bytes;
    explicit WipedBuffer(std::size_t size) : bytes(size) {}
    ~WipedBuffer() { ::explicit_bzero(bytes.data(), bytes.size()); }
    WipedBuffer(const WipedBuffer&) = delete;
    WipedBuffer& operator=(const WipedBuffer&) = delete;
};

bool is_private(const struct stat& status) {
    const bool others_can = (status.st_mode & (S_IRWXG | S_IRWXO)) != 0;
    const bool ours = status.st_uid == ::geteuid() || status.st_uid == 0;
    return S_ISREG(status.st_mode) && ours && !others_can;
}

bool write_all(int fd, Bytes bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return ::fsync(fd) == 0;
}

// A new name survives a power cut only when its folder is durable too.
bool sync_folder(const std::filesystem::path& folder) {
    const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return fd.ok() && ::fsync(fd.get()) == 0;
}

Result<SecretBytes> read_all(int fd, std::size_t bytes_max) {
    WipedBuffer buffer(bytes_max + 1);  // one more than allowed shows a file that grew since fstat
    std::size_t used = 0;
    while (used < buffer.bytes.size()) {
        const auto got = ::read(fd, buffer.bytes.data() + used, buffer.bytes.size() - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(ErrorCode::secret_missing, "read error " + std::to_string(errno));
        if (got == 0) break;
        used += static_cast<std::size_t>(got);
    }
    if (used == 0 || used > bytes_max) return fail(ErrorCode::secret_malformed, "empty or too large");
    return SecretBytes(Bytes(buffer.bytes).first(used));
}

}  // namespace

Result<SecretBytes> read_secret_file(const std::filesystem::path& file, std::size_t bytes_max) {
    ENSURE(bytes_max <= secret_file_bytes_max);
    // O_NONBLOCK: a fifo under this name must be refused, not waited for.
    const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.ok()) return fail(ErrorCode::secret_missing, file.string() + ": error " + std::to_string(errno));
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0 || !is_private(status))
        return fail(ErrorCode::secret_permissions, file.string());
    return read_all(fd.get(), bytes_max);
}

Result<void> write_secret_file(const std::filesystem::path& file, Bytes bytes) {
    if (bytes.empty() || bytes.size() > secret_file_bytes_max) return fail(ErrorCode::secret_malformed, file.string());
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    std::string draft = (folder / ".secret-XXXXXX").string();
    const Descriptor fd(::mkostemp(draft.data(), O_CLOEXEC));  // of mode 0600
    if (!fd.ok()) return fail(ErrorCode::secret_missing, file.string() + ": error " + std::to_string(errno));
    // Under its name the file appears whole or not at all; link() refuses a name that is taken.
    const bool linked = write_all(fd.get(), bytes) && ::link(draft.c_str(), file.c_str()) == 0;
    const int error = errno;
    ::unlink(draft.c_str());
    if (linked && sync_folder(folder)) return {};
    const auto code = !linked && error == EEXIST ? ErrorCode::secret_exists : ErrorCode::secret_missing;
    return fail(code, file.string() + ": error " + std::to_string(error));
}

Result<SecretBytes> create_random_secret(const std::filesystem::path& file, std::size_t size, Random& random) {
    if (size == 0 || size > secret_file_bytes_max) return fail(ErrorCode::secret_malformed, file.string());
    WipedBuffer buffer(size);
    random.fill(buffer.bytes);
    auto written = write_secret_file(file, buffer.bytes);
    if (!written) return fail(std::move(written));
    return SecretBytes(buffer.bytes);
}

Result<SecretBytes> load_secret(std::string_view reference) {
    constexpr std::string_view file_scheme = "file:";
    constexpr std::string_view credential_scheme = "cred:";
    if (reference.starts_with(file_scheme)) {
        const std::filesystem::path file(reference.substr(file_scheme.size()));
        if (!file.is_absolute()) return fail(ErrorCode::secret_malformed, "file: needs an absolute path");
        return read_secret_file(file);
    }
    if (reference.starts_with(credential_scheme)) {
        const auto name = reference.substr(credential_scheme.size());
        const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
        const bool plain = !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
        if (!plain) return fail(ErrorCode::secret_malformed, "cred: needs a plain name");
        if (folder == nullptr) return fail(ErrorCode::secret_missing, "no CREDENTIALS_DIRECTORY");
        return read_secret_file(std::filesystem::path(folder) / name);
    }
    return fail(ErrorCode::secret_malformed, "a secret is named by file: or cred:");
}

}  // namespace onshi::pki
