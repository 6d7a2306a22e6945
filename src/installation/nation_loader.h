#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/identifiers.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/identity/number_vault.h"
#include "domain/payments/model_certificates.h"
#include "installation/card_factory.h"
#include "platform/pki/keys.h"
#include "platform/sql/store_options.h"
#include "synth/nation.h"

namespace onshi::installation {

// Told now and then: which part, and how much of it is done.
using Progress = std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)>;

// Who a synthetic person and organisation are in the stores. Ordered as the indexes are.
[[nodiscard]] constexpr PersonKey person_key(std::uint64_t index) {
    return PersonKey(static_cast<std::int64_t>(index) + 1);
}
[[nodiscard]] constexpr CoverageKey coverage_key(std::uint64_t index, std::size_t record) {
    return CoverageKey(static_cast<std::int64_t>(index * 16 + record) + 1);
}
[[nodiscard]] constexpr payments::CertificateKey certificate_key(std::uint64_t index, std::size_t number) {
    return payments::CertificateKey(static_cast<std::int64_t>(index * 8 + number) + 1);
}
[[nodiscard]] constexpr OrganisationKey insurer_key(std::uint32_t index) {
    return OrganisationKey(1 + std::int64_t{index});
}
[[nodiscard]] constexpr OrganisationKey facility_key(std::uint32_t index) {
    return OrganisationKey(1'000'000 + std::int64_t{index});
}

// The registry commit that a day's files count as: one a day since the registry opened (domain-rules §1.13).
[[nodiscard]] std::int64_t known_seq_of(Date day);

// Every connected facility has one account for visual checks.
inline constexpr std::string_view staff_reference = "staff-1";
inline constexpr std::int64_t staff_visual_checks_per_day = 20;

struct LoadOptions {
    sql::StoreOptions store;       // both stores, migrated and without rows; no hub has them open
    std::string scratch_folder;    // for sorting; as large as the stores
    std::uint64_t persons = 0;     // 1 … synth::persons_max: indexes 0 … persons-1
    std::uint32_t facilities = 0;  // 0 … synth::facilities_max; insurers come all
    Instant now;                   // as of when the lists of revoked certificates count
    // So many people are in the embedded resident register, those of the registry first; 0: only these. The others are
    // whom insurers may register next.
    std::uint64_t residents = 0;
};

struct LoadParts {
    const CardFactory& cards;
    const pki::HmacKey& row_tag;
    std::int64_t trust_epoch;
    const identity::NumberVault& vault;  // seals everybody's individual number
    Random& random;
};

struct LoadCounts {
    std::uint64_t persons = 0;
    std::uint64_t coverages = 0;      // records that are known
    std::uint64_t coverage_rows = 0;  // with their history
    std::uint64_t cards = 0;          // certificates, replaced ones included
    std::uint64_t card_keys = 0;      // of them with a stored key
    std::uint64_t renewals = 0;
    std::uint64_t registrations = 0;
    std::uint64_t suspensions = 0;
    std::uint64_t certificates = 0;  // of limits, of specific diseases, of subsidies
    std::uint64_t organisations = 0;
    std::uint64_t residents = 0;  // in the embedded resident register
    std::int64_t known_seq = 0;   // of the newest registry commit
    bool operator==(const LoadCounts&) const = default;
};

// Sees every person once, in order, before its block is written.
using PersonVisitor = std::function<Result<void>(const synth::SyntheticPerson&)>;

// Writes what the nation's registry and ledger hold on its day `as_of`: nothing that is known later, future-dated
// records that are known, history rows for what was learned late. A record hangs on the person whose number the insurer
// wrote on it, wrong links too (domain-rules §2.6). Every table is written in the order of its key, so that its pages
// are full and in order. About 30 µs per person; memory bounded (limits.h). Errors: synth.settings (counts out of
// range), installation.folder (no room for sorting), those of the store; then the stores are to be thrown away.
[[nodiscard]] Result<LoadCounts> load_nation(const LoadParts& parts, const LoadOptions& options,
                                             const Progress& progress, const PersonVisitor& visit);

}  // namespace onshi::installation
