#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/sha256.h"
#include "base/task.h"
#include "base/time.h"
#include "platform/pki/keys.h"
#include "platform/sql/database.h"

namespace onshi::terminal {

// What a terminal keeps on its own disk. Values never change.
enum class LocalKind : std::uint8_t {
    reference = 1,       // a number that this institution gave an insured person
    reception = 2,       // a bulk inquiry that was taken in
    deferred = 3,        // a check that is to be made up for when the hub is back
    last_visit = 4,      // an answer of an earlier day
    challenge = 5,       // held for signing while the hub is away
    offline_visit = 6,   // a check that a card signed and no hub has answered yet
    difference = 7,      // what the hub said later otherwise than the counter had gone by
    trust = 8,           // what capsules are verified with
    number_visit = 9,    // an answer of an earlier day by the terms of a look-up by number
    face_failures = 10,  // how often an engine did not recognise a card's holder, one time after the other
};

struct LocalRecord {
    std::string key;
    Instant at;  // when it was written
    std::string content;
};

// For logs and lists.
[[nodiscard]] std::string_view to_string(LocalKind kind);
inline constexpr std::size_t local_kind_count = 10;

// What was read of a kind, oldest first, and what is there and cannot be read: sealed by another key, changed, or of
// another program's form. Nothing of those but their keys and times is known; they are kept.
template <class T>
struct Readable {
    std::vector<T> items;
    std::vector<LocalRecord> unreadable;
};

// The terminal's own durable records, each sealed (AES-256-GCM, bound to kind and key) by a key of the terminal, so
// that a stolen disk tells nothing of patients. Keys of records are tags, never personal data. Owns its database;
// thread-safe. Durable before it answers.
class LocalStore {
  public:
    // Opens or makes the store in `folder`, with the sealing key in `key_file` (made when missing, 0600). secret.*,
    // store.*.
    [[nodiscard]] static Result<std::unique_ptr<LocalStore>> open(const std::filesystem::path& folder,
                                                                  const std::filesystem::path& key_file,
                                                                  Random& random);
    ~LocalStore();
    LocalStore(const LocalStore&) = delete;
    LocalStore& operator=(const LocalStore&) = delete;

    // Errors: those of the database.
    [[nodiscard]] Task<Result<void>> put(LocalKind kind, std::string key, std::string content, Instant now);
    [[nodiscard]] Task<Result<void>> remove(LocalKind kind, std::string key);
    [[nodiscard]] Task<Result<std::optional<LocalRecord>>> find(LocalKind kind, std::string key);
    // All of a kind, oldest first; `local_records_max` of them.
    [[nodiscard]] Task<Result<Readable<LocalRecord>>> read_all(LocalKind kind);
    // The same without those that cannot be opened; for kinds that can be made anew.
    [[nodiscard]] Task<Result<std::vector<LocalRecord>>> list(LocalKind kind);
    // Those written before an instant.
    [[nodiscard]] Task<Result<void>> remove_older(LocalKind kind, Instant before);
    // A tag for what must not stand in a key itself.
    [[nodiscard]] std::string tag(LocalKind kind, std::string_view text) const;
    // Refuses new work and ends; see sql::Database::close.
    void close();

  private:
    struct Parts;
    explicit LocalStore(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace onshi::terminal
