#include "cli/list_writer.h"

namespace onshi::cli {

ListWriter::ListWriter(Console& console, std::vector<std::string_view> columns) : console_(console) {
    if (wants_cells()) cells(std::vector<std::string>(columns.begin(), columns.end()));
}

void ListWriter::cells(const std::vector<std::string>& values) {
    console_.line(csv_line(values));
}

void ListWriter::object(std::string_view json) {
    if (console_.format() == Format::ndjson) return console_.line(json);
    console_.line((rows_ == 0 ? "[" : ",") + std::string(json));
    ++rows_;
}

void ListWriter::finish() {
    if (console_.format() == Format::json) console_.line(rows_ == 0 ? "[]" : "]");
}

std::string csv_line(const std::vector<std::string>& values) {
    std::string line;
    for (const auto& value : values) {
        if (!line.empty() || &value != &values.front()) line += ',';
        if (value.find_first_of(",\"\r\n") == std::string::npos) {
            line += value;
            continue;
        }
        line += '"';
        for (const char c : value) line += c == '"' ? std::string("\"\"") : std::string(1, c);
        line += '"';
    }
    return line;
}

}  // namespace onshi::cli
