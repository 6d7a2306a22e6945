#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "exchange/oqs/message_name.h"

namespace onshi::terminal {

// Which writing of a file was seen: the same name may be written again.
struct FileVersion {
    std::int64_t changed_ns = 0;
    std::int64_t bytes = 0;
    std::uint64_t inode = 0;
    auto operator<=>(const FileVersion&) const = default;
};

struct FoundRequest {
    oqs::RequestName name;
    FileVersion version;
};

enum class Outbound : std::uint8_t { res, face };

// The folder that a billing system shares with the terminal: `req`, `res`, `face` (oqs §1.1). Files appear whole: they
// are made in a folder of their own beside them and moved in. Clients may remove anything at any moment.
// Blocks on the disk, which may be a slow share: used on a loop of its own. Not thread-safe.
class ExchangeFolder {
  public:
    explicit ExchangeFolder(std::filesystem::path root) : root_(std::move(root)) {}

    [[nodiscard]] std::filesystem::path requests() const { return root_ / "req"; }
    [[nodiscard]] std::filesystem::path outbound(Outbound where) const;

    // Makes what is missing and tries whether results can be written. folder.unusable.
    [[nodiscard]] Result<void> prepare() const;
    // Requests in the order in which they were written, at most `requests_listed_max`; everything else is not looked
    // at. folder.unusable.
    [[nodiscard]] Result<std::vector<FoundRequest>> list() const;
    // nullopt when it is gone, or cannot be opened while its writer holds it. message.too_large.
    [[nodiscard]] Result<std::optional<std::string>> read(const oqs::RequestName& name) const;
    // A file of that name that lies there already is replaced. folder.unusable.
    [[nodiscard]] Result<void> publish(Outbound where, std::string_view file_name, std::string_view bytes) const;
    // Moves the file's time on by itself; nothing when a client has taken it.
    void touch(Outbound where, const std::string& file_name) const;
    // false when it is still there.
    [[nodiscard]] bool remove_request(const oqs::RequestName& name) const;
    // The request with its reason: `.err` first, because clients open it when the request appears. folder.unusable.
    [[nodiscard]] Result<void> reject(const oqs::RequestName& name, std::string_view reason_bytes) const;
    // Removes files of ours that nobody fetched since `before`; how many.
    std::size_t remove_leftovers(Instant before) const;

  private:
    [[nodiscard]] std::filesystem::path staging() const { return root_ / ".onshi-staging"; }
    std::filesystem::path root_;
};

}  // namespace onshi::terminal
