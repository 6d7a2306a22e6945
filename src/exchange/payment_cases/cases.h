// Cases of payments as CSV: one header line, one case per line (docs/payments.md). Pure text in, text out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/payments/model.h"

namespace onshi::payment_cases {

// Bytes of one file of cases, and cells of one line.
inline constexpr std::size_t file_bytes_max = std::size_t{64} << 20U;
inline constexpr std::size_t columns_max = 64;

enum class Shape : std::uint8_t { claims, limits, households, counter };
[[nodiscard]] std::string_view to_string(Shape shape);

// The cells of one case by column name. A column that is absent or empty is not given.
class Cells {
  public:
    void set(std::string_view column, std::string_view text) { cells_.insert_or_assign(std::string(column), text); }
    [[nodiscard]] std::string_view get(std::string_view column) const {
        const auto found = cells_.find(column);
        return found == cells_.end() ? std::string_view() : std::string_view(found->second);
    }

  private:
    std::map<std::string, std::string, std::less<>> cells_;
};

// One case as the rules take it. Errors: payments.…; field.value and field.missing, with the column in `fields`.
[[nodiscard]] Result<payments::Claim> parse_claim(const Cells& cells, const payments::Tables& tables);
[[nodiscard]] Result<payments::Household> parse_household(const Cells& cells, const payments::Tables& tables);

// A result column of one case, and what was given for it. nullopt: nothing was given, nothing came out.
struct Outcome {
    std::string_view column;
    std::optional<std::int64_t> given;
    std::optional<std::int64_t> computed;
    // A result that was not given is not wrong.
    [[nodiscard]] bool disagrees() const { return given.has_value() && given != computed; }
};

struct Case {
    std::size_t line = 0;  // 1 is the header
    std::string id;        // of the column of that name; may be empty
    std::string csv;       // the row with what was computed
    std::vector<Outcome> outcomes;
    std::optional<Error> refused;  // the case is impossible or unreadable: its results are empty
    bool many_ignored = false;     // 多数回 was asked for where no reduced limit exists
    bool ratio_suspect = false;    // ratio and category do not fit each other
    [[nodiscard]] bool good() const;
};

struct CaseCounts {
    Shape shape = Shape::claims;
    std::size_t cases = 0;
    std::size_t refused = 0;
    std::size_t disagreeing = 0;
    std::vector<std::string> unknown_columns;  // they come back as they were and change nothing
};

// Calculates every case in the order of the file. `header` gets the line of column names, `each` one case after the
// other. Errors: file.malformed for a header of no known shape, a line of another length, or a file above
// file_bytes_max. A text that is no UTF-8 is read as CP932; text.invalid_encoding where it is neither.
[[nodiscard]] Result<CaseCounts> evaluate_cases(std::string_view text, const payments::Tables& tables,
                                                const std::function<void(std::string_view)>& header,
                                                const std::function<void(const Case&)>& each);

// The cells of one CSV line (RFC 4180, without line breaks inside quotes). nullopt for an unclosed or misplaced quote,
// or more than columns_max cells.
[[nodiscard]] std::optional<std::vector<std::string>> split_csv_line(std::string_view line);
[[nodiscard]] std::string join_csv_line(const std::vector<std::string>& cells);

}  // namespace onshi::payment_cases
