#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace onshi::installation {

// The folder `<final>.part`, in which an installation is made before it is moved to its place in one step. Holds a lock
// as long as it lives, so that what a killed program left is told from what a working one is about to finish. Owns the
// lock, not the folder. Not thread-safe.
class Workshop {
  public:
    // Empties what a killed program left. installation.busy: another program works there. installation.not_ours: the
    // folder holds something that no Workshop left. installation.folder.
    [[nodiscard]] static Result<Workshop> claim(const std::filesystem::path& final_folder);
    Workshop(Workshop&& other) noexcept
        : folder_(std::move(other.folder_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
    Workshop& operator=(Workshop&&) = delete;
    Workshop(const Workshop&) = delete;
    ~Workshop();

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    // Waits until everything is on disk, writes the description, and moves the folder to its place, where nothing or an
    // empty folder may be. installation.folder.
    [[nodiscard]] Result<void> finish(const std::filesystem::path& final_folder, std::string_view description);

  private:
    Workshop(std::filesystem::path folder, int descriptor) : folder_(std::move(folder)), descriptor_(descriptor) {}
    std::filesystem::path folder_;
    int descriptor_;
};

}  // namespace onshi::installation
