#pragma once

#include <filesystem>
#include <functional>
#include <memory>

namespace onshi {

// Calls `ring` on a thread of its own whenever something appears, changes or goes in a folder; several changes may be
// one call. Also once when it begins to watch, and again when the folder comes back after it was away, because what
// happened before was not seen. Where the kernel cannot tell (a share of another machine, no more watches) it stays
// silent, so whoever listens also looks by itself now and then. Owns its thread; `ring` is not called any more once the
// destructor has returned.
class FolderWatch {
  public:
    FolderWatch(std::filesystem::path folder, std::function<void()> ring);
    ~FolderWatch();
    FolderWatch(const FolderWatch&) = delete;
    FolderWatch& operator=(const FolderWatch&) = delete;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace onshi
