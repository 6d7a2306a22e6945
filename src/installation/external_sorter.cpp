#include "installation/external_sorter.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <queue>
#include <unistd.h>
#include <utility>

#include "base/ensure.h"
#include "installation/limits.h"

namespace onshi::installation {

namespace {

using Length = std::uint16_t;
static_assert(sorter_entry_bytes_max <= 0xFFFF);

std::uint64_t prefix_of(std::string_view entry) {
    std::uint64_t prefix = 0;
    for (std::size_t i = 0; i < sizeof prefix; ++i) {
        prefix = (prefix << 8U) | (i < entry.size() ? static_cast<std::uint8_t>(entry[i]) : 0U);
    }
    return prefix;
}

}  // namespace

// Reads one run from its beginning.
class ExternalSorter::RunReader {
  public:
    explicit RunReader(std::FILE* file) : file_(file) {}

    // False at the end of the run.
    [[nodiscard]] Result<bool> next() {
        Length length = 0;
        if (std::fread(&length, sizeof length, 1, file_) != 1) {
            if (std::ferror(file_) != 0) return fail(ErrorCode::installation_folder, "a sorted run cannot be read");
            return false;
        }
        entry_.resize(length);
        if (length != 0 && std::fread(entry_.data(), length, 1, file_) != 1) {
            return fail(ErrorCode::installation_folder, "a sorted run cannot be read");
        }
        return true;
    }
    [[nodiscard]] const std::string& entry() const { return entry_; }

  private:
    std::FILE* file_;
    std::string entry_;
};

// Two thirds of the memory for the bytes: entries are a few dozen bytes, their places sixteen.
ExternalSorter::ExternalSorter(std::filesystem::path folder, SorterLimits limits)
    : folder_(std::move(folder)),
      limits_(limits),
      bytes_max_(limits.memory_bytes / 3 * 2),
      places_max_(std::max<std::size_t>(limits.memory_bytes / 3 / sizeof(Place), 1)) {}

Result<void> ExternalSorter::add(std::string_view entry) {
    ENSURE(entry.size() <= sorter_entry_bytes_max);
    const bool full = bytes_.size() + entry.size() > bytes_max_ || places_.size() == places_max_;
    if (full && !places_.empty()) {
        auto spilled = spill();
        if (!spilled) return spilled;
    }
    if (bytes_.capacity() < bytes_max_) {
        bytes_.reserve(bytes_max_);
        places_.reserve(places_max_);
    }
    places_.push_back(
        {prefix_of(entry), static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(entry.size())});
    bytes_.append(entry);
    ++size_;
    return {};
}

void ExternalSorter::sort() {
    const auto before = [this](const Place& a, const Place& b) {
        return a.prefix != b.prefix ? a.prefix < b.prefix : at(a) < at(b);
    };
    if (!std::ranges::is_sorted(places_, before)) std::ranges::sort(places_, before);
}

Result<ExternalSorter::File> ExternalSorter::new_run() {
    std::string name = (folder_ / ".sorting-XXXXXX").string();
    const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0) return fail(ErrorCode::installation_folder, std::string("sorting: ") + std::strerror(errno));
    ::unlink(name.c_str());
    File file(::fdopen(descriptor, "w+b"));
    if (!file) {
        ::close(descriptor);
        return fail(ErrorCode::installation_folder, "sorting: no stream");
    }
    std::setvbuf(file.get(), nullptr, _IOFBF, sorter_run_buffer_bytes);
    return file;
}

Result<void> ExternalSorter::spill() {
    if (runs_.size() == limits_.runs_max) return fail(ErrorCode::store_full, "more to sort than the sorter's limit");
    auto file = new_run();
    if (!file) return fail(std::move(file));
    sort();
    for (const Place& place : places_) {
        const std::string_view entry = at(place);
        const auto length = static_cast<Length>(entry.size());
        const bool written = std::fwrite(&length, sizeof length, 1, file->get()) == 1 &&
                             (entry.empty() || std::fwrite(entry.data(), entry.size(), 1, file->get()) == 1);
        if (!written) return fail(ErrorCode::installation_folder, std::string("sorting: ") + std::strerror(errno));
    }
    if (std::fflush(file->get()) != 0) {
        return fail(ErrorCode::installation_folder, std::string("sorting: ") + std::strerror(errno));
    }
    std::rewind(file->get());
    runs_.push_back(std::move(*file));
    bytes_.clear();
    places_.clear();
    return {};
}

Result<void> ExternalSorter::drain(const std::function<Result<void>(std::string_view)>& take) {
    if (!runs_.empty()) {
        if (!places_.empty()) {
            auto spilled = spill();
            if (!spilled) return spilled;
        }
        bytes_ = {};
        places_ = {};
        return merge(take);
    }
    sort();
    for (const Place& place : places_) {
        auto taken = take(at(place));
        if (!taken) return taken;
    }
    bytes_ = {};
    places_ = {};
    return {};
}

Result<void> ExternalSorter::merge(const std::function<Result<void>(std::string_view)>& take) {
    std::vector<RunReader> readers;
    readers.reserve(runs_.size());
    const auto later = [&readers](std::size_t a, std::size_t b) { return readers[a].entry() > readers[b].entry(); };
    std::priority_queue<std::size_t, std::vector<std::size_t>, decltype(later)> heads(later);
    for (const File& run : runs_) {
        readers.emplace_back(run.get());
        auto first = readers.back().next();
        if (!first) return fail(std::move(first));
        if (*first) heads.push(readers.size() - 1);
    }
    while (!heads.empty()) {
        const std::size_t smallest = heads.top();
        heads.pop();
        auto taken = take(readers[smallest].entry());
        if (!taken) return taken;
        auto more = readers[smallest].next();
        if (!more) return fail(std::move(more));
        if (*more) heads.push(smallest);
    }
    runs_.clear();
    return {};
}

}  // namespace onshi::installation
