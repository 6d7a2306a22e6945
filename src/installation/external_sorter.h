#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace onshi::installation {

struct SorterLimits {
    std::size_t memory_bytes;  // what may be held before a sorted run goes to disk
    std::size_t runs_max;
};

// Gives byte strings back in their order (as memcmp sees them), however many they are: what does not fit into memory
// lies in sorted runs in files that have no name, so nothing is left behind by a program that was killed. Owns memory
// and files; not thread-safe. Fill, then drain once.
class ExternalSorter {
  public:
    ExternalSorter(std::filesystem::path folder, SorterLimits limits);

    // At most sorter_entry_bytes_max bytes. installation.folder: a run cannot be written; store.full: runs_max are.
    [[nodiscard]] Result<void> add(std::string_view entry);
    // Equal entries come as often as they were added. Ends with the first error of `take`.
    [[nodiscard]] Result<void> drain(const std::function<Result<void>(std::string_view)>& take);
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] std::size_t runs() const { return runs_.size(); }

  private:
    struct Place {
        std::uint64_t prefix;  // the first eight bytes, big-endian: most comparisons end here
        std::uint32_t offset;
        std::uint32_t size;
    };
    struct CloseFile {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    using File = std::unique_ptr<std::FILE, CloseFile>;
    class RunReader;

    [[nodiscard]] std::string_view at(const Place& place) const {
        return std::string_view(bytes_).substr(place.offset, place.size);
    }
    void sort();
    [[nodiscard]] Result<void> spill();
    [[nodiscard]] Result<File> new_run();
    [[nodiscard]] Result<void> merge(const std::function<Result<void>(std::string_view)>& take);

    std::filesystem::path folder_;
    SorterLimits limits_;
    std::size_t bytes_max_;
    std::size_t places_max_;
    std::string bytes_;
    std::vector<Place> places_;
    std::vector<File> runs_;
    std::uint64_t size_ = 0;
};

}  // namespace onshi::installation
