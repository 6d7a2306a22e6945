// Reads the cells of a case. For the sources of this folder.
#pragma once

#include <optional>
#include <string_view>

#include "exchange/payment_cases/cases.h"

namespace onshi::payment_cases {

[[nodiscard]] std::optional<std::int64_t> parse_whole(std::string_view text);

// Keeps the first wrong cell. Refers to the cells. One thread.
class CellReader {
  public:
    explicit CellReader(const Cells& cells) : cells_(cells) {}
    [[nodiscard]] bool failed() const { return error_.has_value(); }
    [[nodiscard]] const Error& error() const { return *error_; }
    void reject(std::string_view column, ErrorCode code);

    [[nodiscard]] std::string_view required(std::string_view column);
    // 0 … max.
    [[nodiscard]] std::int64_t whole(std::string_view column, std::string_view text, std::int64_t max);
    [[nodiscard]] bool flag(std::string_view column);
    // 多数回該当: 1 or 0, or the months of the benefits with a space between them.
    [[nodiscard]] bool many(Date care_month);
    [[nodiscard]] payments::Band band(std::string_view column, std::string_view text);
    [[nodiscard]] payments::Setting setting(std::string_view column, std::string_view text);
    [[nodiscard]] payments::Percent tenths(std::string_view column, std::string_view text);
    // Of the column of that name, else a month of the table of the column `table`, else of `table_without`, where that
    // is not empty. Where both columns are given they agree.
    [[nodiscard]] Date care_month(const payments::Tables& tables, std::string_view table_without);
    [[nodiscard]] const payments::LimitTable* table_of(const payments::Tables& tables, Date month);

  private:
    const Cells& cells_;
    std::optional<Error> error_;
};

}  // namespace onshi::payment_cases
