#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "domain/identity/number_vault.h"
#include "domain/payments/service_certificates.h"

namespace onshi::certificate_files {

// The columns, in any order. `operation` (put, cancel), `kind` (subsidy, limit, specific_disease), `individual_number`
// and `valid_from` belong to every row; days are ISO.
//   subsidy:           payer_number recipient_number name [valid_to monthly_cap income_class refund_only]
//   limit:             limit_kind (1-3) issued_on [valid_to long_term_on]
//   specific_disease:  disease (1-3) issued_on monthly_cap [valid_to]
inline constexpr std::array<std::string_view, 15> columns{
    "operation", "kind",        "individual_number", "valid_from",  "valid_to",  "payer_number", "recipient_number",
    "name",      "monthly_cap", "income_class",      "refund_only", "issued_on", "limit_kind",   "long_term_on",
    "disease"};

struct RowRefusal {
    ErrorCode code;
    std::string_view column;  // static; empty: the row as a whole
};

// Reads the rows of one file. Not thread-safe.
class RowReader {
  public:
    // `header` without BOM. certificates.header with the place in its detail.
    [[nodiscard]] static Result<RowReader> create(std::string_view header);
    // The cells of a line; nullopt for one of another length or with broken quotes.
    [[nodiscard]] std::optional<std::vector<std::string>> split(std::string_view line) const;
    // A row in strong types, as one of `issuer`.
    [[nodiscard]] std::variant<payments::CertificateRow, RowRefusal> parse(const std::vector<std::string>& cells,
                                                                           const payments::Issuer& issuer,
                                                                           const identity::NumberVault& vault) const;
    // The cells as the result file repeats them: the individual number masked.
    [[nodiscard]] std::string echo(std::vector<std::string> cells) const;

  private:
    RowReader() = default;
    std::array<std::optional<std::size_t>, columns.size()> places_{};
    std::size_t count_ = 0;
};

struct ImportOptions {
    std::string file;
    std::string result_file;
    payments::Issuer issuer;
    std::string received_by;
};
struct ImportReport {
    std::uint64_t rows = 0;
    std::array<std::uint64_t, payments::certificate_results> results{};
};

// From the first line to the last, in commits of at most certificate_rows_max rows; the result file holds each row with
// its word, code and column. The same file again changes nothing. Errors: file.*, certificates.header, those of the
// store; then the rows of the commits before count, and the same call goes on.
[[nodiscard]] Task<Result<ImportReport>> import_certificates(const payments::CertificateParts& parts,
                                                             const identity::NumberVault& vault,
                                                             const ImportOptions& options);

}  // namespace onshi::certificate_files
