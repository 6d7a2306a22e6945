#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/console.h"

namespace onshi::cli {

// Writes a list in the format that was asked for: lines for people, CSV with a header, one JSON array, or one JSON
// object per line. Not thread-safe; the console outlives it.
class ListWriter {
  public:
    ListWriter(Console& console, std::vector<std::string_view> columns);
    // What the next row takes: cells in the order of the columns for CSV, a line for people, one object for JSON.
    [[nodiscard]] bool wants_cells() const { return console_.format() == Format::csv; }
    [[nodiscard]] bool wants_json() const { return console_.json(); }
    void cells(const std::vector<std::string>& values);
    void line(std::string_view text) { console_.line(text); }
    void object(std::string_view json);
    // After the last row.
    void finish();

  private:
    Console& console_;
    std::size_t rows_ = 0;
};

// RFC 4180: quoted where it has to be.
[[nodiscard]] std::string csv_line(const std::vector<std::string>& values);

}  // namespace onshi::cli
