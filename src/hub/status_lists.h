#pragma once

// Lists of revoked certificates (CRL) that somebody lays into a folder, and that the hub takes over by itself.

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/result.h"
#include "base/time.h"
#include "domain/audit/intents.h"
#include "domain/cards/authorities.h"
#include "platform/sql/database.h"

namespace onshi::hub {

inline constexpr std::size_t status_list_files_max = 64;
// What is worth waiting for before the hub listens; a longer list is taken over while it serves.
inline constexpr std::uintmax_t status_list_bytes_at_start_max = 4 * 1024 * 1024;
inline constexpr std::string_view status_list_suffix = ".crl";

// The DER of a list, whether the file holds DER or PEM. file.unreadable, revocation.malformed.
[[nodiscard]] Result<std::string> read_status_list_file(const std::filesystem::path& file);

// Looks into the folder now and then and takes over each list that is new there. Reads, verifies and compares on a
// thread of its own, so that no event loop waits for a list of a million entries. A file that was refused is looked at
// again when it has changed. Borrows everything; stop it before the database closes. One owner.
class StatusLists {
  public:
    StatusLists(sql::Database& database, audit::AuditedChanges& changes, const cards::Authorities& authorities,
                const Clock& clock, std::filesystem::path folder, std::chrono::seconds every);
    StatusLists(const StatusLists&) = delete;
    StatusLists& operator=(const StatusLists&) = delete;
    ~StatusLists() { stop(); }

    // One look on the calling thread, at files up to this size. Not while the thread runs.
    void look(std::uintmax_t bytes_max, std::stop_token stop);
    void start();
    // Waits for the part of a list that is being written. Idempotent.
    void stop();

  private:
    struct Seen {
        std::filesystem::file_time_type changed_at;
        std::uintmax_t bytes = 0;
        bool operator==(const Seen&) const = default;
    };
    [[nodiscard]] Result<void> take_over(const std::filesystem::path& file, std::stop_token stop);
    void run(std::stop_token stop);

    sql::Database& database_;
    audit::AuditedChanges& changes_;
    const cards::Authorities& authorities_;
    const Clock& clock_;
    std::filesystem::path folder_;
    std::chrono::seconds every_;
    bool folder_readable_ = true;
    std::map<std::string, Seen> settled_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;
};

}  // namespace onshi::hub
