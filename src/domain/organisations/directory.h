#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/organisations/model.h"
#include "domain/organisations/store.h"
#include "platform/sql/database.h"

namespace onshi::organisations {

inline constexpr std::chrono::seconds directory_age_max{5};
inline constexpr std::size_t directory_terminals_max = 65'536;

// Insurers by number: name and telephone for answers. Immutable.
class InsurerTable {
  public:
    explicit InsurerTable(std::unordered_map<InsurerNumber, Organisation> insurers) : insurers_(std::move(insurers)) {}
    [[nodiscard]] const Organisation* find(InsurerNumber number) const {
        const auto found = insurers_.find(number);
        return found == insurers_.end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::size_t size() const { return insurers_.size(); }

  private:
    std::unordered_map<InsurerNumber, Organisation> insurers_;
};

// Who a certificate belongs to and what insurers are called, at most directory_age_max old, so that a role or a
// terminal that was ended stops also on connections that are kept alive. Thread-safe. Owns the copies.
class Directory {
  public:
    Directory(sql::Database& database, const Clock& clock) : database_(database), clock_(clock) {}
    // terminal.unknown for a certificate of no terminal, terminal.disabled for one that is not active or whose
    // organisation has ended. The first use of a new certificate ends the previous one.
    [[nodiscard]] Task<Result<std::shared_ptr<const Terminal>>> terminal(const Fingerprint& fingerprint,
                                                                         Deadline deadline);
    [[nodiscard]] std::shared_ptr<const InsurerTable> insurers() const { return std::atomic_load(&insurers_); }
    // Reads the insurers anew; the hub calls it at start and every directory_age_max.
    [[nodiscard]] Task<Result<void>> refresh_insurers(Deadline deadline);

  private:
    struct FingerprintHash {
        std::size_t operator()(const Fingerprint& f) const noexcept;
    };
    struct Entry {
        std::shared_ptr<const Terminal> terminal;
        SteadyTime read_at;
    };
    [[nodiscard]] Task<Result<void>> end_previous(const CertificateOwner& owner, const Fingerprint& current,
                                                  Deadline deadline);
    sql::Database& database_;
    const Clock& clock_;
    std::mutex mutex_;
    std::unordered_map<Fingerprint, Entry, FingerprintHash> terminals_;
    std::shared_ptr<const InsurerTable> insurers_ =
        std::make_shared<InsurerTable>(std::unordered_map<InsurerNumber, Organisation>());
};

}  // namespace onshi::organisations
