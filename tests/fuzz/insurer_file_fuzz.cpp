// Any bytes as a members' file, in both encodings and as NDJSON: every line is a row or a refusal with a code, and no
// result line carries an individual number that stood in its own column.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ensure.h"
#include "base/identifiers.h"
#include "base/utf8.h"
#include "exchange/insurer_files/row_parser.h"

namespace {

using namespace onshi;
using namespace onshi::insurer_files;

void check_lines(RowParser parser, std::string_view text) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (line.size() > line_bytes_max) continue;
        const ParsedRow parsed = parser.parse(line);
        ENSURE(is_valid_utf8(parser.echo()));
        if (const auto* row = std::get_if<coverage::IntakeRow>(&parsed)) {
            ENSURE(!row->insured.number.empty());
            ENSURE(row->person.name.size() <= field_bytes_max);
            ENSURE(!contains_individual_number(row->person.name));
            ENSURE(!row->copay_percent || (*row->copay_percent >= 0 && *row->copay_percent <= 100));
        }
        static_cast<void>(parser.split(line));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_lines(*RowParser::csv(full_header(), Encoding::utf8), text);
    check_lines(*RowParser::csv(full_header(), Encoding::cp932), text);
    check_lines(RowParser::ndjson(), text);
    // The header itself comes from outside too.
    const std::string_view header = text.substr(0, text.find('\n'));
    if (is_valid_utf8(header)) {
        if (auto parser = RowParser::csv(header, Encoding::utf8)) check_lines(std::move(*parser), text);
    }
    static_cast<void>(parse_file_date(text.substr(0, 64)));
    return 0;
}
