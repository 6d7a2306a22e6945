#include "installation/workshop.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

#include "installation/installation_files.h"
#include "installation/layout.h"

namespace onshi::installation {

namespace {

namespace fs = std::filesystem;

constexpr const char* lock_name = "making.lock";

tl::unexpected<Error> failure(const fs::path& path, const std::error_code& error) {
    return fail(ErrorCode::installation_folder, path.string() + ": " + error.message());
}

std::error_code last_error() {
    return {errno, std::generic_category()};
}

std::error_code sync_one(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return last_error();
    const std::error_code error = ::fsync(descriptor) == 0 ? std::error_code() : last_error();
    ::close(descriptor);
    return error;
}

// File by file: what other programs have written to the same disk is not waited for.
Result<void> sync_all(const fs::path& folder) {
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        error = sync_one(entry->path());
        if (error) break;
    }
    if (!error) error = sync_one(folder);
    if (error) return failure(folder, error);
    return {};
}

std::error_code empty(const fs::path& folder) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (entry.path().filename() != lock_name) fs::remove_all(entry.path(), error);
        if (error) return error;
    }
    return error;
}

}  // namespace

Workshop::~Workshop() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<Workshop> Workshop::claim(const fs::path& final_folder) {
    fs::path folder = final_folder;
    folder += ".part";
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return failure(folder, error);
    const bool is_ours = fs::exists(folder / lock_name, error) || fs::is_empty(folder, error);
    if (error) return failure(folder, error);
    if (!is_ours) return fail(ErrorCode::installation_not_ours, folder.string());

    const int descriptor = ::open((folder / lock_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return failure(folder, last_error());
    Workshop workshop(folder, descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return fail(ErrorCode::installation_busy, folder.string());
    fs::permissions(folder, fs::perms::owner_all, error);
    if (!error) error = empty(folder);
    if (error) return failure(folder, error);
    return workshop;
}

// The stores were filled without waiting for the disk; the description says that all is there, so it waits for them.
Result<void> Workshop::finish(const fs::path& final_folder, std::string_view description) {
    auto done = sync_all(folder_);
    if (!done) return done;
    const fs::path file = Layout{folder_}.description();
    done = write_text_file(file, description);
    if (!done) return done;
    std::error_code error = sync_one(file);
    if (!error) error = sync_one(folder_);
    if (!error) fs::rename(folder_, final_folder, error);
    if (error) return failure(final_folder, error);
    fs::remove(final_folder / lock_name, error);
    error = sync_one(final_folder.parent_path());
    if (error) return failure(final_folder, error);
    return {};
}

}  // namespace onshi::installation
