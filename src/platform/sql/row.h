#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "platform/sql/limits.h"

namespace onshi::sql {

enum class ColumnKind : std::uint8_t { null, integer, text, blob };

struct Column {
    ColumnKind kind = ColumnKind::null;
    std::int64_t integer = 0;
    std::string_view bytes;
};

// One row while it is being decoded. The views die with the decoder's call. A column of another kind than asked marks
// the row as corrupt (`store.corrupt` to the reader) and gives an empty value, so that a decoder needs no error path.
class Row {
  public:
    [[nodiscard]] std::int64_t integer(int column) const { return get(column, ColumnKind::integer).integer; }
    [[nodiscard]] std::string_view text(int column) const { return get(column, ColumnKind::text).bytes; }
    [[nodiscard]] std::string_view blob(int column) const { return get(column, ColumnKind::blob).bytes; }
    [[nodiscard]] bool is_null(int column) const { return columns_[index(column)].kind == ColumnKind::null; }
    [[nodiscard]] std::optional<std::int64_t> integer_or_null(int column) const {
        return is_null(column) ? std::nullopt : std::optional(integer(column));
    }
    // As it came, whatever its kind; for those who move rows without reading them.
    [[nodiscard]] const Column& column(int column) const { return columns_[index(column)]; }
    // For a decoder that finds the bytes of a column not to have their form.
    void reject() const { corrupt_ = true; }
    [[nodiscard]] bool corrupt() const { return corrupt_; }

    // For engines.
    void set(int column, const Column& value) { columns_[static_cast<std::size_t>(column)] = value; }
    void start(int columns) {
        count_ = columns;
        corrupt_ = false;
    }

  private:
    [[nodiscard]] std::size_t index(int column) const {
        if (column < 0 || column >= count_) {
            corrupt_ = true;
            return row_columns_max;
        }
        return static_cast<std::size_t>(column);
    }
    [[nodiscard]] Column get(int column, ColumnKind kind) const {
        const Column& found = columns_[index(column)];
        if (found.kind == kind) return found;
        corrupt_ = true;
        return {};
    }
    std::array<Column, row_columns_max + 1> columns_{};  // the last one stays null
    int count_ = 0;
    mutable bool corrupt_ = false;
};

}  // namespace onshi::sql
