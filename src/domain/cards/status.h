#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/audit/intents.h"
#include "domain/cards/authorities.h"
#include "domain/cards/store.h"
#include "platform/sql/database.h"

namespace onshi::cards {

// A CA's verified list of certificates that are not good. A value.
struct StatusList {
    std::int32_t ca_id = 0;
    std::string number;  // big-endian
    Instant this_update;
    Instant next_update;
    std::vector<ListedCertificate> certificates;  // by the serial's bytes, as the store orders them
};

// Reads a CRL: a hold is suspended, superseded is renewed, every other reason revoked. Errors: revocation.malformed
// (also for a list without a number), revocation.untrusted, revocation.stale. Pure, but slow for a long list: not on an
// event loop.
[[nodiscard]] Result<StatusList> read_status_list(Bytes der, const Authorities& authorities, Instant at);

// As numbers are compared: negative when `a` is the smaller one.
[[nodiscard]] int compare_list_numbers(std::string_view a, std::string_view b);

// Rows of one write set: well below what a write set may hold, so that the checks' own writes never wait long.
inline constexpr std::size_t status_changes_per_set_max = 500;
inline constexpr std::chrono::milliseconds status_step_time{10'000};

enum class ListNews : std::uint8_t { taken_over, already_known };

struct TakenOver {
    ListNews news = ListNews::already_known;
    std::uint64_t changed = 0;   // added, or with another status than before
    std::uint64_t released = 0;  // holds that were lifted
};

// Takes over what CAs say about their certificates (jpki-card §7.1): the difference to what is stored, in audited
// steps, each guarded by the source's version, so that two hubs do not mix two lists. The list's date is written last:
// freshness is never claimed early. A revoked certificate that is no longer listed stays revoked; a hold that is not,
// is lifted. Thread-safe.
class StatusService {
  public:
    StatusService(sql::Database& database, audit::AuditedChanges& changes) : database_(database), changes_(changes) {}
    // revocation.stale: a newer list is in force. store.conflict: somebody else takes one over at this moment.
    // deadline.passed: `stop` was requested; what was done stays, and the next try continues.
    [[nodiscard]] Task<Result<TakenOver>> take_over(const StatusList& list, std::stop_token stop);

  private:
    struct Take;
    [[nodiscard]] Task<Result<void>> next_page(Take& take);
    [[nodiscard]] Task<Result<void>> commit_part(Take& take);
    sql::Database& database_;
    audit::AuditedChanges& changes_;
};

}  // namespace onshi::cards
