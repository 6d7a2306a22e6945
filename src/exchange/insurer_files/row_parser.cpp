#include "exchange/insurer_files/row_parser.h"

#include <algorithm>
#include <bitset>

#include <fmt/format.h>

#include "base/cp932.h"
#include "base/identifiers.h"
#include "base/utf8.h"
#include "platform/text_formats/json_reader.h"

namespace onshi::insurer_files {

namespace {

using coverage::RowOutcome;

constexpr std::string_view masked_number = "************";
constexpr std::array required_columns{Field::operation, Field::insurer_number, Field::number, Field::birth_date};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

// The column a JSON pointer names, as a text that lives as long as the program.
std::string_view column_of(std::string_view pointer) {
    const auto field = find_field(pointer.starts_with('/') ? pointer.substr(1) : pointer);
    return field ? field_name(*field) : std::string_view();
}

}  // namespace

std::string_view to_string(Encoding encoding) {
    return encoding == Encoding::utf8 ? "utf-8" : "cp932";
}
std::string_view to_string(FileFormat format) {
    return format == FileFormat::csv ? "csv" : "ndjson";
}

void append_csv_field(std::string& out, std::string_view value) {
    if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
        out.append(value);
        return;
    }
    out.push_back('"');
    for (const char c : value) {
        if (c == '"') out.push_back('"');
        out.push_back(c);
    }
    out.push_back('"');
}

Result<RowParser> RowParser::csv(std::string_view header, Encoding encoding) {
    RowParser parser;
    parser.encoding_ = encoding;
    parser.header_ = header;
    std::vector<std::string_view> fields;
    if (parser.unquote(header, fields)) return fail(ErrorCode::intake_header, "the header is no row");
    std::bitset<field_count> seen;
    for (const std::string_view name : fields) {
        const auto field = find_field(trimmed(name));
        if (!field || seen.test(static_cast<std::size_t>(*field))) {
            return fail(ErrorCode::intake_header, fmt::format("column {}", parser.columns_.size() + 1));
        }
        seen.set(static_cast<std::size_t>(*field));
        parser.columns_.push_back(*field);
    }
    for (const Field field : required_columns) {
        if (seen.test(static_cast<std::size_t>(field))) continue;
        return fail(ErrorCode::intake_header, std::string(field_name(field)));
    }
    return parser;
}

RowParser RowParser::ndjson() {
    RowParser parser;
    parser.format_ = FileFormat::ndjson;
    return parser;
}

// Fields of a line, those in quotes copied to the scratch without them.
std::optional<RowOutcome> RowParser::unquote(std::string_view line, std::vector<std::string_view>& fields) {
    fields.clear();
    scratch_.clear();
    scratch_.reserve(line.size());  // so that views into it stay
    std::size_t at = 0;
    for (;;) {
        if (fields.size() == columns_max) return RowOutcome::refuse(ErrorCode::intake_columns);
        if (at < line.size() && line[at] == '"') {
            const std::size_t begun = scratch_.size();
            for (++at;; ++at) {
                if (at >= line.size()) return RowOutcome::refuse(ErrorCode::intake_quotes);
                if (line[at] != '"') {
                    scratch_.push_back(line[at]);
                    continue;
                }
                if (at + 1 < line.size() && line[at + 1] == '"') {
                    scratch_.push_back(line[at++]);
                    continue;
                }
                break;
            }
            ++at;
            if (at < line.size() && line[at] != ',') return RowOutcome::refuse(ErrorCode::intake_quotes);
            fields.push_back(std::string_view(scratch_).substr(begun));
        } else {
            const std::size_t comma = std::min(line.find(',', at), line.size());
            fields.push_back(line.substr(at, comma - at));
            if (fields.back().find('"') != std::string_view::npos) return RowOutcome::refuse(ErrorCode::intake_quotes);
            at = comma;
        }
        if (at >= line.size()) return std::nullopt;
        ++at;
    }
}

void RowParser::make_echo(const std::vector<std::string_view>& fields) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (i > 0) echo_.push_back(',');
        const std::string_view value = i < fields.size() ? fields[i] : std::string_view();
        if (columns_[i] == Field::individual_number) {
            if (!value.empty()) echo_.append(masked_number);
        } else if (columns_[i] == Field::name || columns_[i] == Field::kana || columns_[i] == Field::address) {
            append_csv_field(echo_, free_text(value));
        } else {
            append_csv_field(echo_, value);
        }
    }
}

std::optional<RowOutcome> RowParser::split_csv(std::string_view line, RawRow& raw) {
    echo_.clear();
    if (line == header_) {
        make_echo({});
        return RowOutcome::refuse(ErrorCode::intake_repeated_header);
    }
    auto wrong = unquote(line, fields_);
    if (!wrong && fields_.size() != columns_.size()) wrong = RowOutcome::refuse(ErrorCode::intake_columns);
    // Where it is not known which field is which, none is repeated: one might be an individual number.
    make_echo(wrong ? std::vector<std::string_view>() : fields_);
    if (wrong) return wrong;
    for (std::size_t i = 0; i < fields_.size(); ++i)
        raw.fields[static_cast<std::size_t>(columns_[i])] = trimmed(fields_[i]);
    return std::nullopt;
}

std::optional<RawRow> RowParser::split(std::string_view line) {
    RawRow raw;
    if (format_ == FileFormat::csv) {
        if (unquote(line, fields_) || fields_.size() != columns_.size()) return std::nullopt;
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            raw.fields[static_cast<std::size_t>(columns_[i])] = trimmed(fields_[i]);
        }
        return raw;
    }
    auto document = JsonDocument::parse(line);
    if (!document) return std::nullopt;
    scratch_.clear();
    scratch_.reserve(line.size() + 4);
    const auto read = document->read([&](JsonObject& object) {
        for (std::size_t i = 0; i < field_count; ++i) {
            const auto field = static_cast<Field>(i);
            const std::size_t begun = scratch_.size();
            if (field == Field::copay_percent) {
                const auto percent = object.optional_integer(field_name(field), 0, 100);
                if (!percent) continue;
                fmt::format_to(std::back_inserter(scratch_), "{}", *percent);
                raw.fields[i] = std::string_view(scratch_).substr(begun);
                continue;
            }
            const auto value = object.optional_text(field_name(field), field_bytes_max);
            if (!value) continue;
            scratch_.append(*value);
            raw.fields[i] = std::string_view(scratch_).substr(begun);
        }
    });
    if (!read) return std::nullopt;
    return raw;
}

ParsedRow RowParser::parse_json(std::string_view line) {
    auto document = JsonDocument::parse(line);
    if (!document) return RowOutcome::refuse(ErrorCode::request_malformed);
    RawRow raw;
    std::string percent;
    auto read = document->read([&](JsonObject& object) {
        for (std::size_t i = 0; i < field_count; ++i) {
            const auto field = static_cast<Field>(i);
            if (field == Field::copay_percent) {
                const auto value = object.optional_integer(field_name(field), 0, 100);
                if (value) percent = fmt::format("{}", *value);
                raw.fields[i] = percent;
                continue;
            }
            const auto value = object.optional_text(field_name(field), field_bytes_max);
            if (value) raw.fields[i] = *value;
        }
    });
    if (!read) {
        const auto& wrong = read.error().fields;
        if (wrong.empty()) return RowOutcome::refuse(read.error().code);
        return RowOutcome::refuse(wrong.front().code, column_of(wrong.front().pointer));
    }
    return parse_fields(raw);
}

ParsedRow RowParser::parse(std::string_view line) {
    echo_.clear();
    std::string_view text = line;
    if (encoding_ == Encoding::cp932) {
        auto decoded = decode_cp932(line);
        if (decoded) decoded_ = std::move(*decoded);
        text = decoded ? std::string_view(decoded_) : std::string_view();
        if (!decoded) {
            make_echo({});
            return RowOutcome::refuse(decoded.error().code);
        }
    } else if (!is_valid_utf8(line)) {
        if (format_ == FileFormat::csv) make_echo({});
        return RowOutcome::refuse(ErrorCode::text_invalid_encoding);
    }
    if (format_ == FileFormat::ndjson) return parse_json(text);
    RawRow raw;
    if (auto wrong = split_csv(text, raw)) return *wrong;
    return parse_fields(raw);
}

}  // namespace onshi::insurer_files
