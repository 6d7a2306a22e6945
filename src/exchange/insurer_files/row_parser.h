#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "domain/coverage/model_intake.h"
#include "exchange/insurer_files/limits.h"

namespace onshi::insurer_files {

enum class Encoding : std::uint8_t { utf8, cp932 };
enum class FileFormat : std::uint8_t { csv, ndjson };
[[nodiscard]] std::string_view to_string(Encoding encoding);
[[nodiscard]] std::string_view to_string(FileFormat format);

// The columns of a members' file, by their fixed names. Their order in the file is free.
enum class Field : std::uint8_t {
    operation,
    insurer_number,
    symbol,
    number,
    branch,
    relation,
    individual_number,
    name,
    kana,
    birth_date,
    sex,
    address,
    acquired_on,
    lost_on,
    loss_reason,
    copay_percent,
    limit_category,
    certificate_kind,
    notified_on,
};
inline constexpr std::size_t field_count = 19;
[[nodiscard]] std::string_view field_name(Field field);
[[nodiscard]] std::optional<Field> find_field(std::string_view name);
// The header of a file with every column, in the order above.
[[nodiscard]] std::string full_header();

// The fields of one row as texts; empty where the row has none. Views into the line or the parser's scratch.
struct RawRow {
    std::array<std::string_view, field_count> fields{};
    [[nodiscard]] std::string_view at(Field field) const { return fields[static_cast<std::size_t>(field)]; }
};

// A row in strong types, or why it is none.
using ParsedRow = std::variant<coverage::IntakeRow, coverage::RowOutcome>;

// A text date as insurers write it: 2026-04-01, 20260401, 5080401 or R080401, 令和8年4月1日. date.*
[[nodiscard]] Result<Date> parse_file_date(std::string_view text);

// The fields in strong types: every rule that needs no registry (formats, check digits, codes, eras). Free text that
// holds an individual number is masked (domain-rules MN-2).
// With what may be an individual number made unreadable.
[[nodiscard]] std::string free_text(std::string_view text);
[[nodiscard]] ParsedRow parse_fields(const RawRow& raw);

// Reads the rows of one file. Not thread-safe; views it gives live until its next call.
class RowParser {
  public:
    // `header`: the first line of a CSV, without BOM. intake.header: an unknown column, one twice, too many, or none of
    // operation, insurer_number, number, birth_date.
    [[nodiscard]] static Result<RowParser> csv(std::string_view header, Encoding encoding);
    [[nodiscard]] static RowParser ndjson();

    [[nodiscard]] ParsedRow parse(std::string_view line);
    // The fields without judging them: for surveys. nullopt where the line is not even a row.
    [[nodiscard]] std::optional<RawRow> split(std::string_view line);
    // The row as the result file repeats it, in UTF-8 and with the individual number masked; of the line last parsed.
    [[nodiscard]] const std::string& echo() const { return echo_; }
    [[nodiscard]] std::size_t columns() const { return columns_.size(); }

  private:
    RowParser() = default;
    [[nodiscard]] std::optional<coverage::RowOutcome> split_csv(std::string_view line, RawRow& raw);
    [[nodiscard]] std::optional<coverage::RowOutcome> unquote(std::string_view line,
                                                              std::vector<std::string_view>& fields);
    [[nodiscard]] ParsedRow parse_json(std::string_view line);
    void make_echo(const std::vector<std::string_view>& fields);

    FileFormat format_ = FileFormat::csv;
    Encoding encoding_ = Encoding::utf8;
    std::vector<Field> columns_;
    std::string header_;
    std::string decoded_;
    std::string scratch_;
    std::string echo_;
    std::vector<std::string_view> fields_;
};

// RFC 4180: in quotes where it has to be.
void append_csv_field(std::string& out, std::string_view value);

}  // namespace onshi::insurer_files
