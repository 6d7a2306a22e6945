#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "domain/identity/model_number.h"
#include "domain/identity/store_numbers.h"
#include "domain/payments/model_certificates.h"
#include "platform/sql/database.h"

namespace onshi::payments {

// Who sends certificates: a municipality or prefecture its own subsidies, an insurer its own limit certificates and
// certificates of specific diseases.
using Issuer = std::variant<MunicipalityCode, InsurerNumber>;

enum class CertificateOperation : std::uint8_t { put, cancel };

// One row of a file of certificates. The keys of the certificates are not set. Holds a secret: never log it.
struct CertificateRow {
    CertificateOperation operation = CertificateOperation::put;
    identity::NumberTag tag{};  // of the person's individual number
    std::variant<LimitCertificate, SpecificDiseaseCertificate, SubsidyCertificate> certificate;
};

enum class CertificateResult : std::uint8_t { refused = 0, unchanged = 1, added = 2, changed = 3, cancelled = 4 };
inline constexpr std::size_t certificate_results = 5;
[[nodiscard]] std::string_view to_string(CertificateResult result);

struct CertificateOutcome {
    CertificateResult result = CertificateResult::refused;
    ErrorCode refusal = ErrorCode::internal_unexpected;  // counts when refused
};

// Rows that become one commit.
inline constexpr std::size_t certificate_rows_max = 256;
inline constexpr int certificate_attempts_max = 16;

struct CertificateParts {
    sql::Database& database;
    const Clock& clock;
    Random& random;
};

// Takes rows over into the registry: who is meant follows from the individual number alone. The same rows a second time
// change nothing. A certificate is the same as one on file when issuer, numbers and first day are; it keeps its key.
// One per file; not thread-safe; several may work beside each other and a hub on one store.
class CertificateIntake {
  public:
    CertificateIntake(const CertificateParts& parts, Issuer issuer, std::string received_by)
        : parts_(parts), keys_(parts.database), issuer_(issuer), received_by_(std::move(received_by)) {}

    // At most certificate_rows_max rows, in their order; audited as one change. Rows are refused with
    // certificates.issuer, certificates.person, certificates.row (a cancelled one that is not on file),
    // certificates.too_many. Errors: those of the store; then none of the rows counts.
    [[nodiscard]] Task<Result<std::vector<CertificateOutcome>>> take(std::span<const CertificateRow> rows,
                                                                     Deadline deadline);

  private:
    CertificateParts parts_;
    identity::KeyBlocks keys_;
    Issuer issuer_;
    std::string received_by_;
};

}  // namespace onshi::payments
