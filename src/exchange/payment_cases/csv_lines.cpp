#include "exchange/payment_cases/cases.h"

namespace onshi::payment_cases {

std::optional<std::vector<std::string>> split_csv_line(std::string_view line) {
    std::vector<std::string> cells(1);
    bool quoted = false;
    bool closed = false;  // behind a closing quote
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quoted) {
            if (c != '"') {
                cells.back() += c;
            } else if (i + 1 < line.size() && line[i + 1] == '"') {
                cells.back() += '"';
                ++i;
            } else {
                quoted = false;
                closed = true;
            }
        } else if (c == ',') {
            if (cells.size() == columns_max) return std::nullopt;
            cells.emplace_back();
            closed = false;
        } else if (c == '"') {
            if (closed || !cells.back().empty()) return std::nullopt;
            quoted = true;
        } else {
            if (closed) return std::nullopt;
            cells.back() += c;
        }
    }
    if (quoted) return std::nullopt;
    return cells;
}

std::string join_csv_line(const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) line += ',';
        if (cells[i].find_first_of(",\"") == std::string::npos) {
            line += cells[i];
            continue;
        }
        line += '"';
        for (const char c : cells[i]) {
            if (c == '"') line += '"';
            line += c;
        }
        line += '"';
    }
    return line;
}

}  // namespace onshi::payment_cases
