#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/texts.h"
#include "domain/audit/model.h"
#include "domain/coverage/service_intake.h"
#include "domain/coverage/store_uploads.h"
#include "exchange/insurer_files/sealed_file.h"
#include "platform/pki/keys.h"

namespace onshi::insurer_files {

// How long a result lies ready for its sender; the rows themselves are in the registry.
inline constexpr std::chrono::hours result_kept{24 * 30};
inline constexpr std::uint64_t upload_bytes_max = std::uint64_t{32} << 30U;

// References outlive it.
struct UploadParts {
    const coverage::IntakeParts& intake;
    const pki::SealingKey& key;    // what lies in the folder is sealed with it
    std::filesystem::path folder;  // of this hub alone
    std::int64_t lane = 0;         // of this hub
};

// How far the upload is that is being taken over.
struct UploadProgress {
    InsurerNumber insurer;
    CheckId id;
    std::string_view stage;  // a literal: survey, rows
    std::uint64_t done = 0;  // bytes, then rows
    std::uint64_t total = 0;
};

// Members' files that insurers send over the wire: sealed into a folder as they come, written down, then taken over one
// after the other, oldest first, behind the back of the one who sent them. What was waiting when the hub died waits
// still. Thread-safe but for work_one() and clean(), which belong to one thread.
class Uploads {
  public:
    explicit Uploads(UploadParts parts) : parts_(std::move(parts)) {}

    // Begins to receive. intake.busy: the same id is being received, or too much waits of this insurer.
    [[nodiscard]] Task<Result<SealedFileWriter>> receive(InsurerNumber insurer, const CheckId& id, Deadline deadline);
    // The file is whole: it waits from now on. `upload` says whose and how; bytes, digest, lane and moment are set
    // here. intake.busy when the id is taken meanwhile.
    [[nodiscard]] Task<Result<coverage::Upload>> add(coverage::Upload upload, SealedFileWriter file, Deadline deadline);
    [[nodiscard]] Task<Result<std::optional<coverage::Upload>>> find(InsurerNumber insurer, const CheckId& id,
                                                                     Deadline deadline);
    [[nodiscard]] Task<Result<std::vector<coverage::Upload>>> list(InsurerNumber insurer, Deadline deadline);
    // A second person's decision; it waits again. intake.unknown_file, and those of release_file().
    [[nodiscard]] Task<Result<coverage::Upload>> release(InsurerNumber insurer, const CheckId& id, audit::Actor actor,
                                                         Deadline deadline);
    // The rows with what became of them, from the beginning. intake.unknown_file: there is none, or not on this hub.
    [[nodiscard]] Result<std::filesystem::path> result_file(const coverage::Upload& upload) const;
    [[nodiscard]] std::optional<UploadProgress> progress() const;

    // Takes over the next one and gives whether there was one. An error is one that another try may mend.
    [[nodiscard]] Result<bool> work_one(const std::function<bool()>& stop);
    // At start: removes what was never received whole, what nobody waits for, and old results.
    [[nodiscard]] Result<void> clean();

  private:
    [[nodiscard]] std::string name_of(InsurerNumber insurer, const CheckId& id) const;
    [[nodiscard]] std::filesystem::path sealed_path(InsurerNumber insurer, const CheckId& id) const;
    [[nodiscard]] std::filesystem::path result_path(const coverage::Upload& upload) const;
    [[nodiscard]] Task<Result<std::optional<coverage::Upload>>> next(Deadline deadline);
    [[nodiscard]] Task<Result<void>> change(coverage::Upload upload, Deadline deadline);
    [[nodiscard]] Result<void> take_over(coverage::Upload upload, const std::function<bool()>& stop);
    [[nodiscard]] Result<void> fail_upload(coverage::Upload upload, ErrorCode code);
    void tell(const coverage::Upload& upload, std::string_view stage, std::uint64_t done, std::uint64_t total);

    UploadParts parts_;
    mutable std::mutex mutex_;
    std::optional<UploadProgress> progress_;
};

}  // namespace onshi::insurer_files
